import { membersAt, readStrictJson, type Span, type StrictLimits } from './strict-json.ts';

/** One JSON-RPC message, strictly read. `json` is what is decided on and what is forwarded. */
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse;

/** What is known of a message that was strictly read, without the values in it: enough to pass it on. */
export type RpcEnvelope = RequestEnvelope | NotificationEnvelope | ResponseEnvelope;

export interface RequestEnvelope {
  readonly kind: 'request';
  readonly json: string;
  /** Raw JSON text of the id, so that no digit is lost. */
  readonly idJson: string;
  readonly method: string;
  readonly paramsSpan: Span | null;
  readonly idSpan: Span;
}

export interface NotificationEnvelope {
  readonly kind: 'notification';
  readonly json: string;
  readonly method: string;
  readonly paramsSpan: Span | null;
}

export interface ResponseEnvelope {
  readonly kind: 'response';
  readonly json: string;
  /** Raw JSON text of the id; `null` where the sender could not read the request's. */
  readonly idJson: string;
  readonly idSpan: Span | null;
  /** Where the error stands; null when the response is a result. */
  readonly errorSpan: Span | null;
}

export interface RpcRequest extends RequestEnvelope {
  readonly params: Readonly<Record<string, unknown>> | null;
}

export interface RpcNotification extends NotificationEnvelope {
  readonly params: Readonly<Record<string, unknown>> | null;
}

export interface RpcResponse extends ResponseEnvelope {
  /** The result as read; undefined when the response is an error. */
  readonly result: unknown;
  readonly error: Readonly<Record<string, unknown>> | null;
}

/** A text that is JSON but not a JSON-RPC message that MCP allows. The message never quotes it. */
export class RpcError extends Error {
  /** Raw JSON text of the id where one could be read; else `null`. */
  readonly idJson: string;
  constructor(message: string, idJson = 'null') {
    super(message);
    this.name = 'RpcError';
    this.idJson = idJson;
  }
}

/** Most messages that one batch may have (2025-03-26). */
const maxBatch = 100;

/**
 * Reads a body: one message, or a batch of them.
 * @throws StrictJsonError, RpcError
 */
export function readRpc(text: string, limits: StrictLimits): { batch: boolean; messages: RpcMessage[] } {
  const json = readStrictJson(text, limits);
  if (json.members) return { batch: false, messages: [toMessage(text, json.members, json.value)] };
  if (!json.elements) throw new RpcError('a JSON-RPC message is an object');
  if (json.elements.length === 0) throw new RpcError('a JSON-RPC batch has at least one message');
  if (json.elements.length > maxBatch)
    throw new RpcError(`a JSON-RPC batch has at most ${maxBatch} messages here`);
  const values = json.value as unknown[];
  const messages = json.elements.map(({ start, end }, index) => {
    if (text[start] !== '{') throw new RpcError('a JSON-RPC batch has only objects');
    const part = text.slice(start, end);
    return toMessage(part, membersAt(part, 0), values[index]);
  });
  return { batch: true, messages };
}

/** Reads a text that must be one message and no batch. @throws StrictJsonError, RpcError */
export function readRpcMessage(text: string, limits: StrictLimits): RpcMessage {
  const json = readStrictJson(text, limits);
  if (!json.members) throw new RpcError('a JSON-RPC message is an object');
  return toMessage(text, json.members, json.value);
}

function toMessage(json: string, members: ReadonlyMap<string, Span>, value: unknown): RpcMessage {
  const object = value as Record<string, unknown>;
  const idSpan = members.get('id') ?? null;
  const idJson = idSpan ? json.slice(idSpan.start, idSpan.end) : 'null';
  if (object['jsonrpc'] !== '2.0') throw new RpcError('`jsonrpc` must be "2.0"', readableId(idJson));
  if (members.has('method')) return toCall(json, members, object, idSpan, idJson);
  return toResponse(json, members, object, idSpan, idJson);
}

function toCall(
  json: string,
  members: ReadonlyMap<string, Span>,
  object: Record<string, unknown>,
  idSpan: Span | null,
  idJson: string,
): RpcRequest | RpcNotification {
  refuseOthers(members, callMembers, idJson);
  const method = object['method'];
  if (typeof method !== 'string' || method === '')
    throw new RpcError('`method` must be a string with at least one character', readableId(idJson));
  const paramsSpan = members.get('params') ?? null;
  const params = paramsSpan ? object['params'] : null;
  if (paramsSpan && !isObject(params)) throw new RpcError('`params` must be an object', readableId(idJson));
  const call = { json, method, params: params as Record<string, unknown> | null, paramsSpan };
  if (!idSpan) return { kind: 'notification', ...call };
  if (!isId(idJson)) throw new RpcError('`id` must be a string or an integer');
  return { kind: 'request', ...call, idJson, idSpan };
}

function toResponse(
  json: string,
  members: ReadonlyMap<string, Span>,
  object: Record<string, unknown>,
  idSpan: Span | null,
  idJson: string,
): RpcResponse {
  refuseOthers(members, responseMembers, idJson);
  if (members.has('result') === members.has('error'))
    throw new RpcError('a JSON-RPC message has `method`, or else exactly one of `result` and `error`');
  if (idJson !== 'null' && !isId(idJson)) throw new RpcError('`id` must be a string or an integer');
  const error = members.has('error') ? object['error'] : null;
  if (members.has('error') && !isObject(error)) throw new RpcError('`error` must be an object');
  if (members.has('result') && idJson === 'null')
    throw new RpcError('a result must have the id of its request');
  if (members.has('result') && !isObject(object['result'])) throw new RpcError('`result` must be an object');
  return {
    kind: 'response',
    json,
    idJson,
    idSpan,
    errorSpan: members.get('error') ?? null,
    result: object['result'],
    error: error as Record<string, unknown> | null,
  };
}

const callMembers: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);
const responseMembers: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'result', 'error']);

function refuseOthers(members: ReadonlyMap<string, Span>, known: ReadonlySet<string>, idJson: string): void {
  for (const name of members.keys())
    if (!known.has(name))
      throw new RpcError('a JSON-RPC message has a member that does not belong there', readableId(idJson));
}

function isId(idJson: string): boolean {
  return idJson.startsWith('"') || /^-?\d+$/.test(idJson);
}

function readableId(idJson: string): string {
  return isId(idJson) ? idJson : 'null';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The raw JSON text at a path of keys inside `params`; null where there is none. */
export function rawParam(message: RequestEnvelope | NotificationEnvelope, ...path: string[]): string | null {
  const span = paramSpan(message, ...path);
  return span && message.json.slice(span.start, span.end);
}

/** Where the value at a path of keys inside `params` stands; null where there is none. */
export function paramSpan(message: RequestEnvelope | NotificationEnvelope, ...path: string[]): Span | null {
  let span = message.paramsSpan;
  for (const key of path) {
    if (!span || message.json[span.start] !== '{') return null;
    span = membersAt(message.json, span.start).get(key) ?? null;
  }
  return span;
}

/** The response with its id replaced, everything else as it was. */
export function withId(
  response: Pick<ResponseEnvelope, 'json' | 'idSpan' | 'idJson'>,
  idJson: string,
): string {
  const { json, idSpan } = response;
  if (idSpan && response.idJson === idJson) return json;
  if (idSpan) return json.slice(0, idSpan.start) + idJson + json.slice(idSpan.end);
  const open = json.indexOf('{') + 1;
  return `${json.slice(0, open)}"id":${idJson},${json.slice(open)}`;
}
