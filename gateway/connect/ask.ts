import { setTimeout as sleep } from 'node:timers/promises';
import { askConnectionSignIn } from '../../db/connection-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { Caller } from '../../policy/caller.ts';
import { errorResponse, GatewayError } from '../errors.ts';
import type { MaskedExchange } from '../exchange.ts';
import { rawAt, withoutMember } from '../hold/json-text.ts';
import { elicitsFrom } from '../hold-request.ts';
import { readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import { isModern } from '../mcp/versions.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { elicitationId, signInTool } from './elicitation.ts';

export interface AskDeps {
  readonly pool: Pool;
  /** The console's public address. */
  readonly consoleUrl: string;
}

/** A request on its way, or with the answer that ends it here. */
export interface Asked {
  readonly exchange: MaskedExchange;
  readonly request: RpcRequest;
  /** What to answer in place of going on; null to go on. */
  readonly answer: string | null;
}

/** What a client of 2026-07-28 brings back. It proves nothing, and nothing follows from it but some patience. */
const broughtBack = 'hp3.sign-in';
/** How long a client that brought it back may be kept waiting for its person: less than the clients' own limits. */
const patienceMs = 45_000;
const lookEveryMs = 1_000;

/**
 * On a connection at which each person signs in: asks whoever has not, before anybody is asked to approve anything and
 * before anything goes upstream. The page at the end of the link makes sure that it is the same person who signs in.
 */
export async function askToSignIn(
  deps: AskDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<Asked> {
  const { upstream, verdict } = exchange;
  const { personal } = upstream;
  if (!personal) return { exchange, request, answer: null };
  const back = isModern(exchange.protocolVersion) && request.params?.['requestState'] === broughtBack;
  const sent = back ? withoutAnswer(request) : request;
  const going = back ? { ...exchange, message: sent } : exchange;
  const own = request.method === 'tools/call' && exchange.target === signInTool;
  if (request.method !== 'tools/call' || (verdict.kind === 'deny' && !own))
    return { exchange: going, request: sent, answer: null };
  if (await signedIn(exchange, personal, back ? patienceMs : 0)) {
    if (!own) return { exchange: going, request: sent, answer: null };
    return {
      exchange: ended(going, 'pass'),
      request: sent,
      answer: told(exchange, sent, alreadyText, false),
    };
  }
  return { exchange: ended(going, 'deny'), request: sent, answer: await question(deps, going, sent) };
}

const alreadyText = 'SIGNED_IN. The person you work for has signed in here. List the tools again.';

/** How the client is asked: by a page that it opens itself where it can, else in words for the model. */
export async function question(
  { pool, consoleUrl }: AskDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<string> {
  const { session, caller, protocolVersion, correlationId } = exchange;
  const { connection, sessionId } = session.facts;
  if (!isPerson(caller)) return told(exchange, request, machineText(connection), true);
  const id = await askConnectionSignIn(pool, { connection, holder: caller.key });
  const url = `${consoleUrl.replace(/\/$/, '')}/connections/${connection}?ask=${id}`;
  const message = `${connection} wants you to sign in there yourself. Holdpoint keeps what that gives, and no program gets to see it.`;
  const canOpen = protocolVersion >= '2025-11-25' && elicitsFrom(exchange, request).includes('url');
  if (canOpen && isModern(protocolVersion) && rawAt(request.json, ['params', 'requestState']) === null) {
    const signIn = { method: 'elicitation/create', params: { mode: 'url', message, url } };
    const result = {
      resultType: 'input_required',
      inputRequests: { signIn },
      requestState: broughtBack,
    };
    return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
  }
  if (canOpen && !isModern(protocolVersion)) {
    const elicitation = { mode: 'url', elicitationId: elicitationId(sessionId), url, message };
    const error = new GatewayError('page_to_visit', message, { data: { elicitations: [elicitation] } });
    return errorResponse(request.idJson, error, correlationId);
  }
  return told(exchange, request, linkText(connection, url), true, { url });
}

function linkText(connection: string, url: string): string {
  return (
    `SIGN_IN_NEEDED. The call was not carried out: ${connection} wants the person you work for to sign in themselves. ` +
    `Give them this link, word for word, and call again once they have signed in: ${url}`
  );
}

function machineText(connection: string): string {
  return (
    `SIGN_IN_NEEDED. The call was not carried out: ${connection} wants people to sign in themselves, and this credential is a ` +
    'machine’s. Do not call it again; it works only with a credential of a person.'
  );
}

/** Services and workloads have nobody who could sign in for them. */
function isPerson({ key }: Caller): boolean {
  return !key.startsWith('service:') && !key.startsWith('workload:');
}

async function signedIn(
  { caller, session, stream }: MaskedExchange,
  personal: NonNullable<Upstream['personal']>,
  withinMs: number,
): Promise<boolean> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const known = await personal.signedIn(caller);
    // Whoever brought a question back may have been asked for more than they had agreed to.
    if (known && (withinMs === 0 || !(await personal.wantsMore(caller)))) return true;
    if (Date.now() >= untilMs || stream.gone.aborted || session.ended.aborted) return known;
    await sleep(lookEveryMs);
  }
}

function withoutAnswer(request: RpcRequest): RpcRequest {
  const json = withoutMember(
    withoutMember(request.json, ['params'], 'requestState'),
    ['params'],
    'inputResponses',
  );
  return readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' }) as RpcRequest;
}

/** As it is recorded: it ended here, by no rule of policy. */
function ended(exchange: MaskedExchange, kind: 'pass' | 'deny'): MaskedExchange {
  const { policyVersion, risk, maskProfile } = exchange.verdict;
  const shared = { rule: 'sign-in', policyVersion, risk, maskProfile, askIntent: false, reason: null };
  return { ...exchange, verdict: { kind, ...shared } };
}

function told(
  { protocolVersion }: MaskedExchange,
  request: RpcRequest,
  text: string,
  isError: boolean,
  more: Readonly<Record<string, string>> = {},
): string {
  const result = {
    ...(isModern(protocolVersion) && { resultType: 'complete' }),
    isError,
    content: [{ type: 'text', text }],
    _meta: { 'dev.holdpoint/sign-in': { needed: isError, ...more } },
  };
  return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
}
