import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import {
  deleteIdleMcpSessions,
  deleteMcpSession,
  findMcpSession,
  insertMcpSession,
  touchMcpSessions,
} from '../../db/mcp-sessions.ts';
import { deleteOldStreamEvents } from '../../db/mcp-stream-events.ts';
import type { Pool } from '../../db/pool.ts';
import type { Caller } from '../../policy/caller.ts';
import type { Recorder, SessionFacts } from '../../recording/event.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { Gate } from '../containment/gate.ts';
import { callerHandles, sessionHandles } from '../containment/handles.ts';
import { GatewayError } from '../errors.ts';
import type { Upstream, UpstreamSession } from '../upstreams/upstream.ts';
import { factsOf, hashOfId, unknownSession } from './facts.ts';
import { refuseWhenFull, type SessionLimits } from './room.ts';
import type { Handshake, LiveSession } from './session.ts';
import { sealUpstreamId, unsealUpstreamId } from './upstream-id.ts';

/** The client sessions of this replica, and the way to those of others. */
export interface Sessions {
  /**
   * Begins a session whose handshake has not been answered yet.
   * @returns the session and the id that its client is to be given
   */
  begin(
    caller: Caller,
    upstream: Upstream,
    correlationId: string,
  ): Promise<{ session: LiveSession; id: string }>;
  /** Makes a begun session findable, here and on other replicas, once upstream has accepted the handshake. */
  establish(id: string, session: LiveSession, handshake: Handshake): Promise<void>;
  /** @throws GatewayError `session_unknown`: no such session, another caller's, or one that lives elsewhere */
  find(id: string, caller: Caller, upstream: Upstream, correlationId: string): Promise<LiveSession>;
  /** What a caller does on a connection without a session (2026-07-28): one recording session for a while. */
  stateless(caller: Caller, upstream: Upstream, correlationId: string): Promise<LiveSession>;
  /** The sessions on this replica that a caller has with a connection. */
  ofCaller(callerKey: string, connection: string): LiveSession[];
  /** Ends a session here and upstream, and seals its recording. Safe to repeat. */
  end(session: LiveSession, because: string): Promise<void>;
  /** Ends a session of what is revoked, at once; upstream over HTTP hears nothing more. Safe to repeat. */
  cut(session: LiveSession): void;
  readonly count: number;
  /** Stops the housekeeping and lets go of all sessions; those over HTTP go on on other replicas. */
  close(): Promise<void>;
}

export interface SessionsDeps {
  readonly limits: SessionLimits;
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly recorder: Recorder;
  readonly replica: string;
  readonly gate: Gate;
  readonly log: Logger;
  readonly now: () => Date;
}

const idleMs = 60 * 60_000;
/** A session that no replica has seen for this long is forgotten by all. */
const forgottenMs = 24 * 60 * 60_000;
/** How long a client may take to come back for what it missed on a stream. */
const streamEventsMs = 60 * 60_000;
const housekeepingMs = 30_000;

export function createSessions(deps: SessionsDeps): Sessions {
  const { pool, keyRing, recorder, replica, now } = deps;
  /** By the hash of the client's id; stateless ones by caller and connection. */
  const live = new Map<string, LiveSession>();
  /** Sessions whose handshake is not answered yet: they count, too. */
  const begun = new Set<LiveSession>();
  const enders = new WeakMap<LiveSession, AbortController>();
  const watches = new WeakMap<LiveSession, () => void>();
  const opening = new Map<string, Promise<LiveSession>>();

  function liveSession(
    caller: Caller,
    facts: SessionFacts,
    upstream: UpstreamSession,
    startedAt: Date,
  ): LiveSession {
    const ender = new AbortController();
    const session: LiveSession = {
      facts,
      upstream,
      startedAt,
      ended: ender.signal,
      sealKey: null,
      protocolVersion: null,
      elicits: [],
      calls: 0,
      recent: [],
      lastUsedAtMs: Date.now(),
      open: 0,
    };
    enders.set(session, ender);
    const unwatch = deps.gate.watch({
      handles: () => [...callerHandles(caller), ...sessionHandles(facts)],
      cut: () => cut(session),
      inFlight: () => null,
    });
    ender.signal.addEventListener('abort', unwatch, { once: true });
    watches.set(session, unwatch);
    return session;
  }

  async function open(
    caller: Caller,
    upstream: Upstream,
    correlationId: string,
    stateless: boolean,
  ): Promise<LiveSession> {
    refuseWhenFull([...live.values(), ...begun], deps.limits, caller);
    const facts = factsOf(caller, upstream.connection, randomUUID());
    const { sessionId } = facts;
    const context = { connection: upstream.connection, sessionId, caller, correlationId, stateless };
    return liveSession(caller, facts, await upstream.open(context), now());
  }

  function forget(session: LiveSession): void {
    watches.get(session)?.();
    begun.delete(session);
    for (const [key, other] of live) if (other === session) live.delete(key);
  }

  function cut(session: LiveSession): void {
    const ender = enders.get(session);
    if (!ender || ender.signal.aborted) return;
    ender.abort();
    forget(session);
    const { sessionId } = session.facts;
    const letGo = async (): Promise<void> => {
      // Over HTTP, ending the session would be one more message on behalf of what is revoked.
      if (session.upstream.resumable === null) await session.upstream.close();
      await deleteMcpSession(pool, sessionId);
      await recorder.end(sessionId, 'revoked');
    };
    letGo().catch((error: Error) =>
      deps.log.warn({ err: error, session: sessionId }, 'a session that was cut could not be put away'),
    );
  }

  async function end(session: LiveSession, because: string): Promise<void> {
    const ender = enders.get(session);
    if (!ender || ender.signal.aborted) return;
    ender.abort();
    forget(session);
    await session.upstream.close();
    await deleteMcpSession(pool, session.facts.sessionId);
    await recorder.end(session.facts.sessionId, because);
  }

  async function load(
    id: string,
    caller: Caller,
    upstream: Upstream,
    correlationId: string,
  ): Promise<LiveSession> {
    const stored = await findMcpSession(pool, hashOfId(id)).catch((cause: Error) => {
      throw new GatewayError('database_unavailable', 'the database cannot be reached; try again later', {
        cause,
      });
    });
    if (!stored || stored.callerKey !== caller.key || stored.connection !== upstream.connection)
      throw unknownSession();
    if (stored.replica !== null) throw unknownSession();
    const facts: SessionFacts = {
      ...factsOf(caller, stored.connection, stored.sessionId),
      client: stored.client,
    };
    const { key, upstreamId } = await unsealUpstreamId(keyRing, stored);
    const context = { connection: stored.connection, sessionId: stored.sessionId, caller, correlationId };
    const resumed = upstream.resume(context, upstreamId);
    if (!resumed) throw unknownSession();
    refuseWhenFull([...live.values(), ...begun], deps.limits, caller);
    const session = liveSession(caller, facts, resumed, stored.createdAt);
    session.protocolVersion = stored.protocolVersion;
    session.elicits = stored.elicits;
    session.sealKey = key;
    return session;
  }

  /** Loads or opens once, however many requests ask at the same moment. */
  async function once(key: string, make: () => Promise<LiveSession>): Promise<LiveSession> {
    let made = opening.get(key);
    if (!made) {
      made = make().finally(() => opening.delete(key));
      opening.set(key, made);
      const session = await made;
      live.set(key, session);
      return session;
    }
    return made;
  }

  async function keepHouse(): Promise<void> {
    const idleSinceMs = Date.now() - idleMs;
    for (const session of live.values()) {
      if (session.open > 0 || session.lastUsedAtMs >= idleSinceMs) continue;
      // Over HTTP it may be in use on another replica, and is found again in the database.
      if (session.upstream.resumable !== null && session.protocolVersion !== null) forget(session);
      else await end(session, 'idle');
    }
    const usedSinceMs = Date.now() - 2 * housekeepingMs;
    const stored = [...live.values()].filter(
      ({ protocolVersion, lastUsedAtMs, open }) =>
        protocolVersion !== null && (open > 0 || lastUsedAtMs >= usedSinceMs),
    );
    const ids = stored.map((session) => session.facts.sessionId);
    const known = ids.length === 0 ? new Set<string>() : await touchMcpSessions(pool, ids);
    // Another replica has ended it.
    for (const session of stored)
      if (!known.has(session.facts.sessionId)) {
        enders.get(session)?.abort();
        forget(session);
      }
    await deleteOldStreamEvents(pool, streamEventsMs);
    for (const sessionId of await deleteIdleMcpSessions(pool, forgottenMs))
      await recorder.end(sessionId, 'forgotten');
  }

  const timer = setInterval(() => {
    keepHouse().catch((error: Error) =>
      deps.log.warn({ err: error }, 'session housekeeping failed; it is tried again'),
    );
  }, housekeepingMs).unref();

  return {
    async begin(caller, upstream, correlationId) {
      const session = await open(caller, upstream, correlationId, false);
      begun.add(session);
      return { session, id: randomBytes(32).toString('base64url') };
    },
    async establish(id, session, { protocolVersion, elicits }) {
      const { facts, upstream } = session;
      const { key, stored } = await sealUpstreamId(keyRing, facts.sessionId, upstream.resumable ?? '');
      await insertMcpSession(pool, {
        ...stored,
        idHash: hashOfId(id),
        sessionId: facts.sessionId,
        connection: facts.connection,
        callerKey: facts.callerKey,
        client: facts.client,
        protocolVersion,
        elicits,
        replica: upstream.resumable === null ? replica : null,
      }).catch((cause: Error) => {
        throw new GatewayError('database_unavailable', 'the session could not be stored; try again later', {
          cause,
        });
      });
      session.protocolVersion = protocolVersion;
      session.elicits = elicits;
      session.sealKey = key;
      begun.delete(session);
      live.set(hashOfId(id).toString('hex'), session);
    },
    async find(id, caller, upstream, correlationId) {
      const key = hashOfId(id).toString('hex');
      const session = live.get(key) ?? (await once(key, () => load(id, caller, upstream, correlationId)));
      const { callerKey, connection } = session.facts;
      if (callerKey !== caller.key || connection !== upstream.connection) throw unknownSession();
      session.lastUsedAtMs = Date.now();
      return session;
    },
    async stateless(caller, upstream, correlationId) {
      const key = `stateless\0${upstream.connection}\0${caller.key}\0${caller.credentialId ?? ''}`;
      const session = live.get(key) ?? (await once(key, () => open(caller, upstream, correlationId, true)));
      session.lastUsedAtMs = Date.now();
      return session;
    },
    ofCaller: (callerKey, connection) =>
      [...live.values()].filter(
        ({ facts }) => facts.callerKey === callerKey && facts.connection === connection,
      ),
    end,
    cut,
    get count() {
      return live.size;
    },
    async close() {
      clearInterval(timer);
      const sessions = [...live.values()];
      live.clear();
      for (const session of sessions) {
        // Over HTTP, another replica may go on with it; a process, or a stateless span, ends with this one.
        if (session.upstream.resumable === null || session.protocolVersion === null)
          await end(session, 'gateway stopped');
        else enders.get(session)?.abort();
      }
    },
  };
}
