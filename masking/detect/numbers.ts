import type { Span } from '../span.ts';
import { isDigit, isLetter, isWord } from './characters.ts';
import { findAddress, findBirthDate, findPhone } from './contact.ts';
import {
  digitsAhead,
  digitWithin,
  isLoneDigit,
  mayBeMonth,
  seriesEnd,
  standsAlone,
  timeEnd,
} from './digits.ts';
import { documentWords, findDocument } from './documents.ts';
import type { DocumentKind } from './documents.ts';
import { beginsMonth, isFraction, months } from './glance.ts';
import { findIp4 } from './network.ts';
import { findCard, findIban } from './payment.ts';
import { findPersonNumber, numberWords } from './person-numbers.ts';
import type { PersonNumberFinder, ReadyNumber } from './person-numbers.ts';
import type { Said } from './said.ts';
import { createWordIndex } from './word-index.ts';
import type { WordIndex } from './word-index.ts';

/** Finds what numbers and words with numbers in them stand for: cards, accounts, telephones, persons, dates, streets. */
export interface NumberFinder {
  /**
   * At the start of a word.
   * @param plain whether at least eight letters and no digit hang together there: such a word is a month at most
   * @param run how many digits begin the word; more than it has when letters stand among them
   * @returns the end of a match, or `at`
   */
  at(text: string, at: number, plain: boolean, run: number, key: string, out: Span[]): number;
  /** The end of a date or time that begins at `at` and is no birth's, or `at`. */
  pastTime(text: string, at: number): number;
}

/** What the words ahead of a number announce. */
interface Announced {
  readonly persons: readonly ReadyNumber[];
  readonly documents: readonly DocumentKind[];
}
const unannounced: Announced = { persons: [], documents: [] };

/** Reads the words ahead of numbers: of a text as a whole first, once, since most texts hold none. */
function createAnnouncements(
  enabled: (detector: string) => boolean,
): (text: string, at: number, key: string) => Announced {
  const index: WordIndex<ReadyNumber | DocumentKind> = createWordIndex<ReadyNumber | DocumentKind>([
    ...numberWords(enabled),
    ...documentWords(enabled),
  ]);
  let last = '';
  let lastKey = '';
  let inText = false;
  let byKey: readonly (ReadyNumber | DocumentKind)[] = [];
  return (text, at, key) => {
    if (text !== last || key !== lastKey) {
      inText = index.some(text);
      byKey = key === '' ? [] : index.in(key, 0, key.length);
      last = text;
      lastKey = key;
    }
    if (!inText && byKey.length === 0) return unannounced;
    const near = inText ? index.in(text, wordsFrom(text, at), at) : [];
    if (near.length === 0 && byKey.length === 0) return unannounced;
    const all = [...near, ...byKey.filter((one) => !near.includes(one))];
    return {
      persons: all.filter((one): one is ReadyNumber => 'id' in one),
      documents: all.filter((one): one is DocumentKind => 'detector' in one),
    };
  };
}

/** Where the words ahead of a number are read from: 56 characters, without the rest of a word ahead of them. */
function wordsFrom(text: string, at: number): number {
  let from = Math.max(0, at - 56);
  if (from > 0 && isLetter(text.charCodeAt(from - 1)))
    while (from < at && isLetter(text.charCodeAt(from))) from += 1;
  return from;
}

/** @param enabled whether a detector is on in this profile */
export function createNumberFinder(
  enabled: (detector: string) => boolean,
  persons: PersonNumberFinder,
  said: Said,
): NumberFinder {
  const on = {
    card: enabled('payment-card'),
    iban: enabled('iban'),
    phone: enabled('phone'),
    ip: enabled('ip'),
    address: enabled('address'),
  };

  const announcements = createAnnouncements(enabled);

  const number = (text: string, at: number, run: number, key: string, out: Span[]): number => {
    const ahead = text.charCodeAt(at - 1);
    if (ahead === 0x2e && isFraction(text.charCodeAt(at - 2))) return at;
    if (ahead !== 0x2b && isLoneDigit(text, at)) return at;
    if (
      run <= 3 &&
      standsAlone(text, at + run) &&
      !(run < 3 && mayBeMonth(text, at + run + 1) && said.birth())
    )
      return at;
    const shape = digitsAhead(text, at);
    if (shape.digits >= 16) {
      const end = seriesEnd(text, at);
      if (end > at) return end;
    }
    if (shape.digits < 3 && mayBeMonth(text, at + shape.digits + 1) && said.birth()) {
      const end = findBirthDate(text, at, key, out);
      if (end > at) return end;
    }
    if (shape.isoDate) return said.birth() ? findBirthDate(text, at, key, out) : at;
    if (shape.single && ahead !== 0x2b) return on.ip && shape.dots >= 3 ? findIp4(text, at, out) : at;
    if (shape.digits < 4) {
      // Some numbers soon go on in letters: `27AAPFU0939F1ZV`, `11 A 12345`.
      const end = findPersonNumber(text, at, announcements(text, at, key).persons, out);
      if (end > at) return end;
      return on.address && shape.street ? findAddress(text, at, out) : at;
    }
    // Part of a name or a path, unless its own hyphens stand where an SSN's do.
    const glued =
      (ahead === 0x2d || ahead === 0x5f || (ahead === 0x2f && text.charCodeAt(at + 6) !== 0x2d)) &&
      isWord(text.charCodeAt(at - 2));
    let end = at;
    if (on.card && shape.digits >= 12) end = findCard(text, at, key, out);
    if (end === at && on.ip && shape.dots >= 3) end = findIp4(text, at, out);
    const announced = end === at && shape.digits >= 5 ? announcements(text, at, key) : unannounced;
    if (end === at && !glued && (shape.digits >= 7 || shape.lettered)) {
      end = findPersonNumber(text, at, announced.persons, out);
      if (end === at) end = persons(text, at, out);
    }
    if (end === at && shape.digits >= 5 && said.birth()) end = findBirthDate(text, at, key, out);
    if (end === at && on.phone && !glued && shape.digits >= 7 && !shape.date)
      end = findPhone(text, at, key, out);
    if (end === at && !glued) end = findDocument(text, at, announced.documents, out);
    if (end === at && on.address && shape.street) end = findAddress(text, at, out);
    return end;
  };

  const word = (text: string, at: number, plain: boolean, run: number, key: string, out: Span[]): number => {
    const code = text.charCodeAt(at);
    if (isDigit(code)) return number(text, at, run, key, out);
    const second = text.charCodeAt(at + 1);
    // A name or the first word of a sentence: identity numbers are written in capitals.
    if (second >= 97 && second <= 122 && !isDigit(text.charCodeAt(at + 2)))
      return beginsMonth(code) && months.has(text.slice(at, at + 3)) && said.birth()
        ? findBirthDate(text, at, key, out)
        : at;
    // Some write `ES 58 0049 …`.
    const checked = text.charCodeAt(at + 2) === 32 ? at + 3 : at + 2;
    const banked = !plain && isDigit(text.charCodeAt(checked)) && isDigit(text.charCodeAt(checked + 1));
    if (code > 90 && !banked) return at;
    let end = at;
    if (on.iban && banked) end = findIban(text, at, out);
    if (beginsMonth(code) && months.has(text.slice(at, at + 3)) && said.birth())
      end = findBirthDate(text, at, key, out);
    if (plain || end > at || !digitWithin(text, at)) return end;
    const announced = announcements(text, at, key);
    end = findPersonNumber(text, at, announced.persons, out);
    if (end === at) end = persons(text, at, out);
    return end === at ? findDocument(text, at, announced.documents, out) : end;
  };

  const pastTime = (text: string, at: number): number => {
    const ahead = text.charCodeAt(at - 1);
    if (ahead === 0x3a || ahead === 0x2b) return at;
    const past = timeEnd(text, at);
    return past === at || said.birth() ? at : past;
  };

  return { at: word, pastTime };
}
