import { newDataKey, type KeyRing } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';

/** A stored session's own key, and what it sealed. */
export interface Unsealed {
  readonly key: Uint8Array;
  readonly upstreamId: string;
}

/** Upstream's session id as the database has it. */
export interface SealedUpstreamId {
  readonly kekId: string;
  readonly wrappedKey: Uint8Array;
  readonly sealedUpstream: Uint8Array;
}

/** Seals upstream's session id under a key of its own, bound to the session. */
export async function sealUpstreamId(
  keyRing: KeyRing,
  sessionId: string,
  upstreamId: string,
): Promise<{ readonly key: Uint8Array; readonly stored: SealedUpstreamId }> {
  const key = newDataKey();
  const { kekId, wrapped } = await keyRing.wrap(key, contextOf(sessionId));
  const sealedUpstream = seal(key, Buffer.from(upstreamId), contextOf(sessionId));
  return { key, stored: { kekId, wrappedKey: wrapped, sealedUpstream } };
}

/** @throws Error when the key ring does not have the key, or the row was altered */
export async function unsealUpstreamId(
  keyRing: KeyRing,
  stored: SealedUpstreamId & { readonly sessionId: string },
): Promise<Unsealed> {
  const context = contextOf(stored.sessionId);
  const key = await keyRing.unwrap({ kekId: stored.kekId, wrapped: stored.wrappedKey }, context);
  return { key, upstreamId: unseal(key, stored.sealedUpstream, context).toString() };
}

function contextOf(sessionId: string): string {
  return `mcp-session:${sessionId}`;
}
