import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { callerOfVisit } from './api/caller.ts';
import { ApiProblem } from './api/endpoint.ts';
import { downloads } from './api/operations.ts';
import { performDownload } from './api/perform.ts';
import type { ConsoleContext } from './deps.ts';
import { PageError } from './errors.ts';
import { pageOf } from './page-acts.ts';
import { allowed, askedOf, noSession } from './routes-sessions.ts';
import { visitOf } from './sign-in.ts';

/** Recorded sessions and the whole log as a package for an auditor: the operation of the API, behind a link. */
export function packageRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get<{ Querystring: Record<string, unknown> }>(
    '/recordings.zip',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const visit = visitOf(request);
      const { reader } = allowed(context, visit);
      const body = wantedOf(request.query);
      // A name is a person's there, and never here.
      if (body.chosen && !(await reader.session(body.chosen[0]))) throw noSession();
      const stopped = new AbortController();
      // However it ends: sent, refused, failed, or nobody there any more.
      reply.raw.once('close', () => stopped.abort());
      const by = { caller: callerOfVisit(context, visit), context, signal: stopped.signal };
      const one = downloads.packageSessions;
      const archive = await performDownload(one, by, { body }).catch(refused);
      return reply
        .type(one.type)
        .header('content-disposition', `attachment; filename="${one.fileName}"`)
        .send(Readable.from(archive));
    },
  );
}

/** What the search form was sent with, as the operation takes it. @throws PageError */
function wantedOf(query: Readonly<Record<string, unknown>>) {
  const { text, subject, connection, tool, verdict, rule, from, to } = askedOf(query);
  if (text !== undefined) throw notByText();
  const { session } = query;
  const chosen: [string] | undefined =
    session === undefined ? undefined : [typeof session === 'string' ? session : ''];
  return { subject, connection, tool, verdict, rule, ...spanOf({ from, to }), chosen };
}

/** Times as somebody types them; what is none narrows nothing, as in the list that they look at. */
function spanOf(typed: { from: string | undefined; to: string | undefined }) {
  return Object.fromEntries(
    Object.entries(typed).flatMap(([name, text]) => {
      const at = new Date(text ?? '');
      return Number.isNaN(at.getTime()) ? [] : [[name, at.toISOString()]];
    }),
  );
}

function refused(error: unknown): never {
  throw error instanceof ApiProblem && error.code === 'not_found' ? noSession() : pageOf(error);
}

function notByText(): PageError {
  return new PageError(
    400,
    'A package is not chosen by text',
    'Text is sealed: it can be searched, but a package is of whole sessions.',
    'Choose by person, connection, tool, verdict, rule or time.',
  );
}
