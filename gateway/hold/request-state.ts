import { createHmac, hkdfSync } from 'node:crypto';
import { seal, unseal } from '../../recording/seal.ts';
import { GatewayError } from '../errors.ts';
import type { HeldRequest } from '../hold-port.ts';
import { canonicalJson } from './canonical.ts';
import { at, rawAt, withoutMember } from './json-text.ts';
import { argsOf } from './sealed-call.ts';

/** What a client of 2026-07-28 carries from one leg of a held call to the next; sealed, so that it can only be returned. */
export interface RequestState {
  readonly callId: string;
  /** How many legs were answered before. */
  readonly round: number;
  /** Its user was sent to the request's page: what the client says of that is no part of the request. */
  readonly asked?: true;
}

/** Methods whose result may be `input_required`. */
const legMethods = new Set(['tools/call', 'prompts/get', 'resources/read']);
/**
 * How often a client is asked to come back; the request after that is answered for good. The SDKs follow ten such
 * answers, but Go's gives up on the third that asks for no input, and takes one without `inputRequests` for the result.
 */
const maxRounds = 2;
const prefix = 'hp1.';

/** Whether a client may be asked to come back with a request state, rather than be answered that its call is pending. */
export function mayComeBack(request: HeldRequest, state: RequestState | null): boolean {
  return (
    request.protocolVersion >= '2026-07-28' &&
    legMethods.has(request.method) &&
    (state?.round ?? 0) < maxRounds
  );
}

/**
 * The answer that ends a leg: the client sends the same request again, with this state.
 * @param page what its user is to visit meanwhile; null where nobody is asked for anything
 */
export function legAnswer(
  secret: Uint8Array,
  request: HeldRequest,
  state: RequestState,
  page: { readonly message: string; readonly url: string } | null = null,
): string {
  const sealed = { ...state, ...(page && { asked: true }) };
  const requestState = prefix + sealState(secret, ownerOf(request), JSON.stringify(sealed));
  const approval = page && { method: 'elicitation/create', params: { mode: 'url', ...page } };
  const inputRequests = approval ? { approval } : {};
  const result = { resultType: 'input_required', inputRequests, requestState };
  return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
}

/**
 * Takes Holdpoint's own state out of a request. An upstream's own state stays where it is.
 * @returns the request as it was first sent, and the state; null when there is none of ours
 * @throws GatewayError `invalid_params` when the state was changed, is another caller's, or another request's
 */
export function takeState(
  secret: Uint8Array,
  request: HeldRequest,
): { request: HeldRequest; state: RequestState | null } {
  const span = request.protocolVersion >= '2026-07-28' ? at(request.json, ['params', 'requestState']) : null;
  const value: unknown = span ? JSON.parse(request.json.slice(span.start, span.end)) : null;
  if (typeof value !== 'string' || !value.startsWith(prefix)) return { request, state: null };
  const json = withoutMember(request.json, ['params'], 'requestState');
  const opened = openState(secret, ownerOf({ ...request, json }), value.slice(prefix.length));
  if (opened !== null) {
    const state = JSON.parse(opened) as RequestState;
    // What Holdpoint asked for, if anything; some clients say that nothing is their answer to nothing.
    const nothing = rawAt(json, ['params', 'inputResponses'])?.replace(/\s/g, '') === '{}';
    const asked = state.asked === true || nothing;
    return {
      request: { ...request, json: asked ? withoutMember(json, ['params'], 'inputResponses') : json },
      state,
    };
  }
  throw new GatewayError(
    'invalid_params',
    'the requestState is not one that was given for this request; send the request without it',
  );
}

/** What a state is bound to: who asks, and everything that is asked. */
export interface StateOwner {
  readonly callerKey: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  /** The request, without the state itself. */
  readonly json: string;
}

/** Seals what a client is to bring back. */
export function sealState(secret: Uint8Array, owner: StateOwner, text: string): string {
  return seal(keyOf(secret), Buffer.from(text), contextOf(secret, owner)).toString('base64url');
}

/** @returns null when it was changed, or is another owner's */
export function openState(secret: Uint8Array, owner: StateOwner, state: string): string | null {
  try {
    return unseal(keyOf(secret), Buffer.from(state, 'base64url'), contextOf(secret, owner)).toString();
  } catch {
    return null;
  }
}

/** Which questions were answered on the way is no part of what a state is bound to: it names its call itself. */
function ownerOf({ caller, session, method, tool, json }: HeldRequest): StateOwner {
  const owner = { callerKey: caller.key, connection: session.connection, method, tool, json };
  return bareOwner(owner);
}

/** What a call is, whichever questions were answered in it. */
export function bareOwner<T extends StateOwner>(owner: T): T {
  const json = withoutMember(
    withoutMember(owner.json, ['params'], 'requestState'),
    ['params'],
    'inputResponses',
  );
  return { ...owner, json };
}

function contextOf(secret: Uint8Array, { callerKey, connection, method, tool, json }: StateOwner): string {
  const args = argsOf(method, json);
  const mac = createHmac('sha256', secret)
    .update(JSON.stringify([callerKey, connection, method, tool]))
    .update(args === null ? '' : canonicalJson(args));
  return `request state ${mac.digest('hex')}`;
}

function keyOf(secret: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'holdpoint request state', 32));
}
