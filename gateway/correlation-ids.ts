import { randomBytes } from 'node:crypto';

/** Ids that no other process makes, and that cost no randomness each. */
export function correlationIds(): () => string {
  const prefix = `c_${randomBytes(9).toString('base64url')}`;
  let count = 0;
  return () => `${prefix}.${(count++).toString(36)}`;
}
