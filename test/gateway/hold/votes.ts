import { ed25519 } from '@noble/curves/ed25519.js';
import { createHash, randomUUID } from 'node:crypto';
import type { CountedVote, Decision, GrantTerms } from '../../../workflows/contract.ts';
import { counted, verifyVote } from '../../../workflows/vote.ts';

/** A key that may sign votes, and one that may not. */
export const voteKeys = { good: voteKey(), foreign: voteKey() };

function voteKey() {
  const secretKey = ed25519.utils.randomSecretKey();
  const publicKey = Buffer.from(ed25519.getPublicKey(secretKey)).toString('base64url');
  return { kid: createHash('sha256').update(publicKey).digest('hex').slice(0, 16), secretKey, publicKey };
}

export interface VoteOptions {
  readonly callId: string;
  readonly digest: string;
  readonly key?: typeof voteKeys.good;
  readonly person?: { keys: string[]; name: string };
  readonly decision?: Decision;
  readonly reason?: string | null;
  readonly groups?: string[];
  readonly grant?: GrantTerms;
  readonly bounds?: string;
  readonly decidedAtMs?: number;
  /** Seconds since the epoch; a minute after the decision when left out. */
  readonly exp?: number;
  readonly proof?: { readonly method: 'login' | 'passkey'; readonly atMs: number };
  /** More members of the header, or others. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A signed vote as JWS. */
export function signVote(options: VoteOptions): string {
  const { key = voteKeys.good, callId, digest, decision = 'approve', reason = null } = options;
  const person = options.person ?? { keys: ['oidc:https://idp#ann'], name: 'Ann' };
  const now = options.decidedAtMs ?? Date.now();
  const claims = {
    voteId: randomUUID(),
    callId,
    digest,
    person,
    decision,
    reason,
    groups: options.groups ?? ['dba'],
    ...(options.grant && { grant: options.grant }),
    ...(options.bounds && { bounds: options.bounds }),
    via: 'console',
    decidedAtMs: now,
    exp: options.exp ?? Math.floor(now / 1000) + 60,
    ...(options.proof && { proof: options.proof }),
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'EdDSA', typ: 'holdpoint-vote+jwt', kid: key.kid, ...options.header })}.${part(claims)}`;
  const signature = ed25519.sign(Buffer.from(signed), key.secretKey);
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}

/** The vote as a workflow would hand it on. */
export function countedVote(options: VoteOptions): CountedVote {
  const jws = signVote(options);
  const key = options.key ?? voteKeys.good;
  const claims = verifyVote(jws, { [key.kid]: key.publicKey });
  if (!claims) throw new Error('the test signed a vote that does not verify');
  return counted(jws, claims, Date.now());
}
