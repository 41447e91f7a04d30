import type { Operator } from './config.ts';
import type { NameVerdict } from './detect/field-names.ts';
import { isPlaceholder, isSensitiveValue } from './detect/values.ts';
import type { FieldRules } from './field-rules.ts';
import { after, endOf, kindOf, memberString, rawText, startOf, stringValue } from './json-tree.ts';
import { replaceNumber } from './replace.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';
import { treatmentOf } from './protocol.ts';
import { spliceString } from './splice-string.ts';
import { binaryNote, editOf, textEdits } from './text-edits.ts';
import type { LeafEdit, TextParts } from './text-edits.ts';

/** What the walk needs: the text's parts, the profile's own fields, and the same parts for addresses only. */
export interface WalkParts {
  readonly text: TextParts;
  /** For places that the protocol works with: secrets alone are hidden there. */
  readonly addresses: TextParts;
  readonly fields: FieldRules;
}

/** Where the walk is. A child place is a new value. */
interface Place {
  /** Name of the nearest member; names elements of its list too. */
  readonly key: string;
  /** Path for findings: `$.params.arguments.user`. */
  readonly path: string;
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

/**
 * Walks scanned JSON and returns the edits of its text, in order.
 * @param protocol whether the text is a JSON-RPC message, of which the protocol needs some members as they are
 */
export function jsonEdits(
  parts: WalkParts,
  tape: JsonTape,
  protocol: boolean,
  key: string,
  depth: number,
): LeafEdit[] {
  const edits: LeafEdit[] = [];
  const verdict = key === '' ? null : parts.text.judge(key);
  const batch = protocol && kindOf(tape, 0) === kinds.array;
  walk(
    parts,
    tape,
    0,
    {
      key,
      path: '$',
      protocol: protocol ? (batch ? '*' : '') : null,
      verdict,
      field: null,
      schema: false,
      addressOnly: false,
      depth,
    },
    edits,
  );
  return edits;
}

function walk(parts: WalkParts, tape: JsonTape, node: number, place: Place, edits: LeafEdit[]): void {
  const kind = kindOf(tape, node);
  if (kind === kinds.object) walkObject(parts, tape, node, place, edits);
  else if (kind === kinds.array) walkArray(parts, tape, node, place, edits);
  else if (kind === kinds.string || kind === kinds.escapedString) maskString(parts, tape, node, place, edits);
  else if (kind === kinds.number) maskNumber(parts, tape, node, place, edits);
}

function walkObject(parts: WalkParts, tape: JsonTape, object: number, given: Place, edits: LeafEdit[]): void {
  const end = after(tape, object);
  // `password: { type: string, description: … }` describes a field and holds no value.
  const describes = given.verdict !== null && schemaTypes.test(memberString(tape, object, 'type') ?? '');
  const place = describes ? { ...given, verdict: null, schema: true } : given;
  const sibling = siblingVerdict(parts, tape, object, end);
  const blob = blobType(tape, object, end);
  const columns = columnVerdicts(parts, tape, object, end);
  const names = new Set<string>();
  for (let keyNode = object + 1; keyNode < end; keyNode = after(tape, keyNode + 1)) {
    const key = stringValue(tape, keyNode) ?? '';
    const shown = maskKey(parts, tape, keyNode, key, names, place, edits);
    const value = keyNode + 1;
    const child = childOf(parts, tape, value, place, key, shown);
    if (child === null) continue;
    if (sibling !== null && isValueName(key)) walk(parts, tape, value, { ...child, verdict: sibling }, edits);
    else if (blob !== null && (key === 'data' || key === 'blob'))
      maskBlob(parts, tape, value, blob, child, edits);
    else if (columns !== null && isRowsName(key)) walkRows(parts, tape, value, child, columns, edits);
    else walk(parts, tape, value, child, edits);
  }
}

const schemaTypes = /^(?:string|number|integer|boolean|object|array|null)$/;

/** The place of a member's value, or null where the protocol needs it as it is. */
function childOf(
  parts: WalkParts,
  tape: JsonTape,
  value: number,
  place: Place,
  key: string,
  shown: string,
): Place | null {
  const protocol =
    place.protocol === null
      ? null
      : place.protocol === '' || place.protocol === '*'
        ? key
        : `${place.protocol}/${key}`;
  const treatment = protocol === null ? 'mask' : treatmentOf(protocol);
  const kind = kindOf(tape, value);
  if (treatment === 'keep' && kind !== kinds.object && kind !== kinds.array) return null;
  const schema = place.schema || treatment === 'schema';
  const container = kind === kinds.object || kind === kinds.array;
  const given = schema && /^(?:default|const|examples?|enum)$/.test(key);
  const own = parts.text.judge(key);
  const inherited = container || given || place.schema ? place.verdict : null;
  // Of a container's name only passwords and secrets pass on to what is inside.
  const passes = inherited !== null && (inherited.detector === 'password' || given) ? inherited : null;
  const path = place.path.length > 400 ? place.path : `${place.path}.${shown}`;
  const field =
    parts.fields.operatorFor(path, key) ??
    (place.field !== null && place.field !== 'keep' ? place.field : place.field);
  return {
    key: schema && !given ? place.key : key,
    path,
    protocol: protocol !== null && protocol.length < 200 ? protocol : null,
    verdict:
      schema && !given
        ? container
          ? own
          : null
        : given
          ? passes
          : (own ?? (place.verdict?.detector === 'password' ? place.verdict : null)),
    field,
    schema,
    addressOnly: treatment === 'address',
    depth: place.depth,
  };
}

function walkArray(parts: WalkParts, tape: JsonTape, array: number, place: Place, edits: LeafEdit[]): void {
  const end = after(tape, array);
  const pair = pairVerdict(parts, tape, array, end);
  const protocol = place.protocol === null ? null : place.protocol === '*' ? '' : `${place.protocol}/*`;
  let index = 0;
  for (let node = array + 1; node < end; node = after(tape, node)) {
    const path = place.path.length > 400 ? place.path : `${place.path}[${index}]`;
    const field = parts.fields.operatorFor(path, null) ?? place.field;
    const verdict = pair !== null && index === 1 ? pair : place.verdict;
    if (protocol === null || kindOf(tape, node) < kinds.string || treatmentOf(protocol) !== 'keep') {
      walk(parts, tape, node, { ...place, path, protocol, field, verdict }, edits);
    }
    index += 1;
  }
}

function maskString(parts: WalkParts, tape: JsonTape, node: number, place: Place, edits: LeafEdit[]): void {
  if (place.field === 'keep' || endOf(tape, node) - startOf(tape, node) < 4) return;
  const text = stringValue(tape, node) ?? '';
  const chosen = place.addressOnly ? parts.addresses : parts.text;
  const whole = { start: 0, end: text.length, confidence: 0.9 };
  if (place.field !== null) {
    if (!isPlaceholder(text))
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
  const inner = textEdits(chosen, text, place.key, place.depth);
  if (inner.length > 0) push(tape, node, inner, place, edits);
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
  return /^(?:Bearer|Basic|Token|Digest|ApiKey)\s+(?=\S+$)/i.exec(text)?.[0].length ?? 0;
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
    path: place.path,
  });
}

/** Keys are text too. Two keys that would become the same marker are numbered, so that no object has a key twice. */
function maskKey(
  parts: WalkParts,
  tape: JsonTape,
  node: number,
  key: string,
  names: Set<string>,
  place: Place,
  edits: LeafEdit[],
): string {
  if (key.length < 8 || place.schema) return key;
  const inner = textEdits(parts.text, key, '', 4);
  if (inner.length === 0) return key;
  const found = inner.map((edit) => ({ ...edit, with: `[masked:${edit.detector}]` }));
  let shown = spliceString(JSON.stringify(key), found);
  for (let count = 2; names.has(shown); count += 1)
    shown = spliceString(
      JSON.stringify(key),
      found.map((edit) => ({ ...edit, with: `[masked:${edit.detector} ${count}]` })),
    );
  names.add(shown);
  edits.push({
    ...(found[0] as LeafEdit),
    start: startOf(tape, node),
    end: endOf(tape, node),
    with: shown,
    path: `${place.path}.${shown.slice(1, -1)}`,
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
  const spliced = spliceString(raw, inner);
  inner.forEach((edit, at) => {
    const start = at === 0 ? startOf(tape, node) : endOf(tape, node);
    // The first edit carries the spliced string; the others only tell what was found.
    edits.push({
      ...edit,
      start,
      end: endOf(tape, node),
      with: at === 0 ? spliced : '',
      path: edit.path === '' ? place.path : `${place.path}→${edit.path}`,
    });
  });
}

function siblingVerdict(parts: WalkParts, tape: JsonTape, object: number, end: number): NameVerdict | null {
  if (end - object > 80) return null;
  for (let key = object + 1; key < end; key = after(tape, key + 1)) {
    const name = stringValue(tape, key) ?? '';
    if (
      !/^(?:name|key|field|header|variable|param|parameter|label|property|attribute|env|Name|Key)$/.test(name)
    )
      continue;
    const value = stringValue(tape, key + 1);
    const verdict = value !== null && value.length <= 64 ? parts.text.judge(value) : null;
    if (verdict !== null) return verdict;
  }
  return null;
}

const isValueName = (key: string): boolean =>
  /^(?:value|val|content|data|default|Value|stringValue)$/.test(key);
const isRowsName = (key: string): boolean => /^(?:rows|data|values|records|results)$/.test(key);

function pairVerdict(parts: WalkParts, tape: JsonTape, array: number, end: number): NameVerdict | null {
  if (end - array !== 3) return null;
  const name = stringValue(tape, array + 1);
  return name !== null && name.length <= 64 && stringValue(tape, array + 2) !== null
    ? parts.text.judge(name)
    : null;
}

function columnVerdicts(
  parts: WalkParts,
  tape: JsonTape,
  object: number,
  end: number,
): (NameVerdict | null)[] | null {
  for (let key = object + 1; key < end; key = after(tape, key + 1)) {
    if (
      !/^(?:columns|fields|headers|columnNames|header)$/.test(stringValue(tape, key) ?? '') ||
      kindOf(tape, key + 1) !== kinds.array
    )
      continue;
    const verdicts: (NameVerdict | null)[] = [];
    for (let node = key + 2; node < after(tape, key + 1); node = after(tape, node)) {
      const name = stringValue(tape, node) ?? memberString(tape, node, 'name') ?? '';
      verdicts.push(parts.text.judge(name));
    }
    return verdicts.some((verdict) => verdict !== null) ? verdicts : null;
  }
  return null;
}

function walkRows(
  parts: WalkParts,
  tape: JsonTape,
  rows: number,
  place: Place,
  columns: readonly (NameVerdict | null)[],
  edits: LeafEdit[],
): void {
  if (kindOf(tape, rows) !== kinds.array) return walk(parts, tape, rows, place, edits);
  let rowIndex = 0;
  for (let row = rows + 1; row < after(tape, rows); row = after(tape, row), rowIndex += 1) {
    const rowPlace = { ...place, path: `${place.path}[${rowIndex}]`, protocol: null };
    if (kindOf(tape, row) !== kinds.array) {
      walk(parts, tape, row, rowPlace, edits);
      continue;
    }
    let index = 0;
    for (let cell = row + 1; cell < after(tape, row); cell = after(tape, cell), index += 1) {
      walk(
        parts,
        tape,
        cell,
        { ...rowPlace, path: `${rowPlace.path}[${index}]`, verdict: columns[index] ?? null },
        edits,
      );
    }
  }
}

/** The media type of an object with `data` or `blob`, or null. */
function blobType(tape: JsonTape, object: number, end: number): string | null {
  if (end - object > 60) return null;
  return memberString(tape, object, 'mimeType');
}

const textual =
  /^(?:text\/|application\/(?:[\w.+-]*json|[\w.+-]*xml|x-yaml|yaml|javascript|x-sh|sql|x-www-form-urlencoded|toml))/i;

function maskBlob(
  parts: WalkParts,
  tape: JsonTape,
  node: number,
  mimeType: string,
  place: Place,
  edits: LeafEdit[],
): void {
  const value = stringValue(tape, node);
  if (value === null) return walk(parts, tape, node, place, edits);
  if (textual.test(mimeType)) {
    const decoded = Buffer.from(value, 'base64').toString('utf8');
    const inner = textEdits(parts.text, decoded, '', place.depth + 1);
    if (inner.length === 0) return;
    const masked = Buffer.from(spliceText(decoded, inner)).toString('base64');
    inner.forEach((edit, at) =>
      edits.push({
        ...edit,
        start: at === 0 ? startOf(tape, node) : endOf(tape, node),
        end: endOf(tape, node),
        with: at === 0 ? JSON.stringify(masked) : '',
        path: place.path,
      }),
    );
    return;
  }
  if (!/^[A-Za-z0-9+/_=-]*$/.test(value)) return walk(parts, tape, node, place, edits);
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
      path: place.path,
    });
  }
}

function spliceText(text: string, edits: readonly LeafEdit[]): string {
  let out = '';
  let at = 0;
  for (const edit of edits) {
    out += text.slice(at, edit.start) + edit.with;
    at = edit.end;
  }
  return out + text.slice(at);
}
