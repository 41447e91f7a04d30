import type { KeyObject } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type OpenedCopy, openCopies } from '../recording/open-copies.ts';
import {
  answerBreakGlass,
  askBreakGlass,
  beginViewing,
  type BreakGlassDesk,
  BreakGlassError,
  found,
  listBreakGlass,
  revokeBreakGlass,
} from './break-glass.ts';
import type { BreakGlass } from './break-glass-request.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import type { Identity } from './identity.ts';
import { breakGlassPage, openedPage, requestPage } from './pages/break-glass.ts';
import { formOf } from './requests.ts';
import { may } from './roles.ts';
import { visitOf } from './sign-in.ts';

const listedAtMost = 200;
const mostCopies = 200;
const mostBytes = 4 * 1024 * 1024;

/** Asking for what masking took out, agreeing, and looking. Nothing is opened by following a link. */
export function breakGlassRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: { session?: unknown; call?: unknown } }>('/break-glass', async (request, reply) => {
    const visit = visitOf(request);
    const desk = deskFor(context, visit.identity);
    const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
    const { session, call } = request.query;
    const requests = await listBreakGlass(desk, listedAtMost);
    reply.type('text/html');
    const asking = { session: text(session), call: text(call), mayAsk: mayAsk(context, visit) };
    return breakGlassPage(requests, asking, visit).toString();
  });

  app.post('/break-glass', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const identity = await lookedAgain(context, visit);
    const asked = await told(() =>
      askBreakGlass(
        deskFor(context, identity),
        { identity, via: 'console' },
        {
          sessionId: form['session']?.trim() ?? '',
          callId: form['call']?.trim() || null,
          reason: form['reason'] ?? '',
          minutes: Number(form['minutes']),
        },
      ),
    );
    return reply.redirect(`/break-glass/${asked.requestId}`, 303);
  });

  app.get<{ Params: { id: string } }>('/break-glass/:id', async (request, reply) => {
    const visit = visitOf(request);
    const asked = await told(() => found(deskFor(context, visit.identity), request.params.id));
    reply.type('text/html');
    return requestPage(asked, standingOf(context, asked, visit), visit).toString();
  });

  app.post<{ Params: { id: string } }>('/break-glass/:id', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const identity = await lookedAgain(context, visit);
    const desk = deskFor(context, identity);
    const acting = { identity, via: 'console' } as const;
    const { id } = request.params;
    const { act } = form;
    if (act === 'view') {
      const key = keyOf(context);
      const asked = await told(() => beginViewing(desk, acting, id));
      reply.type('text/html');
      return openedPage(asked, await copiesOf(desk, key, asked), visit).toString();
    }
    if (act === 'agree' || act === 'refuse') await told(() => answerBreakGlass(desk, acting, id, act));
    else if (act === 'revoke') await told(() => revokeBreakGlass(desk, acting, id));
    return reply.redirect(`/break-glass/${encodeURIComponent(id)}`, 303);
  });
}

/** Who takes part in it at all sees the requests. @throws PageError otherwise */
function deskFor(context: ConsoleContext, identity: Identity): BreakGlassDesk {
  const { pool, roles, recordings, breakGlass, maskText, now } = context;
  if (!may(identity, roles, 'unmasked.ask') && !may(identity, roles, 'unmasked.agree'))
    throw new PageError(
      403,
      'Break-glass is for auditors, operators and owners',
      'You are signed in, but have none of these roles.',
      'Whoever runs this console gives them in the setting roles.',
    );
  if (!recordings || !breakGlass)
    throw new PageError(
      503,
      'No sealed copies are kept',
      'What masking takes out is gone: nothing of it can be opened.',
      'Set keys.breakGlass, and sealedCopy for the connections that are to have copies, to keep them from then on.',
    );
  const { reader, keyRing, recordAct } = recordings;
  const { voteKey, votePublicKeys } = breakGlass;
  return { pool, roles, voteKey, votePublicKeys, reader, keyRing, recordAct, maskText, now };
}

function keyOf({ breakGlass }: ConsoleContext): KeyObject {
  if (breakGlass?.privateKey) return breakGlass.privateKey;
  throw new PageError(
    503,
    'The key is not here',
    'This console can have requests made and answered, but does not hold the private key. Nothing was recorded as viewed.',
    'Whoever keeps the key brings it to a command line: holdpoint break-glass view ID --key FILE.',
  );
}

/** Who it is at this moment. @throws PageError when they must sign in again */
async function lookedAgain(context: ConsoleContext, visit: Visit): Promise<Identity> {
  const again = await context.login.lookAgain(visit, context);
  if ('identity' in again) return again.identity;
  throw new PageError(401, 'Sign in again', again.signInAgain, 'Sign in, then do it once more.');
}

const statuses = {
  not_allowed: 403,
  own_request: 403,
  not_yours: 403,
  not_found: 404,
  nothing_kept: 404,
  not_open: 409,
  settled: 409,
  invalid: 422,
} as const;

/** @throws PageError in place of what it throws */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BreakGlassError)) throw error;
    const { message } = error;
    const says = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
    throw new PageError(
      statuses[error.code],
      'Nothing was done',
      says,
      'Look at the request in the list of break-glass requests.',
    );
  }
}

/** What a person may do with a request, for its page. */
export interface BreakGlassStanding {
  readonly mayAnswer: boolean;
  readonly mayRevoke: boolean;
  readonly mayView: boolean;
  /** Whether this console holds the key. */
  readonly hasKey: boolean;
}

function standingOf(context: ConsoleContext, asked: BreakGlass, { identity }: Visit): BreakGlassStanding {
  const own = asked.person.keys.some((key) => identity.person.keys.includes(key));
  const agrees = may(identity, context.roles, 'unmasked.agree');
  const { state } = asked;
  return {
    mayAnswer: state === 'waiting' && agrees && !own,
    mayRevoke: (state === 'waiting' || state === 'open') && (own || agrees),
    mayView: state === 'open' && own,
    hasKey: context.breakGlass?.privateKey !== null,
  };
}

function mayAsk({ roles }: ConsoleContext, { identity }: Visit): boolean {
  return may(identity, roles, 'unmasked.ask');
}

/** What one page shows of it. */
async function copiesOf(
  desk: BreakGlassDesk,
  key: KeyObject,
  { sessionId, callId }: BreakGlass,
): Promise<{ copies: readonly OpenedCopy[]; whole: boolean }> {
  const copies: OpenedCopy[] = [];
  let bytes = 0;
  for await (const copy of openCopies(desk, key, sessionId, callId)) {
    bytes += copy.bytes?.length ?? 0;
    if (copies.length === mostCopies || (copies.length > 0 && bytes > mostBytes))
      return { copies, whole: false };
    copies.push(copy);
  }
  return { copies, whole: true };
}
