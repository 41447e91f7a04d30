import { createHash } from 'node:crypto';

/**
 * What a record says of a signed vote that is kept elsewhere: `sha256:` and the hex SHA-256 of the JWS in compact
 * form. A vote that is made up later has no record of its hash.
 */
export function jwsHash(jws: string): string {
  return `sha256:${createHash('sha256').update(jws).digest('hex')}`;
}
