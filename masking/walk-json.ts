import { after, endOf, kindOf, memberString, startOf } from './json-tree.ts';
import {
  blobType,
  columnVerdicts,
  roleOf,
  roles,
  rolesIn,
  pairVerdict,
  siblingVerdict,
} from './json-siblings.ts';
import { keyMember, privateMembers } from './detect/json-web-key.ts';
import { keyName } from './key-names.ts';
import type { NameVerdict } from './rules/name-verdict.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';
import { treatmentOf } from './protocol.ts';
import type { LeafEdit } from './text-edits.ts';
import { maskBlob, maskKey, maskLeaf, pathOf } from './walk-leaf.ts';
import type { Place, TakenNames, WalkParts } from './walk-leaf.ts';

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
      parent: null,
      step: '$',
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
  else maskLeaf(parts, tape, node, place, edits);
}

function walkObject(parts: WalkParts, tape: JsonTape, object: number, given: Place, edits: LeafEdit[]): void {
  const end = after(tape, object);
  // `password: { type: string, description: … }` describes a field and holds no value.
  const describes = given.verdict !== null && schemaTypes.test(memberString(tape, object, 'type') ?? '');
  const place = describes ? { ...given, verdict: null, schema: true } : given;
  const has = rolesIn(tape, object);
  const named = (has & roles.name) !== 0 && (has & roles.value) !== 0;
  const sibling = named ? siblingVerdict(parts, tape, object, end) : null;
  const blob = (has & roles.type) === 0 ? null : blobType(tape, object, end);
  const columns = (has & roles.columns) === 0 ? null : columnVerdicts(parts, tape, object, end);
  const names: TakenNames = { taken: null };
  for (let keyNode = object + 1; keyNode < end; keyNode = after(tape, keyNode + 1)) {
    const key = keyName(parts.keys, tape, keyNode);
    const shown = maskKey(parts, tape, keyNode, key, names, place, edits);
    const value = keyNode + 1;
    if (holdsNothing(parts, tape, value, place, key)) continue;
    const child = childOf(parts, tape, value, place, key, shown);
    if (child === null) continue;
    if ((has & roles.keyType) !== 0 && privateMembers.has(key))
      walk(parts, tape, value, { ...child, verdict: keyMember }, edits);
    else if (sibling !== null && (roleOf(key) & roles.value) !== 0)
      walk(parts, tape, value, { ...child, verdict: sibling }, edits);
    else if (blob !== null && (key === 'data' || key === 'blob'))
      maskBlob(parts, tape, value, blob, child, edits);
    else if (columns !== null && (roleOf(key) & roles.rows) !== 0)
      walkRows(parts, tape, value, child, columns, edits);
    else walk(parts, tape, value, child, edits);
  }
}

/** Whether a value can hold nothing to mask: a literal, or a number of few digits that no name or field speaks of. */
function holdsNothing(parts: WalkParts, tape: JsonTape, value: number, place: Place, key: string): boolean {
  const kind = kindOf(tape, value);
  if (kind > kinds.number) return true;
  return (
    kind === kinds.number &&
    endOf(tape, value) - startOf(tape, value) < 7 &&
    place.verdict === null &&
    place.field === null &&
    !parts.fields.any &&
    parts.text.judge(key) === null
  );
}

const schemaTypes = /^(?:string|number|integer|boolean|object|array|null)$/;

/** `secret` and `secrets`: what is inside is judged by the outer name. */
const holdsSecrets = (key: string): boolean =>
  (key.length === 6 || key.length === 7) && /^secrets?$/i.test(key);

/** Hosts as names, inside a credential's name: `"github-oauth": { "github.com": … }`. */
const isHost = (key: string): boolean => key.includes('.') && /^[\w-]+(?:\.[\w-]+)+$/.test(key);

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
  const field = parts.fields.any
    ? (parts.fields.operatorFor(`${pathOf(place)}.${shown}`, key) ?? place.field)
    : place.field;
  return {
    key: schema && !given ? place.key : key,
    parent: place,
    step: shown,
    protocol: protocol !== null && protocol.length < 200 ? protocol : null,
    verdict:
      schema && !given
        ? container
          ? own
          : null
        : given
          ? passes
          : (own ??
            (place.verdict?.detector === 'password' ||
            holdsSecrets(place.key) ||
            (place.verdict !== null && isHost(key))
              ? place.verdict
              : null)),
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
    const field = parts.fields.any
      ? (parts.fields.operatorFor(`${pathOf(place)}[${index}]`, null) ?? place.field)
      : place.field;
    const verdict = pair !== null && index === 1 ? pair : place.verdict;
    if (protocol === null || kindOf(tape, node) < kinds.string || treatmentOf(protocol) !== 'keep') {
      walk(parts, tape, node, { ...place, parent: place, step: index, protocol, field, verdict }, edits);
    }
    index += 1;
  }
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
    const rowPlace = { ...place, parent: place, step: rowIndex, protocol: null };
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
        { ...rowPlace, parent: rowPlace, step: index, verdict: columns[index] ?? null },
        edits,
      );
    }
  }
}
