import type { KeyObject } from 'node:crypto';
import type { Decision, Person } from './contract.ts';
import { signStatement, verifyStatement } from './signed-statement.ts';

/** What a person decided on a tool's definition. Whoever writes to the database cannot make one without the key. */
export interface DefinitionClaims {
  readonly connection: string;
  /** Hex SHA-256 of the tool's exact name. */
  readonly toolKey: string;
  /** `sha256:<hex>` of the definition that the decision is about. */
  readonly hash: string;
  readonly decision: Decision;
  readonly person: Person;
  readonly reason: string | null;
  /** The approver groups to which the person was seen to belong. */
  readonly groups: readonly string[];
  /** `console` or `cli`. */
  readonly via: string;
  readonly decidedAtMs: number;
}

const type = 'holdpoint-definition+jwt';

/** Signs a decision on a tool's definition with the key that signs votes. @returns JWS compact */
export async function signDefinitionDecision(
  claims: DefinitionClaims,
  voteKey: { readonly id: string; readonly privateKey: KeyObject },
): Promise<string> {
  return signStatement(type, { ...claims }, voteKey);
}

/**
 * Checks a stored decision.
 * @param publicKeys raw Ed25519 public keys in base64url, by key id
 * @returns its claims; null when the signature, the key id or the type is wrong
 */
export async function verifyDefinitionDecision(
  jws: string,
  publicKeys: Readonly<Record<string, string>>,
): Promise<DefinitionClaims | null> {
  return verifyStatement<DefinitionClaims>(type, jws, publicKeys);
}
