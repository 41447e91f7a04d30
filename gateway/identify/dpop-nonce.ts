import { createHmac, timingSafeEqual } from 'node:crypto';

/** Nonces for DPoP proofs (RFC 9449 section 9): a proof that carries one was not made before the nonce was. */
export interface DpopNonces {
  /** The one to use now. */
  current(): string;
  /** Whether a proof's nonce is the present one, or the one before. */
  accepts(nonce: unknown): boolean;
}

const windowMs = 5 * 60_000;

/**
 * Nonces that every replica knows without asking: each counts for five to ten minutes.
 * @param secret the same on every replica
 */
export function dpopNonces(secret: string, now: () => number = Date.now): DpopNonces {
  const of = (window: number): string =>
    createHmac('sha256', secret).update(`holdpoint dpop nonce ${window}`).digest('base64url');
  const window = (): number => Math.floor(now() / windowMs);
  return {
    current: () => of(window()),
    accepts: (nonce) =>
      typeof nonce === 'string' && [window(), window() - 1].some((each) => same(nonce, of(each))),
  };
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
