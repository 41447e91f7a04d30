import { hkdfSync } from 'node:crypto';
import type { MaskingEngine } from '../masking/engine.ts';
import { mayRestore, originsFor } from '../masking/places.ts';
import { restoreTokens, type OpenedToken, type TokenScope } from '../masking/tokens.ts';
import type { Exchange } from './exchange.ts';
import { readRpcMessage } from './mcp/rpc-message.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { LiveSession } from './sessions/session.ts';

/** Whose tokens they are: a live session, or what a task keeps of one. */
export type TokenSession = Pick<LiveSession, 'facts' | 'sealKey'>;

/** Keys of reversible tokens. */
export interface TokenKeys {
  /** The scope under which a session's tokens are made now. */
  making(session: TokenSession): TokenScope;
  /** The scopes under which its tokens may have been made. */
  opening(session: TokenSession): TokenScope[];
}

const dayMs = 24 * 60 * 60_000;

/**
 * Tokens of a stored session are under a key that comes from the session's own and goes with it, on all replicas.
 * Where the protocol has no sessions (2026-07-28) they are under the caller's key of the day, and open until the
 * end of the next.
 * @param secret of the deployment
 */
export function createTokenKeys(secret: Uint8Array, now: () => Date): TokenKeys {
  const derived = new WeakMap<Uint8Array, Uint8Array>();
  const derive = (from: Uint8Array, info: string): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', from, 'holdpoint masking tokens', info, 64));
  const ofDay = ({ facts }: TokenSession, day: number): TokenScope => ({
    key: derive(secret, JSON.stringify([facts.callerKey, facts.client, facts.connection, day])),
    connection: facts.connection,
  });
  const stored = (session: TokenSession, sealKey: Uint8Array): TokenScope => {
    const key = derived.get(sealKey) ?? derive(sealKey, session.facts.sessionId);
    derived.set(sealKey, key);
    return { key, connection: session.facts.connection };
  };
  const today = (): number => Math.floor(now().getTime() / dayMs);
  return {
    making: (session) =>
      session.sealKey === null ? ofDay(session, today()) : stored(session, session.sealKey),
    opening: (session) =>
      session.sealKey === null
        ? [ofDay(session, today()), ofDay(session, today() - 1)]
        : [stored(session, session.sealKey)],
  };
}

export interface RestoreDeps {
  readonly maskers: () => MaskingEngine;
  readonly tokenKeys: TokenKeys;
  readonly sessions: Sessions;
  readonly limits: { readonly depth: number };
  /** Told of every token that was opened. */
  readonly onRestored: (type: string, from: string, to: string) => void;
}

/**
 * Puts values in for tokens in the arguments of a tool call, before anything is decided on: policy, approvers' digest
 * and upstream all go by the same message. A token that may not be opened here stays the text it is.
 */
export function restore(deps: RestoreDeps, exchange: Exchange): Exchange {
  const { message, session } = exchange;
  if (message.kind !== 'request' || message.method !== 'tools/call' || !message.json.includes('[['))
    return exchange;
  const pairs = deps.maskers().restore;
  const { connection, callerKey } = session.facts;
  const others = originsFor(pairs, connection).flatMap((from) => deps.sessions.ofCaller(callerKey, from));
  const scopes = [session, ...others].flatMap((each) => deps.tokenKeys.opening(each));
  const { json, opened } = restoreTokens(message.json, scopes, (type, from) =>
    mayRestore(pairs, type, from, connection),
  );
  if (opened.length === 0) return exchange;
  const restored = readRpcMessage(json, { depth: deps.limits.depth, loneSurrogates: 'refuse' });
  for (const { type, from } of opened) deps.onRestored(type, from, connection);
  return { ...exchange, message: restored, restored: opened };
}

/** What the masker must hide where a token stood, by detector. */
export function restoredValues(opened: readonly OpenedToken[]): ReadonlyMap<string, string> {
  return new Map(opened.map(({ value, type }) => [value, type]));
}
