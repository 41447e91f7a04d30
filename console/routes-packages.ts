import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { packageArchive } from '../recording/export/archive.ts';
import type { SessionSummary } from '../recording/reader.ts';
import { sessionsOf } from '../recording/search.ts';
import { whoLooks } from './api/recorded.ts';
import type { ConsoleContext, Recordings, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { allowed, askedOf, filterOf, noSession } from './routes-sessions.ts';
import { visitOf } from './sign-in.ts';

/** Made at the same time; each as fast as it is taken. */
const mostPackages = 2;

/**
 * Recorded sessions and the whole log as a package for an auditor (docs/recording-format.md, section 7), in one archive
 * that is made while it is sent. Who takes it is recorded before its first byte.
 */
export function packageRoutes(app: FastifyInstance, context: ConsoleContext): void {
  let underWay = 0;
  app.get<{ Querystring: Record<string, unknown> }>(
    '/recordings.zip',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const visit = visitOf(request);
      const recordings = allowed(context, visit);
      if (underWay >= mostPackages) throw tooMany();
      underWay += 1;
      // However it ends: sent, refused, failed, or nobody there any more.
      reply.raw.once('close', () => (underWay -= 1));
      const archive = await archiveOf(recordings, request.query, visit);
      return reply
        .type('application/zip')
        .header('content-disposition', 'attachment; filename="holdpoint-recording.zip"')
        .send(Readable.from(archive));
    },
  );
}

async function archiveOf(
  { log, ...recordings }: Recordings,
  query: Readonly<Record<string, unknown>>,
  visit: Visit,
): Promise<AsyncGenerator<Uint8Array>> {
  if (!log) throw noLogKey();
  const { text, ...asked } = askedOf(query);
  if (text !== undefined) throw notByText();
  const { session } = query;
  const found = typeof session === 'string' ? await recordings.reader.session(session) : null;
  if (session !== undefined && !found) throw noSession();
  if (!(await log.view.checkpoint())) throw noCheckpoint();
  await recordings.recordAct('sessions.export', {
    ...asked,
    session: found?.facts.sessionId ?? null,
    ...whoLooks(visit.identity, { via: 'console' }),
  });
  const sessions = found ? only(found) : sessionsOf(recordings, filterOf(asked));
  return packageArchive({ ...recordings, log: log.view, vkey: log.vkey }, sessions);
}

async function* only(found: SessionSummary & { readonly key: unknown }): AsyncGenerator<SessionSummary> {
  const { key: _, ...session } = found;
  yield session;
}

function tooMany(): PageError {
  return new PageError(
    503,
    'Other packages are being made',
    `This console makes ${mostPackages} packages at the same time at most.`,
    'Try again when they are done, or use holdpoint sessions export.',
  );
}

function noLogKey(): PageError {
  return new PageError(
    503,
    "This console does not know the log's public key",
    'A package is checked against it, so none can be made here.',
    'Set recording.signingKey for the console, or make the package with holdpoint sessions export.',
  );
}

function noCheckpoint(): PageError {
  return new PageError(
    503,
    'The log has no checkpoint yet',
    'A package holds the signed log, which workers make, a second or so after the first record.',
    'Start a worker, and try again a second later.',
  );
}

function notByText(): PageError {
  return new PageError(
    400,
    'A package is not chosen by text',
    'Text is sealed: it can be searched, but a package is of whole sessions.',
    'Choose by person, connection, tool, verdict, rule or time.',
  );
}
