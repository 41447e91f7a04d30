import type { Logger } from 'pino';
import type { Pool } from '../../db/pool.ts';
import { confirmRevocations, leaveRevocations, watchRevocations } from '../../db/revocation-watch.ts';
import type { InFlight, Revocation } from '../../db/revocations.ts';
import { cancelRevoked } from '../../db/revoked-calls.ts';
import { GatewayError } from '../errors.ts';

/** Something that lets bytes pass for somebody: a reply, a stream, an approved call that runs, a session. */
export interface Watched {
  /** By what a revocation may name it ({@link callerHandles}); asked for only while something is revoked. */
  handles(): readonly string[];
  /** Cuts it, at once and synchronously. */
  cut(by: Revocation): void;
  /** What to list as having been under way; null for nothing. */
  inFlight(): InFlight | null;
}

/**
 * Lets bytes pass only while this process knows for certain what is revoked. What it knows is good for
 * {@link leaseMs} after the database was asked; then everything waits until it has been asked again. So nothing of
 * what is revoked passes for longer than that, on any replica, notified or not.
 */
export interface Gate {
  /** Whether what is revoked is known right now: bytes may go without waiting. */
  readonly sure: boolean;
  /**
   * Waits until it is known what is revoked.
   * @throws GatewayError `revocation_unconfirmed` when that takes longer than `patienceMs`
   */
  confirm(patienceMs?: number): Promise<void>;
  /** The revocation in force that names one of the handles, by what is known. */
  revocationOf(handles: () => readonly string[]): Revocation | null;
  /** @throws GatewayError `revoked`, `revocation_unconfirmed` */
  admit(handles: () => readonly string[], patienceMs?: number): Promise<void>;
  /** Cuts `watched` when it is revoked, now or later. @returns what ends the watch */
  watch(watched: Watched): () => void;
  close(): Promise<void>;
}

export interface GateDeps {
  readonly pool: Pool;
  /** For the one connection that asks and listens; not through a pooler in transaction mode. */
  readonly databaseUrl: string;
  readonly replica: string;
  readonly log: Logger;
  /** Masks what agents called, before what was cut is stored. */
  readonly maskText: (text: string) => string;
}

/** For how long an answer is good. The goal, act to last byte, is 250 ms. */
const leaseMs = 150;
/** While bytes pass: an answer may then be late by almost three times as much before one of them waits. */
const askEveryMs = 40;
/** While none pass: what is open is cut this late where the notification was lost. */
const askIdleMs = 100;
const aliveEveryMs = 1_000;
const patienceDefaultMs = 3_000;

/** Starts to ask what is revoked. Nothing passes before the first answer. */
export async function startGate(deps: GateDeps): Promise<Gate> {
  const watched = new Set<Watched>();
  let inForce: ReadonlyMap<string, Revocation> = new Map();
  let version = '0';
  let confirmedAtMs = Number.NEGATIVE_INFINITY;
  let waiting = Promise.withResolvers<void>();
  let brokenSince: number | null = null;

  let used = false;

  const sure = (): boolean => performance.now() - confirmedAtMs < leaseMs;
  const pauseMs = (): number => {
    const wasUsed = used;
    used = false;
    return wasUsed ? askEveryMs : askIdleMs;
  };
  const revocationOf = (handles: () => readonly string[]): Revocation | null => {
    if (inForce.size === 0) return null;
    for (const handle of handles()) {
      const found = inForce.get(handle);
      if (found) return found;
    }
    return null;
  };
  const tell = async (cuts: { revocationId: string; what: InFlight }[]): Promise<void> => {
    try {
      const masked = cuts.map(({ revocationId, what }) => ({ revocationId, what: shown(deps, what) }));
      await confirmRevocations(deps.pool, deps.replica, version, masked);
    } catch (error) {
      deps.log.warn({ err: error }, 'what was cut could not be written down');
    }
  };
  const sweepHeld = (): void => {
    if (inForce.size === 0) return;
    cancelRevoked(deps.pool, null).catch((error: unknown) =>
      deps.log.warn(
        { err: error },
        'held calls of what is revoked could not be cancelled; it is tried again',
      ),
    );
  };
  const changed = (list: readonly Revocation[], newVersion: string): void => {
    inForce = new Map(list.map((revocation) => [`${revocation.kind}:${revocation.value}`, revocation]));
    version = newVersion;
    const cuts: { revocationId: string; what: InFlight }[] = [];
    for (const one of watched) {
      const by = revocationOf(() => one.handles());
      if (!by) continue;
      watched.delete(one);
      const what = one.inFlight();
      one.cut(by);
      if (what) cuts.push({ revocationId: by.id, what });
    }
    if (cuts.length > 0) deps.log.warn({ cut: cuts.length, version }, 'cut off what is revoked');
    void tell(cuts);
    sweepHeld();
  };
  const watch = await watchRevocations(deps.databaseUrl, pauseMs, {
    changed,
    confirmed(askedAtMs) {
      confirmedAtMs = askedAtMs;
      if (brokenSince !== null) deps.log.info('what is revoked is known again');
      brokenSince = null;
      waiting.resolve();
      waiting = Promise.withResolvers<void>();
    },
    lost(error) {
      if (brokenSince === null)
        deps.log.warn({ err: error }, 'what is revoked cannot be asked; nothing passes until it can');
      brokenSince ??= performance.now();
    },
  });
  await tell([]);
  const alive = setInterval(() => {
    if (sure()) void tell([]);
    sweepHeld();
  }, aliveEveryMs).unref();

  const confirm = async (patienceMs = patienceDefaultMs): Promise<void> => {
    const untilMs = performance.now() + patienceMs;
    while (!sure()) {
      watch.ask();
      if (!(await within(waiting.promise, untilMs - performance.now())))
        throw new GatewayError(
          'revocation_unconfirmed',
          'it cannot be confirmed that nothing of this has been revoked, because the database does not answer; nothing was passed on; try again shortly',
        );
    }
  };
  return {
    get sure() {
      used = true;
      return sure();
    },
    confirm,
    revocationOf,
    async admit(handles, patienceMs) {
      used = true;
      if (!sure()) await confirm(patienceMs);
      const by = revocationOf(handles);
      if (by) throw revokedError(by);
    },
    watch(one) {
      watched.add(one);
      const by = revocationOf(() => one.handles());
      if (by) {
        watched.delete(one);
        one.cut(by);
      }
      return () => watched.delete(one);
    },
    async close() {
      clearInterval(alive);
      await watch.close();
      confirmedAtMs = Number.NEGATIVE_INFINITY;
      await leaveRevocations(deps.pool, deps.replica).catch((error: unknown) =>
        deps.log.debug(
          { err: error },
          'this replica could not be taken off the list; it falls off by itself',
        ),
      );
    },
  };
}

/** What was under way as people are told of it: methods and tools are whatever the agent called. */
function shown({ maskText }: GateDeps, what: InFlight): InFlight {
  const masked = (name: string | null): string | null => (name === null ? null : maskText(name));
  return { ...what, method: masked(what.method), tool: masked(what.tool) };
}

/** What somebody whose access is revoked is told. Names the act, so that whoever runs Holdpoint finds it. */
export function revokedError({ id, kind }: Revocation): GatewayError {
  return new GatewayError(
    'revoked',
    `access of this ${kind} has been revoked (${id}), so nothing was passed on; whoever runs this gateway can say why, and lift it`,
    { data: { revocation: id } },
  );
}

async function within(event: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  const won = await Promise.race([event.then(() => true as const), late]);
  clearTimeout(timer);
  return won;
}
