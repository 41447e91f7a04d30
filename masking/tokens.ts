import { applyEdits, endOf, kindOf, member, startOf, stringValue } from './json-tree.ts';
import type { Edit } from './json-tree.ts';
import { kinds, scanJson } from './scan.ts';
import { sivDecrypt, sivEncrypt } from './siv.ts';

/** Key and scope of reversible tokens. A token opens only under the same key, origin and type. */
export interface TokenScope {
  /** 64 bytes, one per session; when it is destroyed, its tokens open no more. */
  readonly key: Uint8Array;
  /** The connection the values come from. */
  readonly connection: string;
}

const tokenPattern = /\[\[([a-z][a-z0-9-]{0,40}):([A-Za-z0-9_-]{22,1400})\]\]/g;

/** Writes `[[type:…]]` for a value: the same value gives the same token within a session and connection. */
export function makeToken(scope: TokenScope, type: string, value: string): string {
  return `[[${type}:${sivEncrypt(scope.key, Buffer.from(value), contextOf(scope.connection, type)).toString('base64url')}]]`;
}

/** Opens one token's inner text, or null when it was not made under this scope. */
export function openToken(scope: TokenScope, type: string, sealed: string): string | null {
  return (
    sivDecrypt(scope.key, Buffer.from(sealed, 'base64url'), contextOf(scope.connection, type))?.toString() ??
    null
  );
}

/** The spans of genuine tokens in a text; forged ones are just text, and are looked into like any other. */
export function tokenSpans(scope: TokenScope, text: string): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  for (const match of text.matchAll(tokenPattern)) {
    if (openToken(scope, match[1] ?? '', match[2] ?? '') !== null)
      spans.push({ start: match.index, end: match.index + match[0].length });
  }
  return spans;
}

/** One token that was opened. The value is for hiding it again in what is recorded and shown; it is never reported. */
export interface OpenedToken {
  readonly type: string;
  readonly from: string;
  readonly value: string;
}

/**
 * Puts real values in for tokens, inside `params.arguments` of one request only. Try it once per connection whose
 * values the upstream may have: its own, and those that an allow-pair names.
 * @param mayOpen whether this type may be opened towards this upstream; secrets only where policy says so
 * @returns the message, and what was opened
 */
export function restoreTokens(
  json: string,
  scopes: readonly TokenScope[],
  mayOpen: (type: string, from: string) => boolean,
): { json: string; opened: OpenedToken[] } {
  const opened: OpenedToken[] = [];
  if (!json.includes('[[')) return { json, opened };
  const tape = scanJson(json);
  const from = member(tape, 0, 'params', 'arguments');
  if (from === null) return { json, opened };
  const edits: Edit[] = [];
  const end = tape.cells[from * 4 + 3] ?? 0;
  for (let node = from; node < end; node += 1) {
    const kind = kindOf(tape, node);
    if (kind !== kinds.string && kind !== kinds.escapedString) continue;
    const value = stringValue(tape, node) ?? '';
    const restored = value.replace(tokenPattern, (token: string, type: string, sealed: string) => {
      for (const scope of scopes) {
        const value = mayOpen(type, scope.connection) ? openToken(scope, type, sealed) : null;
        if (value === null) continue;
        opened.push({ type, from: scope.connection, value });
        return value;
      }
      return token;
    });
    if (restored !== value)
      edits.push({ start: startOf(tape, node), end: endOf(tape, node), with: JSON.stringify(restored) });
  }
  return { json: applyEdits(json, edits), opened };
}

function contextOf(connection: string, type: string): Buffer[] {
  return [Buffer.from('holdpoint token v1'), Buffer.from(connection), Buffer.from(type)];
}
