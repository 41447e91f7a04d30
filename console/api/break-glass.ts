import type { KeyObject } from 'node:crypto';
import { openCopies } from '../../recording/open-copies.ts';
import { timeOf } from '../../recording/transcript.ts';
import {
  answerBreakGlass,
  askBreakGlass,
  beginViewing,
  type BreakGlassDesk,
  BreakGlassError,
  found,
  listBreakGlass,
  revokeBreakGlass,
} from '../break-glass.ts';
import { type BreakGlass, says } from '../break-glass-request.ts';
import type { ActContext } from '../deps.ts';
import type { Identity } from '../identity.ts';
import { may, rolesThatMay } from '../roles.ts';
import { ApiProblem, endpoint, streaming } from './endpoint.ts';
import * as schema from './schemas-recordings.ts';
import { idParam, none } from './schemas.ts';

const listedAtMost = 200;

/** Opening what masking took out: asked for by one person, agreed to by another, and recorded at every step. */
export const breakGlass = {
  listBreakGlass: endpoint({
    id: 'listBreakGlass',
    method: 'GET',
    path: '/break-glass',
    summary: 'The latest requests to open what masking took out.',
    permission: null,
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.breakGlasses,
    run: async ({ identity, context }) => ({
      requests: (await listBreakGlass(deskFor(context, identity), listedAtMost)).map(shown),
    }),
  }),
  showBreakGlass: endpoint({
    id: 'showBreakGlass',
    method: 'GET',
    path: '/break-glass/{id}',
    summary: 'One such request.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.breakGlass,
    run: async ({ params, identity, context }) =>
      shown(await told(() => found(deskFor(context, identity), params.id))),
  }),
  askBreakGlass: endpoint({
    id: 'askBreakGlass',
    method: 'POST',
    path: '/break-glass',
    summary:
      'Asks for what masking took out of a session, or of one call of it, to be opened to you for a while.',
    permission: 'unmasked.ask',
    again: 'Asking again makes a second request: look at those there are first (holdpoint break-glass list)',
    params: none,
    query: none,
    body: schema.breakGlassBody,
    status: 201,
    response: schema.breakGlass,
    async run({ body, identity, caller, context }) {
      const { session: sessionId, call: callId = null, reason, minutes } = body;
      const asked = { sessionId, callId, reason, minutes };
      const desk = deskFor(context, identity);
      return shown(await told(() => askBreakGlass(desk, { identity, via: caller.via }, asked)));
    },
  }),
  answerBreakGlass: endpoint({
    id: 'answerBreakGlass',
    method: 'POST',
    path: '/break-glass/{id}/answer',
    summary: "Agrees to, or refuses, somebody else's request.",
    permission: 'unmasked.agree',
    params: idParam,
    query: none,
    body: schema.breakGlassAnswer,
    status: 200,
    response: schema.breakGlass,
    async run({ params, body, identity, caller, context }) {
      const desk = deskFor(context, identity);
      const acting = { identity, via: caller.via };
      return shown(await told(() => answerBreakGlass(desk, acting, params.id, body.answer)));
    },
  }),
  revokeBreakGlass: endpoint({
    id: 'revokeBreakGlass',
    method: 'POST',
    path: '/break-glass/{id}/revocation',
    summary: 'Ends a request: by who asked, or an owner.',
    permission: null,
    params: idParam,
    query: none,
    body: null,
    status: 200,
    response: schema.breakGlass,
    async run({ params, identity, caller, context }) {
      const desk = deskFor(context, identity);
      return shown(await told(() => revokeBreakGlass(desk, { identity, via: caller.via }, params.id)));
    },
  }),
};

/** The copies themselves, one after the other. */
export const viewBreakGlass = streaming({
  id: 'viewBreakGlass',
  method: 'POST',
  path: '/break-glass/{id}/view',
  summary: 'Opens it to who asked for it. Recorded before anything is shown, each time.',
  permission: 'unmasked.ask',
  params: idParam,
  query: none,
  body: null,
  response: schema.openedCopy,
  async open({ params, identity, caller, context, signal }) {
    const desk = deskFor(context, identity);
    const key = keyOf(context);
    const { sessionId, callId } = await told(() =>
      beginViewing(desk, { identity, via: caller.via }, params.id),
    );
    return (async function* () {
      for await (const { atMicros, bytes, ...rest } of openCopies(desk, key, sessionId, callId)) {
        if (signal.aborted) return;
        yield { at: timeOf(atMicros), ...rest, text: bytes?.toString('utf8') ?? null };
      }
    })();
  },
});

/** Who takes part in it at all sees the requests. @throws ApiProblem otherwise */
export function deskFor(context: ActContext, identity: Identity): BreakGlassDesk {
  const { pool, roles, recordings, breakGlass: keys, maskText, now } = context;
  if (!may(identity, roles, 'unmasked.ask') && !may(identity, roles, 'unmasked.agree'))
    throw new ApiProblem(
      'forbidden',
      `${identity.person.name} has none of the roles ${rolesThatMay('unmasked.ask').join(', ')}, which break-glass is for`,
    );
  if (!recordings || !keys)
    throw new ApiProblem(
      'not_found',
      'no sealed copies are kept: what masking takes out is gone. Set keys.breakGlass, and sealedCopy for the connections that are to have copies, to keep them from then on',
    );
  const { reader, keyRing, recordAct } = recordings;
  const { voteKey, votePublicKeys } = keys;
  return { pool, roles, voteKey, votePublicKeys, reader, keyRing, recordAct, maskText, now };
}

function keyOf({ breakGlass: keys }: ActContext): KeyObject {
  if (keys?.privateKey) return keys.privateKey;
  throw new ApiProblem(
    'unavailable',
    'the private key is not here, and nothing was recorded as viewed: whoever keeps the key brings it to a command line beside the database (holdpoint break-glass view ID --database --key FILE)',
  );
}

const codes = {
  not_allowed: 'forbidden',
  own_request: 'forbidden',
  not_yours: 'forbidden',
  not_found: 'not_found',
  nothing_kept: 'not_found',
  not_open: 'conflict',
  settled: 'conflict',
  invalid: 'invalid',
} as const;

/** @throws ApiProblem in place of what it throws */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BreakGlassError)) throw error;
    throw new ApiProblem(codes[error.code], error.message, { cause: error });
  }
}

function shown(request: BreakGlass) {
  const { requestId, state, sessionId, callId, reason, minutes, person, answer, atMs, untilMs } = request;
  return {
    id: requestId,
    state,
    session: sessionId,
    call: callId,
    reason,
    minutes,
    askedBy: person.name,
    askedAt: new Date(atMs).toISOString(),
    answeredBy: answer?.person.name ?? null,
    answeredAt: answer === null ? null : new Date(answer.atMs).toISOString(),
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    says: says(request),
  };
}
