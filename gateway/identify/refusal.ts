/** Why a request is not let in. */
export type IdentityRefusalCode =
  | 'missing_token' // nothing was presented, and nobody is let in without
  | 'invalid_request' // an Authorization header that is no single token
  | 'invalid_token' // expired, forged, for somebody else, of an unknown issuer
  | 'invalid_dpop_proof' // the token is bound to a key, and its possession is not proven
  | 'use_dpop_nonce' // it is proven without the nonce that proofs need here
  | 'insufficient_scope' // the token is good, but not for this
  | 'issuer_unavailable'; // what the token is checked with cannot be had now; trying again may help

/** A refused request: what to answer. The message never contains any part of the token. */
export interface IdentityRefusal {
  readonly refused: IdentityRefusalCode;
  readonly status: 400 | 401 | 403 | 503;
  /** For the caller: what is wrong and what to do. */
  readonly message: string;
  /** Value of `WWW-Authenticate` (RFC 6750, RFC 9728, RFC 9449); null where asking for a token would not help. */
  readonly challenge: string | null;
  /** Value of `DPoP-Nonce`; left out where none is needed. */
  readonly nonce?: string;
}

/** Tells a refusal from a caller. */
export function isRefusal(value: object): value is IdentityRefusal {
  return 'refused' in value;
}
