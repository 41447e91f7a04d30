import type { NameVerdict } from './rules/name-verdict.ts';
import { after, kindOf, memberString, stringValue } from './json-tree.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';
import type { WalkParts } from './walk-leaf.ts';

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

/** Names of members that hold a named value. */
export const isValueName = (key: string): boolean =>
  /^(?:value|val|content|data|default|Value|stringValue)$/.test(key);
/** Names of members that hold rows under columns. */
export const isRowsName = (key: string): boolean => /^(?:rows|data|values|records|results)$/.test(key);

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
