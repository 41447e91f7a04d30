import { type KeyObject, randomBytes } from 'node:crypto';
import { addBreakGlass, findBreakGlass, latestBreakGlass, settleBreakGlass } from '../db/break-glass.ts';
import type { Pool } from '../db/pool.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import type { RecordReader } from '../recording/reader.ts';
import { signStatement } from '../workflows/signed-statement.ts';
import type { RecordAct } from './acts.ts';
import {
  type Asked,
  type BreakGlass,
  digest,
  readRequest,
  samePerson,
  says,
  type Settled,
  statementType,
} from './break-glass-request.ts';
import type { Identity } from './identity.ts';
import { may, type Permission, type Roles, rolesThatMay } from './roles.ts';

/** What asking, agreeing and revoking need. */
export interface BreakGlassDesk {
  readonly pool: Pool;
  readonly roles: Roles;
  /** The key that signs votes: what two people did is signed as their votes are. */
  readonly voteKey: { readonly id: string; readonly privateKey: KeyObject };
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
  /** Records each act before it is done. */
  readonly recordAct: RecordAct;
  /** Masks what people type. */
  readonly maskText: (text: string) => string;
  readonly now: () => Date;
}

/** Why nothing was opened, asked or agreed. */
export type BreakGlassCode =
  | 'not_allowed' // none of the roles that may
  | 'own_request' // who asked cannot agree
  | 'not_yours' // only who asked looks
  | 'not_found'
  | 'nothing_kept' // no such session, or it was purged
  | 'not_open' // nobody has agreed, or somebody refused, revoked, or the time is over
  | 'settled' // somebody was faster
  | 'invalid'; // no reason, or no such length of time

/** Nothing was done. The message says why, to whoever tried. */
export class BreakGlassError extends Error {
  readonly code: BreakGlassCode;
  constructor(code: BreakGlassCode, message: string) {
    super(message);
    this.name = 'BreakGlassError';
    this.code = code;
  }
}

/** Who does it, and where. */
export interface Acting {
  readonly identity: Identity;
  readonly via: 'console' | 'cli' | 'api';
}

const longestReason = 1000;
/** How long one request opens, at most and unless it says otherwise. */
export const mostMinutes = 480;
export const usualMinutes = 60;

/**
 * Asks for what masking took out of a session, or of one of its calls, to be opened for a while.
 * @throws BreakGlassError
 */
export async function askBreakGlass(
  desk: BreakGlassDesk,
  { identity, via }: Acting,
  asked: Pick<Asked, 'sessionId' | 'callId' | 'reason' | 'minutes'>,
): Promise<BreakGlass> {
  demand(desk, identity, 'unmasked.ask');
  const { sessionId, callId, minutes } = asked;
  const reason = asked.reason.trim();
  if (reason === '' || reason.length > longestReason)
    throw new BreakGlassError('invalid', `say why, in at most ${longestReason} characters`);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > mostMinutes)
    throw new BreakGlassError('invalid', `it opens for 1 to ${mostMinutes} minutes`);
  const session = await desk.reader.session(sessionId);
  if (!session?.key)
    throw new BreakGlassError(
      'nothing_kept',
      session ? 'the session was purged: nothing of it can be opened' : 'no session of this id is recorded',
    );
  const requestId = `bg_${randomBytes(9).toString('base64url')}`;
  const { person } = identity;
  const claims: Asked = {
    requestId,
    sessionId,
    callId,
    reason: desk.maskText(reason),
    minutes,
    person,
    via,
    atMs: desk.now().getTime(),
  };
  await record(desk, 'request', claims, { identity, via }, { reason: claims.reason, minutes });
  const statement = await signStatement(statementType, { ...claims }, desk.voteKey);
  await addBreakGlass(desk.pool, { requestId, sessionId, asked: statement });
  return found(desk, requestId);
}

/**
 * The second person's answer. The first answer stands.
 * @throws BreakGlassError
 */
export async function answerBreakGlass(
  desk: BreakGlassDesk,
  acting: Acting,
  requestId: string,
  act: 'agree' | 'refuse',
): Promise<BreakGlass> {
  demand(desk, acting.identity, 'unmasked.agree');
  const request = await found(desk, requestId);
  if (samePerson(request.person, acting.identity.person))
    throw new BreakGlassError('own_request', 'you asked for it yourself: somebody else must agree');
  if (request.state !== 'waiting') throw new BreakGlassError('settled', `it does not wait: ${says(request)}`);
  await settle(desk, acting, request, act);
  return found(desk, requestId);
}

/**
 * Ends a request, whether it waits or is open: by who asked, who agreed, or an owner.
 * @throws BreakGlassError
 */
export async function revokeBreakGlass(
  desk: BreakGlassDesk,
  acting: Acting,
  requestId: string,
): Promise<BreakGlass> {
  const request = await found(desk, requestId);
  if (!samePerson(request.person, acting.identity.person)) demand(desk, acting.identity, 'unmasked.agree');
  if (request.state !== 'waiting' && request.state !== 'open')
    throw new BreakGlassError('settled', `there is nothing to revoke: ${says(request)}`);
  await settle(desk, acting, request, 'revoke');
  return found(desk, requestId);
}

/**
 * Lets who asked look, once: recorded before anything is opened.
 * @returns the request that opens
 * @throws BreakGlassError
 */
export async function beginViewing(
  desk: BreakGlassDesk,
  acting: Acting,
  requestId: string,
): Promise<BreakGlass> {
  demand(desk, acting.identity, 'unmasked.ask');
  const request = await found(desk, requestId);
  if (!samePerson(request.person, acting.identity.person))
    throw new BreakGlassError('not_yours', 'it opens for who asked for it, and for nobody else');
  if (request.state !== 'open') throw new BreakGlassError('not_open', `it does not open: ${says(request)}`);
  await record(desk, 'view', request, acting, { agreedBy: request.answer?.person.keys[0] ?? '' });
  return request;
}

/** The latest requests, newest first; those whose statements are not signed by a known key are left out. */
export async function listBreakGlass(desk: BreakGlassDesk, limit: number): Promise<BreakGlass[]> {
  const shown = await Promise.all(
    (await latestBreakGlass(desk.pool, limit)).map((stored) => readRequest(stored, desk)),
  );
  return shown.filter((request) => request !== null);
}

/** @throws BreakGlassError `not_found` */
export async function found(desk: BreakGlassDesk, requestId: string): Promise<BreakGlass> {
  const stored = await findBreakGlass(desk.pool, requestId);
  const request = stored && (await readRequest(stored, desk));
  if (request) return request;
  throw new BreakGlassError(
    'not_found',
    'there is no such request, or it was not signed by a key known here',
  );
}

async function settle(
  desk: BreakGlassDesk,
  acting: Acting,
  request: BreakGlass,
  act: Settled['act'],
): Promise<void> {
  const { requestId } = request;
  const stored = await findBreakGlass(desk.pool, requestId);
  const claims: Settled = {
    requestId,
    asked: digest(stored?.asked ?? ''),
    act,
    person: acting.identity.person,
    via: acting.via,
    atMs: desk.now().getTime(),
  };
  await record(desk, act, request, acting, {});
  const statement = await signStatement(statementType, { ...claims }, desk.voteKey);
  if (!(await settleBreakGlass(desk.pool, requestId, act === 'revoke' ? 'revoked' : 'answered', statement)))
    throw new BreakGlassError('settled', `somebody was faster: ${says(await found(desk, requestId))}`);
}

function demand(desk: BreakGlassDesk, identity: Identity, permission: Permission): void {
  if (may(identity, desk.roles, permission)) return;
  const roles = rolesThatMay(permission).join(', ');
  throw new BreakGlassError('not_allowed', `${identity.person.name} has none of the roles ${roles}`);
}

async function record(
  desk: BreakGlassDesk,
  act: 'request' | 'view' | Settled['act'],
  { requestId, sessionId, callId }: Pick<Asked, 'requestId' | 'sessionId' | 'callId'>,
  { identity, via }: Acting,
  more: Readonly<Record<string, string | number>>,
): Promise<void> {
  await desk.recordAct(`break-glass.${act}`, {
    request: requestId,
    session: sessionId,
    call: callId,
    ...more,
    person: identity.person.keys[0] ?? '',
    name: identity.person.name,
    via: via === 'cli' ? 'command line' : via,
  });
}
