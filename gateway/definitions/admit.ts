import { definitionModeOf } from '../../policy/definitions.ts';
import type { DenyVerdict, Verdict } from '../../policy/verdict.ts';
import type { MaskedExchange, Objection } from '../exchange.ts';
import type { RpcRequest } from '../mcp/rpc-message.ts';
import { discover, scopeOf } from './discover.ts';
import { intentArgument, maxIntentLength } from './intent.ts';
import type { Block } from './judge.ts';
import type { PrepareDeps } from './prepare.ts';

export interface AdmitDeps extends PrepareDeps {
  /** The console's public address; a definition's page is `<consoleUrl>/definitions/<id>`. */
  readonly consoleUrl: string;
}

/**
 * What policy lets pass or be held, and still may not happen: a call of a tool whose definition nobody accepted, and
 * one that does not say what it is for where it must. Such a call is denied, with words for the model.
 * @throws GatewayError `database_unavailable`; RecordingError
 */
export async function admit(
  deps: AdmitDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<MaskedExchange> {
  const { verdict } = exchange;
  if (request.method !== 'tools/call' || verdict.kind === 'deny') return exchange;
  const objection = (await definitionObjection(deps, exchange, request)) ?? intentObjection(deps, exchange);
  return objection ? { ...exchange, verdict: denied(verdict, objection), objection } : exchange;
}

async function definitionObjection(
  deps: AdmitDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<Objection | null> {
  const { target, upstream, caller, verdict } = exchange;
  const scope = scopeOf(upstream, caller);
  const approve = definitionModeOf(deps.policy().definitions, scope.connection) === 'approve';
  let standing = await deps.definitions.standing(scope, target);
  const isUnknown = standing === 'unlisted' && approve;
  // A held call is bound to its tool's definition, so this replica has to know it.
  const isUnbound = verdict.kind === 'hold' && !deps.definitions.find(scope, target);
  if (isUnknown || isUnbound || (typeof standing === 'object' && !deps.definitions.find(scope, target))) {
    await discover(deps, exchange, request);
    standing = await deps.definitions.standing(scope, target);
  }
  if (typeof standing === 'object') return quarantined(deps, exchange, standing);
  if (standing === 'unlisted' && approve) return unlisted(exchange);
  return null;
}

function quarantined(deps: AdmitDeps, { session, target }: MaskedExchange, block: Block): Objection {
  const { definitionId: id, why } = block;
  const tool = JSON.stringify(target);
  const { connection } = session.facts;
  const groups = deps.policy().definitions.approvers.map((group) => group.name);
  const what = {
    new: `${connection} lists the tool ${tool}, but nobody has accepted its definition yet`,
    changed: `${connection} has changed the definition of the tool ${tool} since it was accepted`,
    rejected: `a person has rejected the definition that ${connection} gives of the tool ${tool}`,
  }[why];
  const url = `${deps.consoleUrl.replace(/\/$/, '')}/definitions/${id}`;
  const then =
    why === 'rejected'
      ? 'Do not call it again and do not try to reach the same effect another way.'
      : `It cannot be called until somebody of ${groups.join(' or ')} accepts it. Do not call it again now and do not ` +
        'try to reach the same effect another way: go on without it, or tell the person you work for.';
  return {
    rule: 'definitions',
    text: `QUARANTINED ${id}. The call was not carried out: ${what}. ${then} A person looks at it and decides at ${url}, or with: holdpoint definitions show ${id}`,
    meta: { 'dev.holdpoint/definition': { id, status: why, url } },
  };
}

function unlisted({ session, target }: MaskedExchange): Objection {
  const { connection } = session.facts;
  return {
    rule: 'definitions',
    text:
      `DENIED. The call was not carried out: ${connection} lists no tool ${JSON.stringify(target)}, and only tools ` +
      'that it lists and a person has accepted may be called here. List the tools again and choose one of them.',
    meta: { 'dev.holdpoint/definition': { id: null, status: 'unlisted' } },
  };
}

function intentObjection(
  deps: AdmitDeps,
  { verdict, stated, target, upstream, caller }: MaskedExchange,
): Objection | null {
  if (!verdict.askIntent && !stated) return null;
  const intent = stated?.intent ?? null;
  const definition = deps.definitions.find(scopeOf(upstream, caller), target);
  const name = intentArgument(definition?.json ?? null);
  const again = 'then call again with otherwise the same arguments.';
  const meta = { 'dev.holdpoint/intent': { argument: name } };
  if (intent !== null && intent.length > maxIntentLength)
    return {
      rule: verdict.rule,
      text: `INTENT_TOO_LONG. The call was not carried out, and nobody was asked: "${name}" has at most ${maxIntentLength} characters. Say it in one sentence, ${again}`,
      meta,
    };
  if (intent !== null || !verdict.askIntent) return null;
  return {
    rule: verdict.rule,
    text:
      `INTENT_MISSING. The call was not carried out, and nobody was asked: policy rule "${verdict.rule}" wants to ` +
      `know what it is for. Add the argument "${name}" (a string: one sentence, in your own words, what the call is ` +
      `for and why now), ${again}`,
    meta,
  };
}

function denied(verdict: Verdict, { rule }: Objection): DenyVerdict {
  const { policyVersion, risk, maskProfile, askIntent } = verdict;
  return { kind: 'deny', rule, policyVersion, risk, maskProfile, askIntent, reason: null };
}
