import { joinSpans } from '../span.ts';
import type { Span } from '../span.ts';
import { findAssignment } from './assignment.ts';
import type { PendingName } from './assignment.ts';
import { isDigit, isEvent, isHex, isQuote, isWord } from './characters.ts';
import { createSaid } from './said.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import { findCall } from './called.ts';
import { dullWords } from './dull-words.ts';
import { findCommand, findPiped } from './commands.ts';
import { findCompared } from './compared.ts';
import { countsOnly, isUuid } from './digits.ts';
import { mayBeLogin, nearQuotes, skipBase64 } from './glance.ts';
import { createNumberFinder } from './numbers.ts';
import { findInserted } from './inserted.ts';
import {
  createJwtFinder,
  findHashDump,
  findKeyTail,
  findPasswordHash,
  findPrivateKey,
} from './long-secrets.ts';
import { findDottedMac, findEmail, findIp6, findLoginPassword, findMac, findUrlPassword } from './network.ts';
import { findMarkedKey, mayBeMarked } from './marked-keys.ts';
import type { PersonNumberFinder } from './person-numbers.ts';
import type { VendorTokens } from './vendor-tokens.ts';
import { findPasswordFlag, findPgPass, findUserFlag } from './flags.ts';
import { findIdentifiedBy, findSpoken, findSpokenAhead, maySpeak } from './spoken.ts';
import { findWallet, shortestWallet } from './wallets.ts';

/** What a profile has switched on, made ready once. */
export interface FinderParts {
  readonly enabled: (detector: string) => boolean;
  readonly judge: (name: string) => NameVerdict | null;
  readonly vendors: VendorTokens;
  readonly persons: PersonNumberFinder;
}

/** Finds what is sensitive in a decoded text. `key` names the place the text stands in, or is empty. */
export type Finder = (text: string, key: string) => readonly Span[];

/**
 * The first stage is one loop over the characters: word starts go through a table of prefixes and the digit tests,
 * a few punctuation marks make it look around. The second stage tries only what the first one points to, in bounded
 * windows, so that the whole is linear in the text's length whatever stands in it.
 */
export function createFinder(parts: FinderParts): Finder {
  const { enabled } = parts;
  const on = {
    email: enabled('email'),
    ip: enabled('ip'),
    mac: enabled('mac'),
    wallet: enabled('crypto-wallet'),
    jwt: enabled('jwt'),
    key: enabled('private-key'),
    url: enabled('url-password'),
    hash: enabled('password-hash'),
    padded: enabled('azure-account-key'),
  };

  const spoken = enabled('password') && enabled('credential');

  const calledAt = (text: string, at: number, out: Span[]): number => {
    const found: Span[] = [];
    const end = findCall(text, at, parts.judge, found);
    const span = found[0];
    if (span === undefined || !enabled(span.detector)) return at;
    out.push(span);
    return end;
  };

  const spokenAt = (text: string, start: number, end: number, out: Span[]): number => {
    const command = findCommand(text, start, end, out);
    if (command > end) return command;
    findPiped(text, start, end, out);
    findSpokenAhead(text, start, end, out);
    const next = findSpoken(text, start, end, parts.judge, out);
    if (next === end || enabled(out.at(-1)?.detector ?? '')) return next;
    out.pop();
    return end;
  };

  const said = createSaid(enabled('date-of-birth'));
  const { begins } = parts.vendors;
  const dull = dullWords(begins);
  const longestDull = Math.min(parts.vendors.shortestLetters, shortestWallet);
  const jwt = createJwtFinder();
  const numbers = createNumberFinder(enabled, parts.persons, said);
  const found: Span[] = [];
  const pending: PendingName = { verdict: null, at: 0, read: { from: 0, to: 0, sign: 0 } };

  return (text, key) => {
    const out = found;
    out.length = 0;
    pending.verdict = null;
    pending.read.to = 0;
    parts.vendors.reset(key);
    jwt.reset();
    said.reset(text, key);
    const length = text.length;
    let i = 0;
    while (i < length) {
      const code = text.charCodeAt(i);
      if (isWord(code)) {
        const start = i;
        let digits = isDigit(code) ? 1 : 0;
        let next = 0;
        // Nothing is read beyond the end here: what may be no number is several times slower to compare.
        for (i += 1; i < length; i += 1) {
          next = text.charCodeAt(i);
          if (!isWord(next)) break;
          if (next <= 57) digits += 1;
        }
        if (i === length) next = 0;
        const run = i - start;
        if (digits === 0 && run < longestDull && next !== 0x2e) {
          const second = run === 1 ? next : text.charCodeAt(start + 1);
          if (dull[(code << 7) | second] === 1) continue;
        }
        if (run === 8 && isUuid(text, start)) {
          i = start + 36;
          const end = parts.vendors.atRun(text, start, start + 8, out);
          if (end > i) i = end;
          continue;
        }
        // What nothing can come of is passed over before anything is asked.
        if (digits === run && run <= 4) {
          if (next === 0x2d || next === 0x3a) {
            const past = run === 4 || run === 2 ? numbers.pastTime(text, start) : start;
            if (past > start) {
              i = past;
              continue;
            }
          }
          if (run <= 3 && countsOnly(text, i) && begins[(code << 7) | text.charCodeAt(start + 1)] !== 1)
            continue;
        }
        let end = parts.vendors.atWord(text, start, i, out);
        if (end === start && on.jwt && code === 0x65) end = jwt.find(text, start, out);
        if (end === start && (digits > 0 || code <= 90))
          end = numbers.at(text, start, digits === 0 && run >= 8, digits === run ? run : 9, key, out);
        if (end === start && on.wallet && run >= shortestWallet) end = findWallet(text, start, key, out);
        if (end === start && run === 4 && on.mac && next === 0x2e && isHex(code))
          end = findDottedMac(text, start, out);
        if (end > start) {
          i = end;
          continue;
        }
        if (spoken && maySpeak(code, text.charCodeAt(i - 1), run)) i = spokenAt(text, start, i, out);
        else if (run === 6 && (code | 32) === 0x76) findInserted(text, start, parts.judge, enabled, out);
        else if (spoken && run === 2 && (code | 32) === 0x62)
          i = Math.max(i, findIdentifiedBy(text, start, out));
        // Python's and Ruby's `os.environ.get("API_KEY") or "…"`.
        else if (run === 2 && code === 0x6f && next === 32 && isQuote(text.charCodeAt(i + 1)))
          i = Math.max(i, assignedAt(text, start, pending, out));
        if (digits > 0) {
          end = parts.vendors.atRun(text, start, i, out);
          if (end > start) i = Math.max(i, end);
        } else if (run < 128) i = Math.max(i, parts.vendors.atLetters(text, start, i, out));
        continue;
      }
      if (isEvent(code)) i = Math.max(i, event(text, i, code, pending, out));
      i += 1;
    }
    return out.length === 0 ? nothing : joinSpans(out.slice());
  };

  function event(text: string, at: number, code: number, pending: PendingName, out: Span[]): number {
    if (code === 0x40) {
      if (on.url && mayBeLogin(text, at) && findLoginPassword(text, at, out)) return at;
      return on.email ? findEmail(text, at, out) : at;
    }
    if (code === 0x2d) {
      if (on.key && text.charCodeAt(at + 1) === 0x2d && text.startsWith('-----', at)) {
        const end = text.startsWith('-----BEGIN', at)
          ? findPrivateKey(text, at, out)
          : findKeyTail(text, at, out);
        if (end > at) return end;
      }
      if (spoken && !isWord(text.charCodeAt(at - 1))) {
        const next = text.charCodeAt(at + 1) | 32;
        const end = next === 0x75 ? findUserFlag(text, at, out) : findPasswordFlag(text, at, out);
        if (end > at) return end;
      }
      // `API_TOKEN - …`, as lists are written.
      if (text.charCodeAt(at + 1) === 32 && text.charCodeAt(at - 1) === 32)
        return assignedAt(text, at, pending, out);
      return on.mac && isHex(text.charCodeAt(at + 1)) ? findMac(text, at, out) : at;
    }
    if (code === 0x28) return isQuote(text.charCodeAt(at + 1)) ? calledAt(text, at, out) : at;
    if (code === 0x2c && text.startsWith(';base64,', at - 7)) return skipBase64(text, at + 1);
    if (code === 0x2c && !nearQuotes(text, at) && !isWord(text.charCodeAt(at + 1))) return at;
    if (code === 0x24) return on.hash ? findPasswordHash(text, at, out) : at;
    // `a ?? 'b'`; a single one asks.
    if (code === 0x3f && text.charCodeAt(at + 1) !== 0x3f) return at;
    if (code === 0x3a) {
      if (on.hash && text.startsWith(':::', at)) findHashDump(text, at, out);
      if (on.url) {
        findUrlPassword(text, at, out);
        const end = findPgPass(text, at, out);
        if (end > at) return end;
      }
      const next = text.charCodeAt(at + 1);
      if ((on.mac || on.ip) && (isHex(next) || next === 0x3a) && isHex(text.charCodeAt(at - 1))) {
        let end = on.mac ? findMac(text, at, out) : at;
        if (end === at && on.ip) end = findIp6(text, at, out);
        if (end > at) return end;
      }
    }
    if (code === 0x3d && on.padded && mayBeMarked(text, at)) {
      const end = findMarkedKey(text, at, out);
      if (end > at) return end;
    }
    // `10:11:12` and `16:9` assign nothing.
    if (
      code === 0x3a &&
      isDigit(text.charCodeAt(at + 1)) &&
      isDigit(text.charCodeAt(at - 1)) &&
      isDigit(text.charCodeAt(at - 2))
    )
      return at;
    if (code === 0x3d && (text.charCodeAt(at + 1) === 0x3d || text.charCodeAt(at - 1) === 0x21)) {
      const end = comparedAt(text, at, out);
      if (end > at) return end;
    }
    return assignedAt(text, at, pending, out);
  }

  function comparedAt(text: string, at: number, out: Span[]): number {
    const found: Span[] = [];
    const end = findCompared(text, at, parts.judge, found);
    const span = found[0];
    if (span === undefined || !enabled(span.detector)) return at;
    out.push(span);
    return end;
  }

  function assignedAt(text: string, at: number, pending: PendingName, out: Span[]): number {
    const before = out.length;
    const end = findAssignment(text, at, parts.judge, pending, out);
    if (out.length === before) return at;
    const found = out.splice(before);
    for (const span of found) if (enabled(span.detector)) out.push(span);
    return found.every((span) => enabled(span.detector)) ? end : at;
  }
}

/** What most texts are found to hold. */
const nothing: readonly Span[] = [];
