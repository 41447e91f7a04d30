import { verifySlackRequest } from '@slack/bolt';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Deliver, Transport } from './socket-mode.ts';
import type { Log } from './web-client.ts';

const bodyLimitBytes = 1024 * 1024;
/** Slack sends a request in one go; whoever takes longer only ties the listener up. */
const requestTimeoutMs = 10_000;

/**
 * Takes Slack's payloads at `POST /slack/events`, on a listener of its own. Every request must carry a valid
 * signature over its exact bytes that is at most five minutes old (Slack, "Verifying requests from Slack").
 */
export async function startHttpMode(options: {
  signingSecret: string;
  listen: { host: string; port: number };
  log: Log;
  deliver: Deliver;
}): Promise<Transport & { readonly url: string }> {
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    logger: false,
  });
  await server.register(async (plugin) => slackRoutes(plugin, options));
  const address = await server.listen({ ...options.listen });
  return { url: `${address}/slack/events`, stop: () => server.close() };
}

/** The routes, in a context of their own: the parsers that keep the raw body are seen by nothing else. */
function slackRoutes(
  plugin: FastifyInstance,
  options: { signingSecret: string; log: Log; deliver: Deliver },
): void {
  plugin.removeAllContentTypeParsers();
  plugin.addContentTypeParser(
    ['application/json', 'application/x-www-form-urlencoded'],
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  plugin.post('/slack/events', async (request, reply) => {
    const raw = typeof request.body === 'string' ? request.body : '';
    if (!signedBySlack(options.signingSecret, request.headers, raw))
      return reply.code(401).send({ error: 'not signed by Slack, or too long ago' });
    const body = parsed(raw, request.headers['content-type'] ?? '');
    if (body === null) return reply.code(400).send({ error: 'not a payload of Slack' });
    if (body['type'] === 'url_verification') return reply.send({ challenge: String(body['challenge']) });
    const retryNum = Number(request.headers['x-slack-retry-num']);
    try {
      await options.deliver({
        body,
        ack: async (response) => acknowledge(reply, response),
        ...(Number.isInteger(retryNum) ? { retryNum } : {}),
      });
    } catch (error) {
      options.log.error({ err: error }, 'a payload from Slack could not be handled');
    }
    if (!reply.sent) return reply.code(500).send({ error: 'not handled' });
    return reply;
  });
}

function acknowledge(reply: FastifyReply, response: unknown): void {
  if (reply.sent) return;
  if (response === undefined || response === '') reply.code(200).send();
  else reply.code(200).send(response);
}

function signedBySlack(
  signingSecret: string,
  headers: Record<string, string | string[] | undefined>,
  body: string,
): boolean {
  const signature = headers['x-slack-signature'];
  const timestamp = headers['x-slack-request-timestamp'];
  if (typeof signature !== 'string' || typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp))
    return false;
  // The library looks only backwards; a time far ahead would keep a stolen signature good for longer.
  if (Number(timestamp) * 1000 > Date.now() + 300_000) return false;
  try {
    verifySlackRequest({
      signingSecret,
      body,
      headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': Number(timestamp) },
    });
    return true;
  } catch {
    return false;
  }
}

function parsed(raw: string, contentType: string): Record<string, unknown> | null {
  try {
    if (contentType.startsWith('application/json')) return JSON.parse(raw) as Record<string, unknown>;
    const form = new URLSearchParams(raw);
    const payload = form.get('payload');
    return payload === null ? Object.fromEntries(form) : (JSON.parse(payload) as Record<string, unknown>);
  } catch {
    return null;
  }
}
