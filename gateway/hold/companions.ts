import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../mcp/parse-json.ts';
import type { Masker, MaskingEngine } from '../../masking/engine.ts';
import type { Masked } from '../../masking/masked.ts';
import { decide } from '../../policy/decide.ts';
import type { Companion } from '../../policy/offers.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Direction } from '../../recording/event.ts';
import { encodeHeaderValue } from '../mcp/mirror-headers.ts';
import { hasVersionHeader, isModern, metaKeys } from '../mcp/versions.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';
import { at, members } from './json-text.ts';
import { activationFor, type CallFacts } from './offers.ts';

/** A held call for which a companion is called. */
export interface CompanionOf {
  readonly facts: CallFacts;
  /** The held request as it was read. */
  readonly json: string;
  readonly protocolVersion: string;
  /** The session on which the companion goes upstream. */
  readonly upstream: UpstreamSession;
  readonly masker: Masker;
  /** The masking profile of `masker`. */
  readonly maskProfile: string;
  /** Records durably, before anything goes on; rejects when it could not. */
  readonly record: (direction: Direction, bytes: Masked<string>, unmasked: string) => Promise<void>;
}

/** What calling companions needs. */
export interface CompanionDeps {
  readonly policy: () => Policy;
  readonly maskers: () => MaskingEngine;
}

/** A companion that policy lets pass, ready to be sent. */
export interface Ready {
  readonly json: string;
  readonly idJson: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly maskProfile: string;
  readonly timeoutMs: number;
}

/** What came of calling a companion. The response is as upstream sent it; it is masked before anybody sees it. */
export type Answered =
  | { readonly ok: true; readonly response: string; readonly masked: Masked<string> }
  | { readonly ok: false; readonly because: string };

/** What expressions see of a companion's answer, and what people are shown of a masked one. */
export interface CompanionResult {
  readonly structured: unknown;
  /** The text content, joined. */
  readonly text: string;
  /** The text read as JSON; null when it is none. */
  readonly json: unknown;
  readonly isError: boolean;
}

/**
 * Puts a companion's request together and asks policy, which must let exactly this call pass.
 * @returns the request, or in plain words why there is none; no value of the call is in them
 */
export function readyCompanion(
  deps: CompanionDeps,
  of: Pick<CompanionOf, 'facts' | 'json' | 'protocolVersion'>,
  companion: Companion,
  kind: string,
): Ready | { readonly because: string } {
  const { bound, caller } = of.facts;
  const activation = activationFor(of.facts, of.json);
  const args: Record<string, unknown> = {};
  for (const [name, formula] of Object.entries(companion.args)) {
    const given = formula.evaluate(activation);
    if ('failed' in given) return { because: `its argument ${name} could not be made: ${given.failed}` };
    Object.defineProperty(args, name, { value: given.value, enumerable: true });
  }
  const verdict = decide(deps.policy(), {
    call: { connection: bound.connection, method: 'tools/call', tool: companion.tool, args, annotations: {} },
    caller,
    session: { id: '', startedAt: new Date(0), calls: 0 },
    now: new Date(),
  });
  if (verdict.kind !== 'pass')
    return { because: `policy does not let ${companion.tool} pass (rule ${verdict.rule})` };
  const idJson = JSON.stringify(`${bound.callId}-${kind}`);
  const meta = metaOf(of);
  const params = `{"name":${JSON.stringify(companion.tool)},"arguments":${JSON.stringify(args)}${meta}}`;
  return {
    json: `{"jsonrpc":"2.0","id":${idJson},"method":"tools/call","params":${params}}`,
    idJson,
    headers: headersOf(of.protocolVersion, companion.tool),
    maskProfile: verdict.maskProfile,
    timeoutMs: companion.timeoutMs,
  };
}

/** Calls a companion once, within its time; records what goes and what comes. Never rejects. */
export async function callCompanion(deps: CompanionDeps, of: CompanionOf, ready: Ready): Promise<Answered> {
  const masker = ready.maskProfile === of.maskProfile ? of.masker : deps.maskers().masker(ready.maskProfile);
  const stop = new AbortController();
  const tooLate = sleep(ready.timeoutMs, undefined, { ref: false, signal: stop.signal }).then(
    () => ({ ok: false, because: `it did not answer within ${ready.timeoutMs / 1000} s` }) as const,
    () => ({ ok: false, because: 'it was stopped' }) as const,
  );
  const ask = async (): Promise<Answered> => {
    await of.record('client-to-upstream', masker.message(ready.json).text, ready.json);
    const options = { idJson: ready.idJson, signal: stop.signal, headers: ready.headers };
    for await (const message of of.upstream.send(ready.json, options)) {
      if (message.kind !== 'response') continue;
      const masked = masker.message(message.json).text;
      await of.record('upstream-to-client', masked, message.json);
      return { ok: true, response: message.json, masked };
    }
    return { ok: false, because: 'it gave no answer' };
  };
  try {
    const asked = ask().catch(
      (error: unknown): Answered => ({ ok: false, because: `it failed (${codeOf(error)})` }),
    );
    return await Promise.race([asked, tooLate]);
  } finally {
    stop.abort(new Error('the companion call is over'));
  }
}

/** Reads a response of a tool. @param json raw, for expressions, or masked, for people */
export function resultOf(json: string): CompanionResult {
  const { result, error } = parseJson(json) as {
    result?: { structuredContent?: unknown; content?: unknown; isError?: unknown };
    error?: { message?: unknown };
  };
  const content = Array.isArray(result?.content)
    ? (result.content as { type?: unknown; text?: unknown }[])
    : [];
  const texts = content.flatMap((item) =>
    item?.type === 'text' && typeof item.text === 'string' ? item.text : [],
  );
  const text = error
    ? `error: ${typeof error.message === 'string' ? error.message : 'unknown'}`
    : texts.join('\n');
  return {
    structured: result?.structuredContent ?? null,
    text,
    json: parsed(text),
    isError: error !== undefined || result === undefined || result.isError === true,
  };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/** What the held request of 2026-07-28 said of its client goes with the companion, too. */
function metaOf({ protocolVersion, json }: Pick<CompanionOf, 'protocolVersion' | 'json'>): string {
  const meta = isModern(protocolVersion) ? at(json, ['params', '_meta']) : null;
  if (!meta) return '';
  const kept = members(json, meta.start).filter(({ key }) => Object.values<string>(metaKeys).includes(key));
  return `,"_meta":{${kept.map(({ key, start, end }) => `${JSON.stringify(key)}:${json.slice(start, end)}`).join(',')}}`;
}

function headersOf(protocolVersion: string, tool: string): Record<string, string> {
  if (!hasVersionHeader(protocolVersion)) return {};
  const version = { 'mcp-protocol-version': protocolVersion };
  return isModern(protocolVersion)
    ? { ...version, 'mcp-method': 'tools/call', 'mcp-name': encodeHeaderValue(tool) }
    : version;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'internal';
}
