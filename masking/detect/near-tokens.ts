import { entropy } from '../checksums.ts';
import type { NearRule } from '../rules/secret-rule.ts';
import { readShape } from '../rules/shape.ts';
import { longestKept, ownCopy } from '../own-copy.ts';
import type { Span } from '../span.ts';
import { hasWord } from './characters.ts';

const reach = 100;

/** Finds tokens that are believed near a word of their vendor only. */
export interface NearTokens {
  /** @returns the end of a match at `at`, or `at` */
  find(text: string, at: number, out: Span[]): number;
  /** Begins a text that stands under `key`. */
  reset(key: string): void;
}

/** @param rules those that are on */
export function createNear(rules: readonly NearRule[]): NearTokens {
  const words = [...new Set(rules.flatMap((rule) => rule.near))];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const anyWord = new RegExp(escaped.join('|') || '(?!)', 'i');
  const ready = rules.map((rule) => ({
    rule,
    match: new RegExp(
      `(?:${rule.shapes.map((shape) => readShape(shape).pattern).join('|')})(?![0-9A-Za-z_=-])`,
      'y',
    ),
  }));
  const anyShape = new RegExp(
    `(?:${[...new Set(rules.flatMap((rule) => rule.shapes.map((shape) => readShape(shape).pattern)))].join('|') || '(?!)'})(?![0-9A-Za-z_=-])`,
    'y',
  );
  const longestWord = words.reduce((longest, word) => Math.max(longest, word.length), 0);
  /** Whether a key holds a vendor's word; keys repeat. Bounded. */
  const keysHolding = new Map<string, boolean>();
  const holds = (key: string): boolean => {
    const known = keysHolding.get(key);
    if (known !== undefined) return known;
    if (keysHolding.size >= 4_096) keysHolding.clear();
    const found = anyWord.test(key);
    if (key.length <= longestKept) keysHolding.set(ownCopy(key), found);
    return found;
  };
  let keyText = '';
  /** A stretch of the text in which no vendor's word stands. */
  let clearFrom = 0;
  let clearTo = 0;
  /** Whether a vendor's word stands in a stretch; looks only at what was not looked at before. */
  const anyWordIn = (text: string, from: number, to: number): boolean => {
    if (from < clearFrom || from > clearTo) clearFrom = from;
    else if (clearTo >= from + longestWord) from = clearTo - longestWord + 1;
    else clearFrom = from;
    clearTo = to;
    if (from >= to || !anyWord.test(text.slice(from, to))) return false;
    clearFrom = clearTo;
    return true;
  };
  return {
    reset(key) {
      keyText = key;
      clearFrom = 0;
      clearTo = 0;
    },
    find(text, at, out) {
      let from = Math.max(0, at - reach);
      const line = at === from ? -1 : text.slice(from, at).lastIndexOf('\n');
      // The vendor's word stands on the token's line, or close above it.
      if (line >= 0) from = Math.max(from, Math.min(from + line, at - 30));
      if (!anyWordIn(text, from, at) && (keyText === '' || !holds(keyText))) return at;
      anyShape.lastIndex = at;
      if (!anyShape.test(text)) return at;
      const context = `${keyText}\n${text.slice(from, at)}`;
      for (const { rule, match } of ready) {
        match.lastIndex = at;
        const found = match.exec(text);
        if (found === null || !hasWord(context, rule.near)) continue;
        if (!/\d/.test(found[0]) || entropy(found[0]) < 2.8) continue;
        // A word of the vendor alone is not enough for a bare identifier: something must say that it is a secret.
        if (
          !/key|token|secret|auth|pass|cred|pat\b|sid|access|api|license|hec|signature|login|vapid|akia|goog1/i.test(
            context,
          )
        )
          continue;
        out.push({ start: at, end: match.lastIndex, detector: rule.name, confidence: 0.85 });
        return match.lastIndex;
      }
      return at;
    },
  };
}
