import { entropy } from '../checksums.ts';
import { cloudNear, cloudTokens } from '../rules/cloud.ts';
import { developmentNear, developmentTokens } from '../rules/development.ts';
import type { NearRule, PrefixRule } from '../rules/secret-rule.ts';
import { modelTokens } from '../rules/models.ts';
import { serviceNear } from '../rules/services-near.ts';
import { serviceTokens } from '../rules/services.ts';
import { readShape } from '../rules/shape.ts';
import type { Span } from '../span.ts';
import { isWord } from './characters.ts';
import { findStarredHash } from './long-secrets.ts';
import { createNear } from './near-tokens.ts';
import { createServiceTokens } from './service-tokens.ts';
import { isStopgap } from './placeholders.ts';

export const prefixRules: readonly PrefixRule[] = [
  ...cloudTokens,
  ...developmentTokens,
  ...modelTokens,
  ...serviceTokens,
];
export const nearRules: readonly NearRule[] = [...cloudNear, ...developmentNear, ...serviceNear];

interface Ready {
  readonly name: string;
  readonly match: RegExp;
  readonly hidden: 0 | 1;
  readonly prefix: string;
  /** The prefix's third character, 0 when it has none: most words differ there already. */
  readonly third: number;
  readonly entropy: number;
  readonly runMin: number;
  readonly runMax: number;
  /** The character that must follow the first run of letters and digits, 0 when more than one may. */
  readonly follow: number;
  /** Whether a match is a long run of one length, which words typed to stand for a token do not hit. */
  readonly exact: boolean;
}

/** Finds vendors' tokens. Both calls return the end of a match, or `at`. */
export interface VendorTokens {
  /** Rules that start with fixed text, by a table over the first two characters; `end` as for `atRun`. */
  atWord(text: string, at: number, end: number, out: Span[]): number;
  /** Rules that need a vendor's word nearby; `end` is where the run of letters and digits at `at` ends. */
  atRun(text: string, at: number, end: number, out: Span[]): number;
  /** The few rules whose first run may hold no digit and ends at a mark: `{w14}.atlasv1.`; for runs of letters. */
  atLetters(text: string, at: number, end: number, out: Span[]): number;
  /** Whether a rule begins with two characters, by `first << 7 | second`. */
  readonly begins: Uint8Array;
  /** The length of the shortest run of letters at which a rule of {@link atLetters} may begin. */
  readonly shortestLetters: number;
  /** Begins a text that stands under `key`. */
  reset(key: string): void;
}

const isTokenPart = (code: number): boolean =>
  isWord(code) ||
  code === 0x2d ||
  code === 0x5f ||
  code === 0x2b ||
  code === 0x2f ||
  code === 0x3d ||
  code === 0x3a;
/** Whether a base64 run is a checksum, whole or from the middle: `h1:…` of go.sum, `sha512-…` of lock files. */
function isChecksum(text: string, at: number): boolean {
  let from = at;
  while (from > 0 && at - from < 100 && isChecksumPart(text.charCodeAt(from - 1))) from -= 1;
  const ahead = text.charCodeAt(from - 1);
  return (
    (ahead === 0x3a && text.startsWith('h1', from - 3)) ||
    (ahead === 0x2d && /sha(?:1|256|384|512)-$/.test(text.slice(Math.max(0, from - 7), from)))
  );
}
const isChecksumPart = (code: number): boolean => isWord(code) || code === 0x2b || code === 0x2f;

/** Nothing that needs a vendor's word is shorter. */
const shortestNear = 14;

/** Whether so many characters of tokens stand together; cheap, and no for ordinary numbers. */
function mayNeedWord(text: string, at: number): boolean {
  if (!isTokenPart(text.charCodeAt(at + shortestNear - 1))) return false;
  for (let i = at + 1; i < at + shortestNear - 1; i += 1) {
    const code = text.charCodeAt(i);
    if (!isTokenPart(code) && code !== 0x2e && code !== 0x7e) return false;
  }
  return true;
}

const free = '(?![0-9A-Za-z])';
/** What is glued to the end of a token whose prefix leaves no doubt: hidden with it. */
const more = '[0-9A-Za-z]{0,256}';
const common =
  /^(?:live|test|secret|key|user|prod|dev|sandbox|client|server|console|api|sdk|mob|pat|hooks)[_:/-]/i;

/** Whether nothing but a token begins so: `ghp_`, `dop_v1_`, `glpat-`. */
function telling(prefix: string): boolean {
  return prefix.length >= 4 && /[a-z\d][_-]$/i.test(prefix) && !common.test(prefix);
}

/** @param enabled whether a detector is on in this profile */
export function createVendorTokens(enabled: (name: string) => boolean): VendorTokens {
  // Filled from the start: an array with holes would be a hash table inside V8, asked for every word.
  const table = Array.from<Ready[] | undefined>({ length: 128 * 128 }).fill(undefined);
  const loose: Ready[] = [];
  /** What follows a first run that may be letters alone, by its length. */
  const marks = Array.from<string[] | undefined>({ length: 128 }).fill(undefined);
  for (const rule of prefixRules) {
    if (!enabled(rule.name)) continue;
    for (const source of rule.shapes) {
      const shape = readShape(source);
      const match = new RegExp(shape.pattern + (telling(shape.prefix) ? more : '') + free, 'y');
      const ready = {
        name: rule.name,
        match,
        hidden: shape.hidden,
        prefix: shape.prefix,
        third: shape.prefix.length > 2 ? shape.prefix.charCodeAt(2) : 0,
        entropy: rule.entropy ?? 0,
        runMin: shape.runMin,
        runMax: shape.runMax,
        follow: /^\{[dhHxaAlUTw][\d-]+\}([^\w{<])/.exec(source)?.[1]?.charCodeAt(0) ?? 0,
        exact: telling(shape.prefix) && /^[^{}<>]+\{[hlw](?:3[2-9]|[4-9]\d|\d{3})\}$/.test(source),
      };
      if (!isWord(shape.prefix.charCodeAt(0))) {
        loose.push(ready);
        const mark = /^\{[wuAab]\d+(?:-\d+)?\}([^\w{<][^{<]*)/.exec(source)?.[1];
        if (mark !== undefined)
          for (let length = shape.runMin; length <= Math.min(shape.runMax, 127); length += 1)
            (marks[length] ??= []).push(mark);
      } else if (shape.prefix.length === 1) {
        // One letter says little: it stands in the table with every second one.
        for (let second = 48; second < 123; second += 1) {
          if (isWord(second)) (table[(shape.prefix.charCodeAt(0) << 7) | second] ??= []).push(ready);
        }
      } else {
        const cell = (shape.prefix.charCodeAt(0) << 7) | shape.prefix.charCodeAt(1);
        (table[cell] ??= []).push(ready);
      }
    }
  }
  const near = createNear(nearRules.filter((rule) => enabled(rule.name)));
  const anchored = createLoose(loose);
  const starred = enabled('password-hash');
  const service = enabled('service-key') ? createServiceTokens() : null;
  /** One byte a cell, so that the common answer, no rule, comes from little memory. */
  const begins = Uint8Array.from(table, (rules) => (rules === undefined ? 0 : 1));
  return {
    begins,
    shortestLetters: marks.findIndex((mark) => mark !== undefined) >>> 0,
    atWord(text, at, runEnd, out) {
      const cell = (text.charCodeAt(at) << 7) | text.charCodeAt(at + 1);
      const rules = begins[cell] === 1 ? table[cell] : undefined;
      if (rules === undefined) return at;
      const run = runEnd - at;
      const third = text.charCodeAt(at + 2);
      // The longest match counts: one vendor's prefix may begin another's.
      let best = at;
      for (const rule of rules) {
        if (run < rule.runMin || (rule.third !== 0 && rule.third !== third)) continue;
        if (!text.startsWith(rule.prefix, at)) continue;
        const size = out.length;
        const end = tryRule(rule, text, at, out);
        if (end <= best) out.length = size;
        else if (best > at) out.splice(size - 1, 1);
        if (end > best) best = end;
      }
      return best;
    },
    atRun(text, at, end, out) {
      const found = anchored(text, at, end, out);
      if (found > at) return found;
      if (end - at === 40 && starred && findStarredHash(text, at, end, out)) return end;
      if (!mayNeedWord(text, at) || isChecksum(text, at)) return at;
      const beside = end - at >= 3 ? near.find(text, at, out) : at;
      return beside > at || service === null ? beside : service.find(text, at, out);
    },
    atLetters: (text, at, end, out) =>
      marks[end - at]?.some((mark) => text.startsWith(mark, end)) === true
        ? anchored(text, at, end, out)
        : at,
    reset(key) {
      near.reset(key);
      service?.reset(key);
    },
  };
}

function tryRule(rule: Ready, text: string, at: number, out: Span[]): number {
  rule.match.lastIndex = at;
  const match = rule.match.exec(text);
  if (match === null) return at;
  const hidden = match[rule.hidden] ?? match[0];
  if (rule.entropy > 0 && (entropy(hidden) < rule.entropy || !/\d/.test(hidden))) return at;
  // A line in the middle of a certificate may begin with anything.
  if (match[0].length >= 58 && isBodyLine(text, at, rule.match.lastIndex)) return at;
  // A prefix as long as a word of its own leaves no doubt; the examples of some standards repeat one letter.
  const body = hidden.slice(rule.hidden === 0 ? rule.prefix.length : 0);
  if (rule.prefix.length < 14 && isStopgap(body) && !(rule.exact && isExact(body))) return at;
  const start = at + match[0].indexOf(hidden);
  out.push({ start, end: start + hidden.length, detector: rule.name, confidence: 0.95 });
  return rule.match.lastIndex;
}

/** Whether small letters of exactly a token's length are one all the same: no crosses, no words for its place. */
function isExact(body: string): boolean {
  return (
    /^[a-z]+$/.test(body) &&
    new Set(body).size >= 5 &&
    !/x{5}|your|token|secret|example|placeholder|insert/.test(body)
  );
}

/** Whether a match is a whole line of base64 behind another one. */
function isBodyLine(text: string, start: number, end: number): boolean {
  const size = end - start;
  return (
    (size === 64 || size === 76) &&
    text.charCodeAt(start - 1) === 10 &&
    text.charCodeAt(end) === 10 &&
    /[A-Za-z0-9+/]{40}\r?\n$/.test(text.slice(Math.max(0, start - 44), start))
  );
}

/** Shapes that begin with a run: kept by how many letters and digits they begin with, which a text's run must match. */
function createLoose(
  rules: readonly Ready[],
): (text: string, at: number, end: number, out: Span[]) => number {
  const byLength: Ready[][] = Array.from({ length: 128 }, () => []);
  for (const rule of rules) {
    for (let length = rule.runMin; length <= rule.runMax; length += 1) byLength[length]?.push(rule);
  }
  return (text, at, end, out) => {
    const fitting = byLength[end - at];
    if (fitting === undefined) return at;
    for (const rule of fitting) {
      if (rule.follow !== 0 && text.charCodeAt(end) !== rule.follow) continue;
      const found = tryRule(rule, text, at, out);
      if (found > at) return found;
    }
    return at;
  };
}
