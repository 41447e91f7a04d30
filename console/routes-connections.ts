import type { FastifyInstance } from 'fastify';
import { whoAskedToConnect } from '../db/connection-sign-ins.ts';
import type { ConnectDesk } from '../gateway/connect/desk.ts';
import { holderFor, holdersOf } from './api/connections.ts';
import { operations } from './api/operations.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { PageError } from './errors.ts';
import { actOrPage } from './page-acts.ts';
import { continuePage } from './pages/authorize.ts';
import { connectionsPage } from './pages/connections.ts';
import { formOf } from './requests.ts';
import { refuseRevoked, visitOf } from './sign-in.ts';

type Named = { readonly Params: { readonly name: string } };

/**
 * Where people sign in at upstream servers themselves, and end such sign-ins. A link that somebody's program gave
 * leads here, and only that same person gets anywhere with it (MCP 2025-11-25, URL mode elicitation: phishing).
 */
export function connectionRoutes(app: FastifyInstance, context: ConsoleContext): void {
  app.get('/connections', async (request, reply) => {
    reply.type('text/html');
    return page(context, visitOf(request), null);
  });
  const { connections: desk } = context;
  if (!desk) return;

  app.get<Named & { Querystring: { ask?: unknown } }>('/connections/:name', async (request, reply) => {
    const visit = visitOf(request);
    const { name } = request.params;
    if (!desk.connections.has(name)) throw noConnection();
    const { ask } = request.query;
    const asked = typeof ask === 'string' ? await holderOf(context, visit, name, ask) : null;
    reply.type('text/html');
    return page(context, visit, { name, ask: asked === null ? null : String(ask) });
  });

  app.post<Named>('/connections/:name/connect', async (request, reply) => {
    const visit = visitOf(request);
    const form = formOf(request);
    context.visits.checkForm(visit, form);
    const { name } = request.params;
    if (!desk.connections.has(name)) throw noConnection();
    const { ask } = form;
    const holder = ask ? await holderOf(context, visit, name, ask) : holderFor(visit.identity);
    const to = await desk
      .begin({ connection: name, holder, session: visit.secret })
      .catch((error: unknown) => cannotBegin(context, name, error));
    reply.type('text/html');
    return continuePage(to.toString(), visit).toString();
  });

  app.post<Named>('/connections/:name/disconnect', async (request, reply) => {
    const visit = visitOf(request);
    context.visits.checkForm(visit, formOf(request));
    const { name } = request.params;
    await actOrPage(context, visit, operations.disconnect, { params: { id: name } });
    return reply.redirect('/connections', 303);
  });
}

/**
 * Where authorization servers send browsers back, and where they read who Holdpoint is. Not behind the login page: an
 * answer is for the session in which its sign-in began, and would only leak into the address of another.
 */
export function connectAnswerRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { connections: desk } = context;
  if (!desk) return;

  app.get<Named>('/connections/:name/client.json', async (request) => {
    const document = desk.document(request.params.name);
    if (!document) throw noConnection();
    return document;
  });

  app.get<Named>('/connections/:name/callback', async (request, reply) => {
    const visit = await context.visits.find(request);
    if (!visit) throw notHere();
    await refuseRevoked(context, visit);
    const { name } = request.params;
    const answer = new URL(request.url, context.origin());
    const { person, subject, email } = visit.identity;
    const who = { subject, email, keys: [...person.keys, ...holdersOf(visit.identity)] };
    const end = await desk.finish({ connection: name, session: visit.secret, answer }, who);
    if (end.kind === 'refused') throw notConnected(end.why);
    await recordConnected(context, desk, name, end);
    return reply.redirect('/connections', 303);
  });
}

/** What could not be recorded did not happen. */
async function recordConnected(
  { recordings }: ConsoleContext,
  desk: ConnectDesk,
  connection: string,
  { holder, issuer }: { readonly holder: string; readonly issuer: string },
): Promise<void> {
  try {
    await recordings?.recordAct('connections.connect', { connection, issuer, by: holder });
  } catch (error) {
    await desk.disconnect({ connection, holder });
    throw error;
  }
}

/** The page, with what of the person's own sign-ins stands. */
async function page(
  context: ConsoleContext,
  visit: Visit,
  about: { readonly name: string; readonly ask: string | null } | null,
): Promise<string> {
  const { connections: desk } = context;
  const standing = desk ? await desk.standing(holdersOf(visit.identity)) : [];
  const entries = [...(desk?.connections ?? [])]
    .filter(([name]) => about === null || name === about.name)
    .map(([name, { host }]) => ({
      name,
      host,
      signIn: standing.find(({ connection }) => connection === name) ?? null,
    }));
  return connectionsPage({ entries, about }, visit).toString();
}

/**
 * Who is to sign in, as a link of their program's says.
 * @throws PageError 403 when the link was made for somebody else
 */
async function holderOf(context: ConsoleContext, visit: Visit, name: string, ask: string): Promise<string> {
  const asked = await whoAskedToConnect(context.pool, ask);
  if (asked && asked.connection === name && holdersOf(visit.identity).includes(asked.holder))
    return asked.holder;
  context.log.warn(
    { connection: name },
    'a link to sign in at an upstream was opened by somebody else, or too late',
  );
  throw new PageError(
    403,
    'This link is not for you',
    'It was made for the program of somebody else, or it is too old. Nothing was done.',
    'If a program of yours needs you to sign in, let it ask again. If somebody sent you this link, tell whoever runs this console.',
  );
}

function cannotBegin(context: ConsoleContext, connection: string, error: unknown): never {
  const known = error instanceof Error && error.name === 'ConnectError';
  if (!known) throw error;
  context.log.warn({ err: error, connection }, 'a sign-in at an upstream could not begin');
  throw new PageError(
    502,
    'Nobody can sign in there now',
    `${error.message}.`,
    'Try again later, or show this to whoever runs Holdpoint.',
  );
}

function notConnected(why: string): PageError {
  return new PageError(403, 'You are not signed in there', why, 'Begin again on the page Connections.');
}

function notHere(): PageError {
  return new PageError(
    403,
    'No sign-in waits in this browser',
    'The answer of an authorization server counts only in the browser session in which its sign-in began.',
    'Sign in to the console, and begin again on the page Connections.',
  );
}

function noConnection(): PageError {
  return new PageError(
    404,
    'There is no such connection',
    'Nobody signs in at a connection of that name.',
    'See the page Connections.',
  );
}
