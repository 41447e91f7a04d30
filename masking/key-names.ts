import { endOf, kindOf, startOf, stringValue } from './json-tree.ts';
import { ownCopy } from './own-copy.ts';
import { kinds } from './scan.ts';
import type { JsonTape } from './scan.ts';

/** Keys as they were read last, by their length and ends: keys repeat, and one string for all saves making and hashing. */
export interface KeyNames {
  readonly names: (string | undefined)[];
}

const keySlots = 512;

/** Makes an empty memory for {@link keyName}. */
export function createKeyNames(): KeyNames {
  return { names: Array.from<string | undefined>({ length: keySlots }).fill(undefined) };
}

/** The decoded name at a key node; the same string for the same name where it is read often. */
export function keyName(known: KeyNames, tape: JsonTape, node: number): string {
  if (kindOf(tape, node) !== kinds.key) return stringValue(tape, node) ?? '';
  const start = startOf(tape, node) + 1;
  const length = endOf(tape, node) - 1 - start;
  if (length === 0) return '';
  const slot =
    (length * 31 + tape.text.charCodeAt(start) * 7 + tape.text.charCodeAt(start + length - 1)) &
    (keySlots - 1);
  const before = known.names[slot];
  if (before !== undefined && before.length === length && tape.text.startsWith(before, start)) return before;
  const name = tape.text.slice(start, start + length);
  if (length > 64) return name;
  const copy = ownCopy(name);
  known.names[slot] = copy;
  return copy;
}
