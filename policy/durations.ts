const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration looks like, for messages and for the JSON Schemas. */
export const durationPattern = /^(?:\d{1,6}(?:ms|[smhd]))+$/;

/**
 * Reads a duration such as `30m`, `1h30m` or `250ms`.
 * @returns milliseconds; null when the text is no duration, is zero, or is longer than a year
 */
export function parseDuration(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhd])/g))
    total += Number(count) * (unit === 'ms' ? 1 : (units[unit ?? ''] ?? Number.NaN));
  return total > 0 && total <= 366 * 86_400_000 ? total : null;
}
