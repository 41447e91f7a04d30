import type { Operator } from './config.ts';
import { isPlaceholder } from './detect/placeholders.ts';
import { isSensitiveValue } from './detect/values.ts';
import type { FieldRules } from './field-rules.ts';
import { applyEdits, endOf, kindOf, rawText, startOf, stringValue } from './json-tree.ts';
import type { KeyNames } from './key-names.ts';
import { isMarker, replaceNumber } from './replace.ts';
import type { NameVerdict } from './rules/name-verdict.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';
import { ownCopy } from './own-copy.ts';
import type { PlainTexts } from './plain-texts.ts';
import type { Span } from './span.ts';
import { spliceString } from './splice-string.ts';
import { binaryNote, editOf, textEdits } from './text-edits.ts';
import type { LeafEdit, TextParts } from './text-edits.ts';
import { tokenSpans } from './tokens.ts';

/** What the walk needs: the text's parts, the profile's own fields, and the same parts for addresses only. */
export interface WalkParts {
  readonly text: TextParts;
  /** For places that the protocol works with: secrets alone are hidden there. */
  readonly addresses: TextParts;
  readonly fields: FieldRules;
  readonly keys: KeyNames;
  /** What this walk found nothing in. */
  readonly plain: PlainTexts;
  /** The same of an earlier walk over the same message that knew fewer values; null on the first. */
  readonly earlier: PlainTexts | null;
}

/** Where the walk is. A child place is a new value. */
export interface Place {
  /** Name of the nearest member; names elements of its list too. */
  readonly key: string;
  /** The container this place is in, and the way from it; `$` is the way to the whole. See {@link pathOf}. */
  readonly parent: Place | null;
  readonly step: string | number;
  /** Path for the protocol's table, or null outside messages and below what the table names. */
  readonly protocol: string | null;
  /** What the nearest name says of values here. */
  readonly verdict: NameVerdict | null;
  /** What the profile's fields say. */
  readonly field: Operator | 'keep' | null;
  /** Inside a JSON Schema, where names are those of fields and not of values. */
  readonly schema: boolean;
  readonly addressOnly: boolean;
  readonly depth: number;
}

const longestPath = 400;

/** The path of a place, for findings: `$.params.arguments.user`. Made when asked for, since most places hold nothing. */
export function pathOf(place: Place): string {
  const steps: string[] = [];
  for (let here: Place | null = place; here !== null; here = here.parent)
    steps.push(
      here.parent === null ? '$' : typeof here.step === 'number' ? `[${here.step}]` : `.${here.step}`,
    );
  let path = '';
  for (let at = steps.length - 1; at >= 0 && path.length <= longestPath; at -= 1) path += steps[at] ?? '';
  return path;
}

/** Masks a string or a number; other values hold nothing to mask. */
export function maskLeaf(
  parts: WalkParts,
  tape: JsonTape,
  node: number,
  place: Place,
  edits: LeafEdit[],
): void {
  const kind = kindOf(tape, node);
  if (kind === kinds.string || kind === kinds.escapedString) maskString(parts, tape, node, place, edits);
  else if (kind === kinds.number) maskNumber(parts, tape, node, place, edits);
}

function maskString(parts: WalkParts, tape: JsonTape, node: number, place: Place, edits: LeafEdit[]): void {
  // With its quotes: of a field that policy names, one character says something too.
  const shortest = place.field === null ? 4 : 3;
  if (place.field === 'keep' || endOf(tape, node) - startOf(tape, node) < shortest) return;
  const text = stringValue(tape, node) ?? '';
  const chosen = place.addressOnly ? parts.addresses : parts.text;
  const whole = { start: 0, end: text.length, confidence: 0.9 };
  if (place.field !== null) {
    if (!isOwnMark(parts, text))
      push(tape, node, [editOf(chosen, text, { ...whole, detector: 'field' }, place.field)], place, edits);
    return;
  }
  const verdict = place.verdict;
  if (
    verdict !== null &&
    !place.addressOnly &&
    parts.text.enabled(verdict.detector) &&
    isWholeValue(text, verdict)
  ) {
    push(
      tape,
      node,
      [editOf(chosen, text, { ...whole, start: schemeLength(text), detector: verdict.detector })],
      place,
      edits,
    );
    return;
  }
  const inner = place.addressOnly
    ? textEdits(chosen, text, place.key, place.depth)
    : searched(parts, text, place.key, place.depth);
  if (inner.length > 0) push(tape, node, inner, place, edits);
}

/** What masking has left itself; whatever else stands in a field that policy names is hidden, like what it may. */
function isOwnMark({ text: { keys } }: WalkParts, text: string): boolean {
  if (isMarker(text)) return true;
  const [token] = keys.tokens === undefined ? [] : tokenSpans(keys.tokens, text);
  return token?.start === 0 && token.end === text.length;
}

/** The edits of a text, which is not searched again where an earlier walk found nothing in it. */
function searched(parts: WalkParts, text: string, key: string, depth: number): LeafEdit[] {
  const turn = parts.plain.meet();
  if (parts.earlier?.has(turn, text, key, depth) === true) {
    const known: Span[] = [];
    parts.text.known?.(text, known);
    if (known.length === 0) return [];
  }
  const before = parts.text.unfolded.times;
  const inner = textEdits(parts.text, text, key, depth);
  if (inner.length === 0 && parts.text.unfolded.times === before) parts.plain.add(turn, text, key, depth);
  return inner;
}

function isWholeValue(text: string, verdict: NameVerdict): boolean {
  const start = schemeLength(text);
  if (start > 0) return !isPlaceholder(text.slice(start));
  // A text with structure of its own is looked into instead: names such as `auth` may hold a whole document.
  if (text.length > 40 && /^\s*[[{]/.test(text)) return false;
  if (text.length > 4_096 || text.startsWith('-----BEGIN')) return false;
  return isSensitiveValue(text, verdict, true);
}

function schemeLength(text: string): number {
  return (
    /^(?:(?:Bearer|Basic|Token|ApiKey|SSWS|GenieKey|Splunk|Negotiate|NTLM|OAuth)\s+(?=\S+$)|Digest\s+(?=\w+=))/i.exec(
      text,
    )?.[0].length ?? 0
  );
}

function maskNumber(parts: WalkParts, tape: JsonTape, node: number, place: Place, edits: LeafEdit[]): void {
  const raw = rawText(tape, node);
  if (place.field === 'keep' || (raw.length < 3 && place.field === null)) return;
  const verdict = place.verdict;
  const named =
    verdict !== null && parts.text.enabled(verdict.detector) && isSensitiveValue(raw, verdict, true)
      ? verdict.detector
      : null;
  const found =
    place.field === null && named === null && raw.length >= 7
      ? parts.text.find(raw, place.key)[0]
      : undefined;
  const detector = place.field !== null ? 'field' : (named ?? found?.detector ?? null);
  if (detector === null || (raw.length >= 10 && /^-?10+$/.test(raw))) return;
  const replaced = replaceNumber(raw);
  if (replaced === raw) return;
  edits.push({
    start: startOf(tape, node),
    end: endOf(tape, node),
    with: replaced,
    detector,
    operator: 'redact',
    confidence: 0.9,
    value: raw,
    path: pathOf(place),
  });
}

/** Markers that keys of one object have become; made when there is one. */
export interface TakenNames {
  taken: Set<string> | null;
}

/** Keys are text too. Two keys that would become the same marker are numbered, so that no object has a key twice. */
export function maskKey(
  parts: WalkParts,
  tape: JsonTape,
  node: number,
  key: string,
  names: TakenNames,
  place: Place,
  edits: LeafEdit[],
): string {
  if (key.length < 8 || (parts.text.known === null && parts.text.plainKeys.has(key))) return key;
  const inner = textEdits(parts.text, key, '', 4);
  if (inner.length === 0) {
    if (parts.text.plainKeys.size >= 4_096) parts.text.plainKeys.clear();
    if (parts.text.known === null && key.length < 100) parts.text.plainKeys.add(ownCopy(key));
    return key;
  }
  const found = inner.map((edit) => ({ ...edit, with: `[masked:${edit.detector}]` }));
  let shown = spliceString(JSON.stringify(key), found);
  const taken = (names.taken ??= new Set());
  for (let count = 2; taken.has(shown); count += 1)
    shown = spliceString(
      JSON.stringify(key),
      found.map((edit) => ({ ...edit, with: `[masked:${edit.detector} ${count}]` })),
    );
  taken.add(shown);
  edits.push({
    ...(found[0] as LeafEdit),
    start: startOf(tape, node),
    end: endOf(tape, node),
    with: shown,
    path: `${pathOf(place)}.${shown.slice(1, -1)}`,
  });
  return shown.slice(1, -1);
}

/** Turns edits of the decoded text into one edit of the raw string each, so that all else stays as written. */
function push(
  tape: JsonTape,
  node: number,
  inner: readonly LeafEdit[],
  place: Place,
  edits: LeafEdit[],
): void {
  const raw = rawText(tape, node);
  const end = endOf(tape, node);
  let start = startOf(tape, node);
  let spliced = spliceString(raw, inner);
  const path = pathOf(place);
  for (const edit of inner) {
    // The first edit carries the spliced string; the others only tell what was found.
    edits.push({
      start,
      end,
      with: spliced,
      detector: edit.detector,
      operator: edit.operator,
      confidence: edit.confidence,
      value: edit.value,
      path: edit.path === '' ? path : `${path}→${edit.path}`,
    });
    start = end;
    spliced = '';
  }
}

const textual =
  /^(?:text\/|application\/(?:[\w.+-]*json|[\w.+-]*xml|x-yaml|yaml|javascript|x-sh|sql|x-www-form-urlencoded|toml))/i;

/** Base64 content: text is masked inside, the rest is kept or dropped as the profile says. */
export function maskBlob(
  parts: WalkParts,
  tape: JsonTape,
  node: number,
  mimeType: string,
  place: Place,
  edits: LeafEdit[],
): void {
  const value = stringValue(tape, node);
  if (value === null) return maskLeaf(parts, tape, node, place, edits);
  if (textual.test(mimeType)) {
    const decoded = Buffer.from(value, 'base64').toString('utf8');
    const inner = textEdits(parts.text, decoded, '', place.depth + 1);
    if (inner.length === 0) return;
    const masked = Buffer.from(applyEdits(decoded, inner)).toString('base64');
    inner.forEach((edit, at) =>
      edits.push({
        ...edit,
        start: at === 0 ? startOf(tape, node) : endOf(tape, node),
        end: endOf(tape, node),
        with: at === 0 ? JSON.stringify(masked) : '',
        path: pathOf(place),
      }),
    );
    return;
  }
  if (!/^[A-Za-z0-9+/_=-]*$/.test(value)) return maskLeaf(parts, tape, node, place, edits);
  if (parts.text.profile.images === 'drop' && value.length > 0) {
    const note = Buffer.from(binaryNote(mimeType, value)).toString('base64');
    if (Buffer.from(value.slice(0, 16), 'base64').toString('latin1').startsWith('[dropped ')) return;
    edits.push({
      start: startOf(tape, node),
      end: endOf(tape, node),
      with: JSON.stringify(note),
      detector: 'binary',
      operator: 'drop',
      confidence: 1,
      value: '',
      path: pathOf(place),
    });
  }
}
