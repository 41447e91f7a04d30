import { createHmac } from 'node:crypto';
import type { Operator } from './config.ts';
import { makeToken } from './tokens.ts';
import type { TokenScope } from './tokens.ts';

/** What operators need beyond the value. */
export interface ReplaceKeys {
  /** Key of hashes and pseudonyms. */
  readonly pseudonymKey: Uint8Array;
  /** Absent where no session is: the token operator then redacts. */
  readonly tokens: TokenScope | undefined;
}

/** A marker as {@link replaceText} writes it; anything else that looks like one is looked into. */
export const markerPattern =
  /\[masked:[a-z][a-z0-9-]{0,40}(?: (?:…[A-Za-z0-9]{4}|#[0-9a-f]{32}|~[0-9a-f]{8}|\d{1,6}))?\]/g;

const onlyMarker = new RegExp(`^${markerPattern.source}$`);

/** Whether a text is a marker and nothing else. */
export function isMarker(text: string): boolean {
  return onlyMarker.test(text);
}

/** What replaces a value in text. Masking the result again changes nothing. */
export function replaceText(operator: Operator, detector: string, value: string, keys: ReplaceKeys): string {
  switch (operator) {
    case 'drop':
      return '';
    case 'partial': {
      const tail = value.replace(/[^A-Za-z0-9]/g, '');
      return tail.length >= 12 ? `[masked:${detector} …${tail.slice(-4)}]` : `[masked:${detector}]`;
    }
    case 'hash':
      return `[masked:${detector} #${digest(keys, detector, value).slice(0, 32)}]`;
    case 'pseudonym':
      return `[masked:${detector} ~${digest(keys, detector, value).slice(0, 8)}]`;
    case 'format':
      if (detector === 'email')
        return `${'x'.repeat(Math.max(1, Math.min(64, value.indexOf('@'))))}@masked.invalid`;
      return value
        .replace(/[0-9]/g, '0')
        .replace(/[a-z]/g, 'x')
        .replace(/[A-Z]/g, 'X')
        .replace(/[^\u0020-\u007e]/g, 'x');
    case 'token':
      return keys.tokens === undefined || value.length > 1_000
        ? `[masked:${detector}]`
        : makeToken(keys.tokens, detector, value);
    case 'redact':
      break;
  }
  return `[masked:${detector}]`;
}

/** Whether a marker is one that a text of `allow` would have: a hash, a pseudonym, or its last four. */
export function letsThrough(
  allow: readonly string[],
  detector: string,
  marker: string,
  pseudonymKey: Uint8Array,
): boolean {
  const operator = marker.includes(' #') ? 'hash' : marker.includes(' ~') ? 'pseudonym' : 'partial';
  if (operator === 'partial' && !marker.includes(' …')) return false;
  const keys: ReplaceKeys = { pseudonymKey, tokens: undefined };
  return allow.some((text) => replaceText(operator, detector, text, keys) === marker);
}

/** What replaces a JSON number: a number of the same kind and length, so that output schemas still hold. */
export function replaceNumber(raw: string): string {
  const [, sign = '', whole = '0', fraction] = /^(-?)(\d+)(?:\.(\d+))?/.exec(raw) ?? [];
  const zeros = whole.length > 1 ? `1${'0'.repeat(whole.length - 1)}` : '0';
  return `${zeros === '0' ? '' : sign}${zeros}${fraction === undefined ? '' : `.${'0'.repeat(fraction.length)}`}`;
}

function digest(keys: ReplaceKeys, detector: string, value: string): string {
  return createHmac('sha256', keys.pseudonymKey).update(detector).update('\0').update(value).digest('hex');
}
