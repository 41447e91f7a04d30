import { addLegalHold, legalHolds, releaseLegalHold, setLegalHold } from '../../db/legal-holds.ts';
import { proofOfCall } from '../proof-of-call.ts';
import { ApiProblem, endpoint } from './endpoint.ts';
import { recordingsOf, whoLooks } from './recorded.ts';
import * as schema from './schemas-recordings.ts';
import { done, idParam, none } from './schemas.ts';

/** What is kept as evidence: legal holds on recordings, and the proof of one call. */
export const evidence = {
  proveCall: endpoint({
    id: 'proveCall',
    method: 'GET',
    path: '/calls/{id}/proof',
    summary: 'One file that proves what a call was and who approved it, for `holdpoint verify FILE`.',
    permission: 'recordings.read',
    params: idParam,
    query: schema.proofQuery,
    body: null,
    status: 200,
    response: schema.proof,
    async run({ params, query, identity, caller, context }) {
      const { log, ...kept } = recordingsOf(context);
      if (!log) throw new ApiProblem('unavailable', "the log's public key is not known here");
      const deps = { pool: context.pool, ...kept, log, votePublicKeys: context.votePublicKeys };
      const begin = (): Promise<void> =>
        kept.recordAct('proof', { call: params.id, ...whoLooks(identity, caller) });
      return { ...(await proofOfCall(deps, params.id, query.session, begin)) };
    },
  }),
  listLegalHolds: endpoint({
    id: 'listLegalHolds',
    method: 'GET',
    path: '/legal-holds',
    summary: 'Everything that is under legal hold.',
    permission: 'recordings.read',
    params: none,
    query: none,
    body: null,
    status: 200,
    response: schema.legalHolds,
    async run({ context }) {
      const { standing, sessions } = await legalHolds(context.pool);
      return {
        standing: standing.map(({ holdNo, madeAt, ...one }) => ({
          ...one,
          number: holdNo,
          madeAt: madeAt.toISOString(),
        })),
        sessions,
      };
    },
  }),
  holdSessions: endpoint({
    id: 'holdSessions',
    method: 'POST',
    path: '/legal-holds',
    summary: 'Keeps recordings from being purged, by whatever rule or hand.',
    permission: 'recordings.hold',
    again:
      'Asking again for all of a person or connection makes a second hold: look at those there are first (holdpoint sessions holds)',
    params: none,
    query: none,
    body: schema.holdBody,
    status: 201,
    response: schema.held,
    async run({ body, identity, caller, context }) {
      const { session, subject = null, connection = null, reason } = body;
      const all = subject !== null || connection !== null;
      if (all === (session !== undefined))
        throw new ApiProblem(
          'invalid',
          'name one session, or a subject, a connection, or both for all of theirs',
        );
      const { recordAct } = recordingsOf(context);
      const who = whoLooks(identity, caller);
      if (session !== undefined) {
        await recordAct('sessions.hold', { session, reason, ...who });
        if (!(await setLegalHold(context.pool, session, reason))) throw noSession();
        return { number: null };
      }
      await recordAct('sessions.hold', { subject, connection, reason, ...who });
      const hold = { subject, connection, reason, madeBy: who.person };
      return { number: await addLegalHold(context.pool, hold) };
    },
  }),
  releaseSessions: endpoint({
    id: 'releaseSessions',
    method: 'POST',
    path: '/legal-holds/release',
    summary: 'Lets a session, or what a standing hold kept, be purged again.',
    permission: 'recordings.hold',
    params: none,
    query: none,
    body: schema.releaseBody,
    status: 200,
    response: done,
    async run({ body, identity, caller, context }) {
      const { session, number, reason } = body;
      if ((session === undefined) === (number === undefined))
        throw new ApiProblem('invalid', 'name one session, or the number of a standing hold');
      const { recordAct } = recordingsOf(context);
      const who = whoLooks(identity, caller);
      await recordAct('sessions.release', {
        session: session ?? null,
        number: number ?? null,
        reason,
        ...who,
      });
      if (session !== undefined) {
        if (!(await setLegalHold(context.pool, session, null))) throw noSession();
      } else if (!(await releaseLegalHold(context.pool, number ?? 0, who.person)))
        throw new ApiProblem('not_found', `no legal hold ${number} is in force`);
      return { done: true };
    },
  }),
};

function noSession(): ApiProblem {
  return new ApiProblem('not_found', 'there is no such session that was not purged');
}
