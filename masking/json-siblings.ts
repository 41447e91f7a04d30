import type { NameVerdict } from './rules/name-verdict.ts';
import { after, endOf, kindOf, memberString, startOf, stringValue } from './json-tree.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';
import type { WalkParts } from './walk-leaf.ts';

/** What a member's name says about the members beside it; bits, since an object may have several. */
export const roles = { name: 1, value: 2, columns: 4, rows: 8, type: 16, keyType: 32 } as const;

const rolesByName = new Map<string, number>();
const listed: readonly (readonly [number, string])[] = [
  [roles.name, 'name key field header variable param parameter label property attribute env Name Key'],
  [roles.name, 'ParameterKey parameterKey OptionName optionName variableName headerName paramName'],
  [roles.value, 'value val content data default Value stringValue'],
  [roles.value, 'ParameterValue parameterValue optionValue variableValue'],
  [roles.columns, 'columns fields headers columnNames header'],
  [roles.rows, 'rows data values records results'],
  [roles.type, 'mimeType type'],
  [roles.keyType, 'kty'],
];
for (const [role, names] of listed) {
  for (const name of names.split(' ')) rolesByName.set(name, (rolesByName.get(name) ?? 0) | role);
}

/** First character and length of the names above, so that most keys need not be read. */
const shapes = new Uint8Array(128 * 32);
for (const name of rolesByName.keys()) shapes[name.charCodeAt(0) * 32 + name.length] = 1;

/** The roles of a name. */
export function roleOf(name: string): number {
  return rolesByName.get(name) ?? 0;
}

/** All roles that the members of an object have, so that most objects need no second look. */
export function rolesIn(tape: JsonTape, object: number): number {
  let found = 0;
  const end = after(tape, object);
  for (let key = object + 1; key < end; key = after(tape, key + 1)) {
    const length = endOf(tape, key) - startOf(tape, key) - 2;
    if (length > 14) continue;
    const first = tape.text.charCodeAt(startOf(tape, key) + 1);
    // A key with escapes is read whatever it begins with.
    if (first < 128 && kindOf(tape, key) === kinds.key && shapes[first * 32 + length] !== 1) continue;
    found |= roleOf(stringValue(tape, key) ?? '');
  }
  return found;
}

/** What `{ name: API_TOKEN, value: … }` says of its value. */
export function siblingVerdict(
  parts: WalkParts,
  tape: JsonTape,
  object: number,
  end: number,
): NameVerdict | null {
  if (end - object > 80) return null;
  for (let key = object + 1; key < end; key = after(tape, key + 1)) {
    const name = stringValue(tape, key) ?? '';
    if ((roleOf(name) & roles.name) === 0) continue;
    const value = stringValue(tape, key + 1);
    const verdict = value !== null && value.length <= 64 ? parts.text.judge(value) : null;
    if (verdict !== null) return verdict;
  }
  return null;
}

/** What `[name, value]` says of its value, as header lists are written. */
export function pairVerdict(
  parts: WalkParts,
  tape: JsonTape,
  array: number,
  end: number,
): NameVerdict | null {
  if (end - array !== 3) return null;
  const name = stringValue(tape, array + 1);
  return name !== null && name.length <= 64 && stringValue(tape, array + 2) !== null
    ? parts.text.judge(name)
    : null;
}

/** What the columns of `{ columns: […], rows: [[…]] }` say of their cells. */
export function columnVerdicts(
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

/** The media type of an object with `data` or `blob`, or null. */
export function blobType(tape: JsonTape, object: number, end: number): string | null {
  if (end - object > 60) return null;
  return memberString(tape, object, 'mimeType');
}
