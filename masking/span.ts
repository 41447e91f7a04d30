/** A stretch of text that is to be hidden: UTF-16 offsets, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly detector: string;
  /** 0 to 1. */
  readonly confidence: number;
}

/**
 * Orders spans and joins those that overlap, so that nothing judged sensitive stays uncovered. A joined span keeps
 * the name of its most confident part, then of its longest.
 */
export function joinSpans(spans: Span[]): Span[] {
  if (spans.length < 2) return spans;
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: Span[] = [];
  for (const span of spans) {
    const before = joined.at(-1);
    if (before === undefined || span.start >= before.end) {
      joined.push(span);
      continue;
    }
    const better =
      span.confidence > before.confidence ||
      (span.confidence === before.confidence && span.end - span.start > before.end - before.start);
    const named = better ? span : before;
    const end = Math.max(before.end, span.end);
    joined[joined.length - 1] = {
      start: before.start,
      end,
      detector: named.detector,
      confidence: named.confidence,
    };
  }
  return joined;
}
