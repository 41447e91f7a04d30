import type { Masker, MaskerOptions, MaskingEngine } from '../masking/engine.ts';
import { createMaskMemory } from '../masking/known-values.ts';
import type { OpenedToken } from '../masking/tokens.ts';
import type { SessionFacts } from '../recording/event.ts';
import { RefusedRequest } from './errors.ts';
import type { Classified, MaskedExchange } from './exchange.ts';
import { asFault } from './faults.ts';
import { readRpcMessage } from './mcp/rpc-message.ts';
import { restoredValues, type TokenKeys, type TokenSession } from './restore.ts';

/**
 * Gives the masker of a client session and a profile: what was judged secret in any message of the session is hidden
 * in all that follow, whatever their profile.
 */
export type SessionMasker = (session: TokenSession, profile: string) => Masker;

/** What is kept for a session: the same facts object stands for it for as long as it lives on this replica. */
interface Kept {
  readonly options: MaskerOptions;
  engine: MaskingEngine;
  byProfile: Map<string, Masker>;
}

export interface SessionMaskerDeps {
  readonly maskers: () => MaskingEngine;
  readonly tokenKeys: TokenKeys;
  /** Told how often each detector found something in the messages of a connection. */
  readonly onFound: (connection: string, detector: string, times: number) => void;
}

/** Makes the maskers of sessions. */
export interface SessionMaskers {
  readonly of: SessionMasker;
  /** One for a single exchange, which also hides what was put in for its tokens. */
  knowing(session: TokenSession, profile: string, restored: readonly OpenedToken[]): Masker;
}

/**
 * Makes the maskers of sessions, one for each session and profile, anew when policy has changed. The memories outlive
 * a change of policy, go with their sessions, and hold 2,000 values at most.
 */
export function createSessionMaskers(deps: SessionMaskerDeps): SessionMaskers {
  const sessions = new WeakMap<SessionFacts, Kept>();
  const keptOf = (session: TokenSession): Kept => {
    const engine = deps.maskers();
    let kept = sessions.get(session.facts);
    if (!kept) {
      const options = optionsOf(deps, session);
      kept = { options, engine, byProfile: new Map() };
      sessions.set(session.facts, kept);
    }
    if (kept.engine !== engine) {
      kept.engine = engine;
      kept.byProfile = new Map();
    }
    return kept;
  };
  return {
    of(session, profile) {
      const { byProfile, engine, options } = keptOf(session);
      let masker = byProfile.get(profile);
      if (!masker) {
        masker = engine.masker(profile, options);
        byProfile.set(profile, masker);
      }
      return masker;
    },
    knowing(session, profile, restored) {
      const { engine, options } = keptOf(session);
      return engine.masker(profile, { ...options, restored: restoredValues(restored) });
    },
  };
}

function optionsOf({ tokenKeys, onFound }: SessionMaskerDeps, session: TokenSession): MaskerOptions {
  const { connection } = session.facts;
  return {
    memory: createMaskMemory(),
    // The session's key comes with its handshake, so it is asked for each time.
    tokens: {
      connection,
      get key() {
        return tokenKeys.making(session).key;
      },
    },
    onFound: (detector, times) => onFound(connection, detector, times),
  };
}

export interface MaskDeps {
  readonly maskers: () => MaskingEngine;
  readonly sessionMaskers: SessionMaskers;
}

/**
 * Masks the client's message for all eyes but upstream's, by the profile that policy chose for it or its place; where
 * the profile says so, upstream gets no more than they do. @throws RefusedRequest
 */
export async function mask(deps: MaskDeps, classified: Classified): Promise<MaskedExchange> {
  const { message, session, target, caller, restored, stated } = classified;
  const { connection } = session.facts;
  const named = classified.verdict.maskProfile;
  const maskProfile =
    named === 'default'
      ? deps.maskers().profileFor({ connection, tool: target, groups: caller.groups })
      : named;
  const masker = restored
    ? deps.sessionMaskers.knowing(session, maskProfile, restored)
    : deps.sessionMaskers.of(session, maskProfile);
  try {
    const maskedJson = (await masker.later.message(stated?.json ?? message.json)).text;
    const verdict = { ...classified.verdict, maskProfile };
    const sent =
      masker.requests === 'masked' && message.kind === 'request'
        ? readRpcMessage(await shownOf(masker, message.json, stated ? null : maskedJson), anyDepth)
        : message;
    const shownTarget = target === '' ? '' : masker.text(target).text;
    return { ...classified, verdict, message: sent, masker, shownTarget, maskedJson };
  } catch (error) {
    // Nothing was recorded yet, and nothing can be: the request is refused as one that was never read.
    const idJson = message.kind === 'request' ? message.idJson : 'null';
    throw new RefusedRequest(idJson, asFault(error));
  }
}

/** What was read once is not nested deeper for having been masked. */
const anyDepth = { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' } as const;

/** The message as it is shown; what was masked already is taken as it is. */
async function shownOf(masker: Masker, json: string, masked: string | null): Promise<string> {
  return masked ?? (await masker.later.message(json)).text;
}
