import { z } from 'zod';
import { durationPattern, parseDuration } from '../../policy/durations.ts';
import { parseListen } from './listen.ts';

/** Any text but the empty one. */
export const text = z.string().min(1, 'must not be empty');
/** Where a listener binds. */
export const listen = z
  .string({ error: 'must be `HOST:PORT`, such as `127.0.0.1:8470`' })
  .refine(
    (value) => parseListen(value) !== null,
    'must be `HOST:PORT`, such as `127.0.0.1:8470` or `[::1]:8470`',
  );
/** A base URL. */
export const httpUrl = z
  .string()
  .refine(isHttpUrl, 'must be an http:// or https:// URL without user, password, query or fragment');
/** A length of time. */
export const duration = z
  .string({ error: 'must be a duration such as `30s`, `10m` or `24h`' })
  .refine((value) => parseDuration(value) !== null, 'must be a duration such as `30s`, `10m` or `24h`')
  .meta({ pattern: durationPattern.source });
/** A number of things that may be open at once. */
export const count = z.int().min(1).max(1_000_000);
/** The value of an HTTP header. */
export const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII on one line');
/** A text that is a secret, with its description. */
export const secret = (description: string): z.ZodString =>
  text.describe(`${description} A secret: write \`\${NAME}\` or \`\${file:PATH}\`.`);

/** Hop-by-hop headers and those that the gateway sets itself: configuring them would do nothing, or harm. */
const ownHeaders =
  /^(?:host|connection|content-length|content-type|transfer-encoding|accept|te|upgrade|keep-alive|mcp-.*)$/i;
/** The name of an HTTP header that may be configured. */
export const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be an HTTP header name')
  .refine((value) => !ownHeaders.test(value), 'is a header that Holdpoint sets itself');

/** A 32-byte key. */
export const key = z
  .string()
  .refine(
    (value) => decodeKey(value) !== null,
    'must be 32 bytes in base64url (43 characters); `openssl rand -base64 32 | tr +/ -_ | tr -d =` makes one',
  );

/** 32 bytes from base64url (padding and the standard alphabet are accepted too); null when it is anything else. */
export function decodeKey(value: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_+/-]{43}=?$/.test(value)) return null;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length === 32 ? new Uint8Array(bytes) : null;
}

function isHttpUrl(value: string): boolean {
  return isUpstreamUrl(value) && !value.includes('?');
}

/** An http(s) URL without anything that would be dropped or leaked on the way. */
export function isUpstreamUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s]+$/.test(value) || !URL.canParse(value) || value.includes('#')) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '';
}
