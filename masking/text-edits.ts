import { createHash } from 'node:crypto';
import { isBase64, isPrintable, mayBeText } from './base64-text.ts';
import { applyEdits } from './json-tree.ts';
import type { Operator, ProfileConfig } from './config.ts';
import type { NameVerdict } from './rules/name-verdict.ts';
import type { Finder } from './detect/find.ts';
import type { KnownFinder } from './known-values.ts';
import { markerPattern, replaceText } from './replace.ts';
import type { ReplaceKeys } from './replace.ts';
import { apartFrom, originOf } from './settle.ts';
import { shadowOf } from './shadow.ts';
import { joinSpans } from './span.ts';
import type { Span } from './span.ts';
import { findTables } from './tables.ts';
import { tokenSpans } from './tokens.ts';

/** One replacement inside a decoded text, and why. `value` is what was there; it never leaves the masking room. */
export interface LeafEdit {
  readonly start: number;
  readonly end: number;
  readonly with: string;
  readonly detector: string;
  readonly operator: Operator;
  readonly confidence: number;
  readonly value: string;
  /** Way inside a text that is itself JSON; empty otherwise. */
  readonly path: string;
}

/** What masking one text needs; one per masker. */
export interface TextParts {
  readonly profile: ProfileConfig;
  readonly find: Finder;
  readonly judge: (name: string) => NameVerdict | null;
  readonly enabled: (detector: string) => boolean;
  readonly operatorOf: (detector: string) => Operator;
  readonly keys: ReplaceKeys;
  /** Values known to be secret from earlier on; null where there are none. */
  readonly known: KnownFinder | null;
  /** Keys in which nothing was found, since keys repeat. Bounded. */
  readonly plainKeys: Set<string>;
  /** Texts that the profile leaves alone. */
  readonly allow: ReadonlySet<string>;
  /** A user's detectors. */
  readonly extra: ((text: string, key: string, out: Span[]) => void) | null;
  /** How often something other than a text's own characters was looked at: a shadow, what base64 or JSON holds. */
  readonly unfolded: { times: number };
  /** Masks a text that is JSON; null when it is not. Set by the JSON walk. */
  readonly nested: (text: string, key: string, depth: number) => LeafEdit[] | null;
}

const deepest = 4;

/** The edits that mask one decoded text: JSON inside is walked, everything else is searched. */
export function textEdits(parts: TextParts, text: string, key: string, depth: number): LeafEdit[] {
  if (text.length < 5) return [];
  if (depth < deepest) {
    const inner = insideJson(parts, text, key, depth);
    if (inner !== null) return inner;
  }
  const spans = spansOf(parts, text, key);
  const edits =
    spans.length === 0
      ? []
      : settle(
          parts,
          text,
          key,
          spans.map((span) => editOf(parts, text, span)),
        );
  return depth < deepest ? withBase64(parts, text, key, depth, edits) : edits;
}

/**
 * What is hidden changes what stands near what: a word that was too far away may now be close. So the masked text is
 * searched again until nothing more is found, and masking it later changes nothing.
 */
function settle(parts: TextParts, text: string, key: string, first: LeafEdit[]): LeafEdit[] {
  let edits = first;
  for (let round = 0; round < 4 && edits.length > 0; round += 1) {
    const more = spansOf(parts, applyEdits(text, edits), key);
    if (more.length === 0) break;
    edits = compose(parts, text, edits, more);
  }
  return edits;
}

/** Adds spans of the masked text to the edits that masked it. A span that touches an edit takes it in. */
function compose(
  parts: TextParts,
  text: string,
  edits: readonly LeafEdit[],
  spans: readonly Span[],
): LeafEdit[] {
  const origin = originOf(edits);
  const added = joinSpans(
    spans
      .map((span) => ({ ...span, start: origin(span.start, false), end: origin(span.end, true) }))
      .filter((span) => span.end > span.start),
  );
  const kept = apartFrom(edits, added);
  const fresh = added.map((span) => editOf(parts, text, span));
  return [...kept, ...fresh].sort((a, b) => a.start - b.start);
}

/** The sensitive spans of a text, its shadow included; genuine markers and tokens are left alone. */
function spansOf(parts: TextParts, text: string, key: string): readonly Span[] {
  const found = parts.find(text, key);
  const lines = text.includes('\n');
  const shadow = shadowOf(text);
  if (found.length === 0 && !lines && shadow === null && parts.known === null && parts.extra === null)
    return found;
  const spans = [...found];
  parts.known?.(text, spans);
  parts.extra?.(text, key, spans);
  if (lines) {
    const rows: Span[] = [];
    findTables(text, parts.judge, rows);
    for (const span of rows) if (parts.enabled(span.detector)) spans.push(span);
  }
  if (shadow !== null) {
    parts.unfolded.times += 1;
    const hidden = [...parts.find(shadow.text, key)];
    parts.known?.(shadow.text, hidden);
    parts.extra?.(shadow.text, key, hidden);
    for (const span of hidden) {
      const start = shadow.starts[span.start] ?? 0;
      const end = shadow.ends[span.end - 1] ?? start;
      if (end > start) spans.push({ ...span, start, end });
    }
  }
  if (spans.length === 0) return spans;
  const joined = joinSpans(withoutMarkers(parts, text, spans));
  return parts.allow.size === 0
    ? joined
    : joined.filter((span) => !parts.allow.has(text.slice(span.start, span.end)));
}

function withoutMarkers(parts: TextParts, text: string, spans: Span[]): Span[] {
  const kept: { start: number; end: number }[] = [];
  if (text.includes('[masked:')) {
    for (const match of text.matchAll(markerPattern))
      kept.push({ start: match.index, end: match.index + match[0].length });
  }
  if (parts.keys.tokens !== undefined && text.includes('[['))
    kept.push(...tokenSpans(parts.keys.tokens, text));
  if (kept.length === 0) return spans;
  kept.sort((a, b) => a.start - b.start);
  spans.sort((a, b) => a.start - b.start);
  const out: Span[] = [];
  let passed = 0;
  for (const span of spans) {
    let start = span.start;
    while (passed < kept.length && (kept[passed]?.end ?? 0) <= start) passed += 1;
    for (let at = passed; at < kept.length; at += 1) {
      const marker = kept[at];
      if (marker === undefined || marker.start >= span.end) break;
      if (marker.start > start) out.push({ ...span, start, end: marker.start });
      start = marker.end;
    }
    // What remains around a marker is hidden too, unless it is only punctuation.
    if (start < span.end) out.push({ ...span, start });
  }
  return out.filter((span) => /[A-Za-z0-9\u0080-\uffff]/.test(text.slice(span.start, span.end)));
}

/** The edit for a span, by the operator that the profile names for its detector. */
export function editOf(parts: TextParts, text: string, span: Span, operator?: Operator): LeafEdit {
  const chosen = operator ?? parts.operatorOf(span.detector);
  const value = text.slice(span.start, span.end);
  return {
    start: span.start,
    end: span.end,
    with: replaceText(chosen, span.detector, value, parts.keys),
    detector: span.detector,
    operator: chosen,
    confidence: span.confidence,
    value,
    path: '',
  };
}

/** Text that is JSON, or lines of JSON. */
function insideJson(parts: TextParts, text: string, key: string, depth: number): LeafEdit[] | null {
  let at = 0;
  while (at < 16 && text.charCodeAt(at) <= 32) at += 1;
  const first = text.charCodeAt(at);
  if (first !== 0x7b && first !== 0x5b && first !== 0x22) return null;
  const whole = parts.nested(text, key, depth + 1);
  if (whole !== null) parts.unfolded.times += 1;
  if (whole !== null || first !== 0x7b || !text.includes('\n')) return whole;
  const edits: LeafEdit[] = [];
  let any = false;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end);
    const inner = line.charCodeAt(0) === 0x7b ? parts.nested(line, key, depth + 1) : null;
    if (inner !== null) parts.unfolded.times += 1;
    any ||= inner !== null;
    for (const edit of inner ?? textEdits(parts, line, key, deepest)) {
      edits.push({ ...edit, start: edit.start + start, end: edit.end + start });
    }
    start = end + 1;
  }
  return any ? edits : null;
}

const runLength = 20;
/** Looks into base64 runs that decode to text; a run in which something is found is written anew. */
function withBase64(
  parts: TextParts,
  text: string,
  key: string,
  depth: number,
  edits: LeafEdit[],
): LeafEdit[] {
  const added: LeafEdit[] = [];
  let passed = 0;
  // Looked at from the back, so that a run too short is known by a few of its characters (Boyer and Moore, 1977).
  for (let probe = runLength - 1, from = 0; probe < text.length; probe += runLength) {
    let start = probe + 1;
    while (start > from && isBase64(text.charCodeAt(start - 1))) start -= 1;
    if (start > from) {
      // The next run begins behind this character at the earliest.
      probe = start - 1;
      from = start;
      continue;
    }
    let end = probe + 1;
    while (end < text.length && isBase64(text.charCodeAt(end))) end += 1;
    probe = end;
    from = end + 1;
    while (passed < edits.length && (edits[passed]?.end ?? 0) <= start) passed += 1;
    const next = edits[passed];
    if (next !== undefined && next.start < end) continue;
    const edit = insideBase64(parts, text, start, end, key, depth);
    if (edit !== null) added.push(edit);
  }
  return added.length === 0 ? edits : [...edits, ...added].sort((a, b) => a.start - b.start);
}

function insideBase64(
  parts: TextParts,
  text: string,
  start: number,
  end: number,
  key: string,
  depth: number,
): LeafEdit | null {
  // The last character of a cut text may be a part of one.
  if (!mayBeText(text, start, end)) return null;
  const head = Buffer.from(text.slice(start, Math.min(end, start + 64)), 'base64').toString('utf8');
  if (!isPrintable(head) || head.slice(0, 40).includes('\ufffd')) return null;
  const run = text.slice(start, end);
  const decoded = Buffer.from(run, 'base64').toString('utf8');
  if (decoded.includes('\ufffd') || !isPrintable(decoded)) return null;
  parts.unfolded.times += 1;
  const inner = textEdits(parts, decoded, key, depth + 1);
  const first = inner[0];
  if (first === undefined) return null;
  const masked = Buffer.from(applyEdits(decoded, inner)).toString(/[-_]/.test(run) ? 'base64url' : 'base64');
  let stop = end;
  while (stop < end + 2 && text.charCodeAt(stop) === 0x3d) stop += 1;
  return {
    start,
    end: stop,
    with: masked,
    detector: first.detector,
    operator: first.operator,
    confidence: first.confidence,
    value: first.value,
    path: '',
  };
}

/** A short name for a binary value that was dropped: type, size, hash. */
export function binaryNote(mimeType: string, base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const type = /^[\w.+/-]{1,60}$/.test(mimeType) ? mimeType : 'binary';
  return `[dropped ${type}, ${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}]`;
}
