import { entropy } from '../checksums.ts';
import { serviceNames } from '../rules/service-names.ts';
import { longestKept, ownCopy } from '../own-copy.ts';
import type { Span } from '../span.ts';
import { isWord } from './characters.ts';
import { createNameIndex } from './name-index.ts';
import type { NameHit } from './name-index.ts';

const shortest = 16;
const longest = 240;
const reach = 100;
const secretWord = /key|token|secret|auth|pass|cred|access|private|api|bearer|pwd|login/i;
/** What says that a random value is something else. */
const otherWord =
  /(?:commit|sha\d*|md5|hash|digest|checksum|rev|revision|etag|version|build|branch|tag|image|integrity|uuid|guid|trace|span|request|correlation|session|build[-_ ]?id|run[-_ ]?id|job[-_ ]?id|order|invoice|charge|customer|id|ids|ref|#)["'\s:=_-]{0,4}$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Finds a random value that belongs to a service named beside it. */
export interface ServiceTokenFinder {
  /** @returns the end of a match, or `at` */
  find(text: string, at: number, out: Span[]): number;
  /** Begins a text that stands under `key`. */
  reset(key: string): void;
}

const gluedValue =
  /^([A-Za-z][A-Za-z0-9]{2,23}?(?:[-_]?(?:secret|private|access|key|token|api)){1,4})[-_]{1,2}((?=[A-Za-z0-9-]*\d)[A-Za-z0-9][A-Za-z0-9-]{15,80})$/i;

/** How far before `at` a token may have begun. */
const back = 40;

const isPart = (code: number): boolean => isWord(code) || code === 0x5f || code === 0x2d;

export function createServiceTokens(): ServiceTokenFinder {
  const index = createNameIndex(serviceNames);
  let key = '';
  /** Services that keys name; keys repeat. Bounded. */
  const inKeys = new Map<string, NameHit | null>();
  const inKey = (name: string): NameHit | null => {
    const known = inKeys.get(name);
    if (known !== undefined) return known;
    if (inKeys.size >= 4_096) inKeys.clear();
    const hit = index.lastIn(name, 0);
    if (name.length <= longestKept) inKeys.set(ownCopy(name), hit);
    return hit;
  };
  /** The token judged last. Its parts, as those of a UUID, would be judged as the whole was. */
  let judgedFrom = 0;
  let judgedTo = 0;
  /** From the start that was looked at last, everything up to here is part of tokens. */
  let partTo = 0;

  const find = (text: string, at: number, out: Span[]): number => {
    if (at < judgedTo && at < judgedFrom + back) return at;
    // What was seen to hang together from an earlier start needs no second look.
    let end = Math.max(at, partTo);
    const limit = Math.min(text.length, at + longest);
    while (end < limit && isPart(text.charCodeAt(end))) end += 1;
    partTo = end;
    if (end > limit) end = limit;
    if (end - at < 8 || end === at + longest) return at;
    let start = at;
    while (start > at - back && start > 0 && isPart(text.charCodeAt(start - 1))) start -= 1;
    if (!isWord(text.charCodeAt(start))) start = at;
    else if (start > at - back) {
      judgedFrom = start;
      judgedTo = end;
    }
    const ahead = text.charCodeAt(start - 1);
    const behind = text.charCodeAt(end);
    // Part of a path, an address, a mail address, a file's name, a call.
    if (ahead === 0x2e || ahead === 0x40 || ahead === 0x24 || behind === 0x40 || behind === 0x28) return at;
    if (behind === 0x2e && isWord(text.charCodeAt(end + 1))) return at;
    const token = text.slice(start, end);
    if (token.length < shortest) return at;
    // `datadog-api-key-3f9a…`: name, word and value in one.
    const glued = gluedValue.exec(token);
    if (glued !== null && isMade(glued[2] ?? '') && index.lastIn(glued[1] ?? '', 0) !== null) {
      out.push({ start: end - (glued[2] ?? '').length, end, detector: 'service-key', confidence: 0.75 });
      return end;
    }
    const from = Math.max(0, start - reach);
    const window = text.slice(from, start);
    const line = window.lastIndexOf('\n');
    const named = index.lastIn(window, line < 0 ? 0 : Math.max(0, Math.min(line, window.length - 30)));
    const outer = named === null && key !== '' ? inKey(key) : null;
    if (named === null && outer === null) return at;
    const between = named === null ? key : window.slice(named.end);
    if (!isRandom(token) && !(secretWord.test(between) && isMade(token))) return at;
    const beside = named !== null && between.length <= 14 && /^[\s"'`:=>,|({[-]*$/.test(between);
    const said = secretWord.test(named === null ? key : window.slice(Math.max(0, named.end - 40)));
    if (otherWord.test(window) || (ahead === 0x2f && !/key|token|secret|webhook/i.test(between))) return at;
    if (!said && (!beside || uuid.test(token))) return at;
    out.push({ start, end, detector: 'service-key', confidence: 0.75 });
    return end;
  };
  return {
    find,
    reset(name) {
      key = name;
      judgedTo = 0;
      partTo = 0;
    },
  };
}

/** After a service's name and a word for a secret, letters and digits that are no words joined are enough. */
function isMade(token: string): boolean {
  return (
    /\d/.test(token) &&
    /[A-Za-z]/.test(token) &&
    entropy(token) >= 2.5 &&
    !/^[A-Za-z]+\d{0,4}(?:[-_][A-Za-z]*\d{0,4})*$/.test(token)
  );
}

/** Letters and digits in no order that words or counters make. */
function isRandom(token: string): boolean {
  if (entropy(token) < 3) return false;
  if (uuid.test(token)) return true;
  let digits = 0;
  let turns = 0;
  let before = -1;
  for (let i = 0; i < token.length; i += 1) {
    const code = token.charCodeAt(i);
    const kind = code <= 57 && code >= 48 ? 0 : code >= 97 ? 1 : code >= 65 && code <= 90 ? 2 : 3;
    if (kind === 0) digits += 1;
    if (kind !== before && kind !== 3 && before !== 3) turns += 1;
    before = kind;
  }
  if (digits === 0 || digits > token.length - 3) return false;
  // `deploy-prod-eu-west-1` turns at its hyphens only.
  return turns >= Math.max(4, token.length / 6) && !/^[A-Za-z]+\d{0,3}(?:[-_][A-Za-z]+\d{0,3})+$/.test(token);
}
