import { entropy, luhn } from './checksums.ts';
import type { UserDetector } from './config.ts';
import { compilePattern } from './linear/compile.ts';
import type { LinearPattern } from './linear/machine.ts';
import type { Span } from './span.ts';

/** @returns why a detector cannot be used, or null */
export function checkUserDetector(detector: UserDetector): string | null {
  const compiled = compilePattern(detector.pattern);
  if (!compiled.ok) return `pattern of ${detector.name}: ${compiled.reason}`;
  for (const example of detector.examples) {
    const text = `${detector.keywords[0] ?? ''} ${example} `;
    if (
      !matchesOf(compiled.pattern, text).some((match) => holds(detector, text.slice(match.start, match.end)))
    ) {
      return `detector ${detector.name} does not find its own example`;
    }
  }
  return null;
}

/** Finds what users' detectors describe, on an engine that is linear in the text whatever the pattern. */
export function createUserFinder(
  detectors: readonly UserDetector[],
): (text: string, key: string, out: Span[]) => void {
  const ready = detectors.flatMap((detector) => {
    const compiled = compilePattern(detector.pattern);
    const words = detector.keywords.map((word) => word.toLowerCase());
    return compiled.ok ? [{ detector, pattern: compiled.pattern, words }] : [];
  });
  return (text, key, out) => {
    const lower = text.toLowerCase();
    const lowerKey = key.toLowerCase();
    for (const { detector, pattern, words } of ready) {
      if (words.length > 0 && !words.some((word) => lower.includes(word) || lowerKey.includes(word)))
        continue;
      for (const match of matchesOf(pattern, text)) {
        if (holds(detector, text.slice(match.start, match.end)))
          out.push({ ...match, detector: detector.name, confidence: 0.85 });
      }
    }
  };
}

function matchesOf(pattern: LinearPattern, text: string): { start: number; end: number }[] {
  return pattern.matches(text);
}

function holds(detector: UserDetector, value: string): boolean {
  if (detector.validator === 'luhn') return luhn(value.replace(/\D/g, ''));
  return detector.validator === 'none' || entropy(value) >= 3;
}
