import type { Span } from '../span.ts';
import { isDigit, isWord } from './characters.ts';
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
import { findDocument } from './documents.ts';
import { beginsMonth, isFraction, months } from './glance.ts';
import { findIp4 } from './network.ts';
import { findCard, findIban } from './payment.ts';
import type { PersonNumberFinder } from './person-numbers.ts';
import type { Said } from './said.ts';

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
    if (shape.digits < 4) return on.address && shape.street ? findAddress(text, at, out) : at;
    // Part of a name or a path, unless its own hyphens stand where an SSN's do.
    const glued =
      (ahead === 0x2d || ahead === 0x5f || (ahead === 0x2f && text.charCodeAt(at + 6) !== 0x2d)) &&
      isWord(text.charCodeAt(at - 2));
    let end = at;
    if (on.card && shape.digits >= 12) end = findCard(text, at, key, out);
    if (end === at && on.ip && shape.dots >= 3) end = findIp4(text, at, out);
    if (end === at && !glued && (shape.digits >= 7 || shape.lettered)) end = persons(text, at, key, out);
    if (end === at && shape.digits >= 5 && said.birth()) end = findBirthDate(text, at, key, out);
    if (end === at && on.phone && !glued && shape.digits >= 7 && !shape.date)
      end = findPhone(text, at, key, out);
    if (end === at && shape.digits >= 5 && said.document()) end = findDocument(text, at, key, enabled, out);
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
    end = persons(text, at, key, out);
    return end === at && said.document() ? findDocument(text, at, key, enabled, out) : end;
  };

  const pastTime = (text: string, at: number): number => {
    const ahead = text.charCodeAt(at - 1);
    if (ahead === 0x3a || ahead === 0x2b) return at;
    const past = timeEnd(text, at);
    return past === at || said.birth() ? at : past;
  };

  return { at: word, pastTime };
}
