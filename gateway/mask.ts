import type { Masker, MaskingEngine } from '../masking/engine.ts';
import { createMaskMemory, type MaskMemory } from '../masking/known-values.ts';
import type { SessionFacts } from '../recording/event.ts';
import { RefusedRequest } from './errors.ts';
import type { Classified, MaskedExchange } from './exchange.ts';
import { asFault } from './faults.ts';

/**
 * Gives the masker of a client session and a profile: what was judged secret in any message of the session is hidden
 * in all that follow, whatever their profile.
 */
export type SessionMasker = (session: SessionFacts, profile: string) => Masker;

/** What is kept for a session: the same facts object stands for it for as long as it lives on this replica. */
interface Kept {
  readonly memory: MaskMemory;
  engine: MaskingEngine;
  byProfile: Map<string, Masker>;
}

/**
 * Makes the maskers of sessions, one for each session and profile, anew when policy has changed. The memories outlive
 * a change of policy, go with their sessions, and hold 2,000 values at most.
 */
export function createSessionMasker(deps: { readonly maskers: () => MaskingEngine }): SessionMasker {
  const sessions = new WeakMap<SessionFacts, Kept>();
  return (session, profile) => {
    const engine = deps.maskers();
    let kept = sessions.get(session);
    if (!kept) {
      kept = { memory: createMaskMemory(), engine, byProfile: new Map() };
      sessions.set(session, kept);
    }
    if (kept.engine !== engine) {
      kept.engine = engine;
      kept.byProfile = new Map();
    }
    let masker = kept.byProfile.get(profile);
    if (!masker) {
      masker = engine.masker(profile, { memory: kept.memory });
      kept.byProfile.set(profile, masker);
    }
    return masker;
  };
}

/** Masks the client's message for all eyes but upstream's, by the profile that policy chose. @throws RefusedRequest */
export async function mask(
  deps: { readonly sessionMasker: SessionMasker },
  classified: Classified,
): Promise<MaskedExchange> {
  const { message, session, verdict, stated } = classified;
  const masker = deps.sessionMasker(session.facts, verdict.maskProfile);
  try {
    return {
      ...classified,
      masker,
      maskedJson: (await masker.later.message(stated?.json ?? message.json)).text,
    };
  } catch (error) {
    // Nothing was recorded yet, and nothing can be: the request is refused as one that was never read.
    const idJson = message.kind === 'request' ? message.idJson : 'null';
    throw new RefusedRequest(idJson, asFault(error));
  }
}
