import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { useLink } from '../../db/console-sessions.ts';
import type { Queryable } from '../../db/pool.ts';

/** How long a login link may be used. */
export const linkLifeMs = 10 * 60_000;

/**
 * Makes a login link that works once within {@link linkLifeMs}. Whoever can read the credential can make one; that it
 * works once is kept in PostgreSQL.
 */
export function mintLoginLink(credential: string, publicUrl: string, now: Date = new Date()): string {
  const expires = (now.getTime() + linkLifeMs).toString(36);
  const body = `${expires}.${randomBytes(16).toString('base64url')}`;
  const link = new URL('login', publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`);
  link.searchParams.set('token', `${body}.${sign(credential, body)}`);
  return link.toString();
}

/** Uses up a link's token. @returns false when it is not ours, too old, or has been used */
export async function redeemToken(
  db: Queryable,
  credential: string,
  token: string,
  now: Date = new Date(),
): Promise<boolean> {
  const [expires, nonce, signature, ...rest] = token.split('.');
  if (!expires || !nonce || !signature || rest.length > 0) return false;
  if (!sameText(signature, sign(credential, `${expires}.${nonce}`))) return false;
  const expiresAtMs = Number.parseInt(expires, 36);
  if (!(expiresAtMs > now.getTime())) return false;
  return useLink(db, token, new Date(expiresAtMs));
}

/** How long what a command line proves itself by is good. */
const commandLifeMs = 60_000;
const commandPrefix = 'hplocal_';

/** What a command line on the same machine proves itself by, for one request; whoever can read the credential can make it. */
export function mintCommandToken(credential: string, now: Date = new Date()): string {
  const body = `${(now.getTime() + commandLifeMs).toString(36)}.${randomBytes(16).toString('base64url')}`;
  return `${commandPrefix}${body}.${sign(credential, `command ${body}`)}`;
}

/** Whether a command line has proven itself with the credential, just now. */
export function isCommandToken(credential: string, token: string, now: Date = new Date()): boolean {
  const [, expires, nonce, signature] =
    /^hplocal_([0-9a-z]{1,12})\.([\w-]{22})\.([\w-]{43})$/.exec(token) ?? [];
  if (!expires || !nonce || !signature) return false;
  if (!sameText(signature, sign(credential, `command ${expires}.${nonce}`))) return false;
  const untilMs = Number.parseInt(expires, 36);
  return untilMs > now.getTime() && untilMs <= now.getTime() + 2 * commandLifeMs;
}

/** Compares secrets without telling by the time it takes where they differ. */
export function sameText(a: string, b: string): boolean {
  const key = randomBytes(32);
  const hash = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function sign(credential: string, body: string): string {
  return createHmac('sha256', credential).update(`holdpoint login link ${body}`).digest('base64url');
}
