import { entropy, luhn } from './checksums.ts';
import type { UserDetector } from './config.ts';
import { compilePattern } from './linear/compile.ts';
import type { LinearPattern } from './linear/machine.ts';
import type { Span } from './span.ts';

/** A match begins at most this far before or after one of its detector's keywords. */
const keywordReach = 200;
/** How much of the text after a keyword's reach a match may run on into. */
const matchReach = 4_096;

interface Ready {
  readonly detector: UserDetector;
  readonly pattern: LinearPattern;
  readonly keywords: readonly string[];
  readonly allow: readonly LinearPattern[];
}

/** @returns why a detector cannot be used, or null */
export function checkUserDetector(detector: UserDetector): string | null {
  const compiled = compilePattern(detector.pattern, detector.group ?? 1);
  if (!compiled.ok) return `pattern of ${detector.name}: ${compiled.reason}`;
  const find = createUserFinder([detector]);
  for (const example of detector.examples) {
    const found: Span[] = [];
    find(example, detector.keywords[0] ?? '', found);
    if (found.length === 0) return `detector ${detector.name} does not find its own example`;
  }
  return null;
}

/** Finds what users' detectors describe, on an engine that is linear in the text whatever the pattern. */
export function createUserFinder(
  detectors: readonly UserDetector[],
): (text: string, key: string, out: Span[]) => void {
  const ready = detectors.flatMap((detector): Ready[] => {
    const compiled = compilePattern(detector.pattern, detector.group ?? 1);
    if (!compiled.ok) return [];
    const keywords = detector.keywords.map((word) => word.toLowerCase());
    const allow = (detector.allow ?? []).flatMap((source) => {
      const allowed = compilePattern(source, 0);
      return allowed.ok ? [allowed.pattern] : [];
    });
    return [{ detector, pattern: compiled.pattern, keywords, allow }];
  });
  return (text, key, out) => {
    const lower = text.toLowerCase();
    const lowerKey = key.toLowerCase();
    for (const rule of ready) {
      const named = rule.keywords.length === 0 || rule.keywords.some((word) => lowerKey.includes(word));
      const windows = named
        ? [{ start: 0, end: text.length, last: text.length }]
        : windowsOf(lower, rule.keywords);
      for (const window of windows) findIn(rule, text, window, out);
    }
  };
}

interface Window {
  readonly start: number;
  /** A match must begin before this. */
  last: number;
  end: number;
}

function findIn(rule: Ready, text: string, window: Window, out: Span[]): void {
  const part = window.start === 0 && window.end === text.length ? text : text.slice(window.start, window.end);
  for (const match of rule.pattern.matches(part)) {
    if (match.start + window.start >= window.last) return;
    const value = part.slice(match.start, match.end);
    if (!holds(rule, value)) continue;
    out.push({
      start: match.start + window.start,
      end: match.end + window.start,
      detector: rule.detector.name,
      confidence: 0.85,
    });
  }
}

/** The stretches around keywords, joined where they touch, so that no text is searched twice. */
function windowsOf(lower: string, keywords: readonly string[]): Window[] {
  const places: number[] = [];
  for (const word of keywords) {
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) places.push(at);
  }
  places.sort((a, b) => a - b);
  const windows: Window[] = [];
  for (const at of places) {
    const start = Math.max(0, at - keywordReach);
    const last = Math.min(lower.length, at + keywordReach);
    const end = Math.min(lower.length, last + matchReach);
    const before = windows.at(-1);
    if (before !== undefined && start <= before.end) {
      before.last = last;
      before.end = end;
    } else windows.push({ start, last, end });
  }
  return windows;
}

function holds({ detector, allow }: Ready, value: string): boolean {
  if (detector.validator === 'luhn' && !luhn(value.replace(/\D/g, ''))) return false;
  if (entropy(value) < (detector.validator === 'entropy' ? 3 : (detector.entropy ?? 0))) return false;
  const lower = detector.allowWords === undefined ? '' : value.toLowerCase();
  if (detector.allowWords?.some((word) => lower.includes(word)) === true) return false;
  return !allow.some((pattern) => pattern.matches(value).length > 0);
}
