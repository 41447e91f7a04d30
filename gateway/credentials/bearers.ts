/**
 * Tokens that callers presented, in memory only and never beyond their expiry: a token exchange (RFC 8693) needs them.
 * Kept only where a connection exchanges tokens.
 */
export interface Bearers {
  /** @param untilMs when the token expires, in ms since the epoch */
  saw(callerKey: string, token: string, untilMs: number): void;
  of(callerKey: string): string | null;
}

const mostKept = 10_000;

export function createBearers(): Bearers {
  const kept = new Map<string, { readonly token: string; readonly untilMs: number }>();
  return {
    saw(callerKey, token, untilMs) {
      kept.delete(callerKey);
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '');
      kept.set(callerKey, { token, untilMs });
    },
    of(callerKey) {
      const found = kept.get(callerKey);
      if (found && Date.now() < found.untilMs) return found.token;
      kept.delete(callerKey);
      return null;
    },
  };
}
