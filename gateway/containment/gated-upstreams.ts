import type { SendOptions, Upstream, UpstreamContext, UpstreamSession } from '../upstreams/upstream.ts';
import type { Upstreams } from '../upstreams/upstreams.ts';
import { type Gate, revokedError } from './gate.ts';
import { callerHandles, sessionHandles } from './handles.ts';

/** Upstreams to which nothing is sent for what is revoked, nor while it is not known what is. */
export function gatedUpstreams(upstreams: Upstreams, gate: Gate): Upstreams {
  const gated = new Map<Upstream, Upstream>();
  return {
    get(connection) {
      const upstream = upstreams.get(connection);
      if (!upstream) return undefined;
      let found = gated.get(upstream);
      if (!found) gated.set(upstream, (found = gatedUpstream(upstream, gate)));
      return found;
    },
    close: () => upstreams.close(),
  };
}

function gatedUpstream(upstream: Upstream, gate: Gate): Upstream {
  return {
    connection: upstream.connection,
    ...(upstream.personal && { personal: upstream.personal }),
    credentialContext: (caller) => upstream.credentialContext?.(caller) ?? '',
    async open(context) {
      await gate.admit(() => handlesOf(context));
      return gatedSession(await upstream.open(context), gate, context);
    },
    resume(context, resumable) {
      const session = upstream.resume(context, resumable);
      return session && gatedSession(session, gate, context);
    },
    close: () => upstream.close(),
  };
}

function gatedSession(session: UpstreamSession, gate: Gate, context: UpstreamContext): UpstreamSession {
  const handles = (): readonly string[] => handlesOf(context);
  async function* sendOnceSure(json: string, options: SendOptions) {
    await gate.confirm();
    yield* sendNow(json, options);
  }
  const sendNow: UpstreamSession['send'] = (json, options) => {
    const by = gate.revocationOf(handles);
    if (by) throw revokedError(by);
    return session.send(json, options);
  };
  return {
    // Without a turn of its own where everything is known, which is nearly always.
    send: (json, options) => (gate.sure ? sendNow(json, options) : sendOnceSure(json, options)),
    async events(signal) {
      await gate.admit(handles);
      return session.events(signal);
    },
    get resumable() {
      return session.resumable;
    },
    close: () => session.close(),
  };
}

function handlesOf({ caller, sessionId, connection }: UpstreamContext): readonly string[] {
  return [...callerHandles(caller), ...sessionHandles({ sessionId, connection, client: caller.client })];
}
