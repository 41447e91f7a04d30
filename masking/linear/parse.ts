import { complement, escapeRanges, posix, setOf } from './unit-set.ts';
import type { Range, UnitSet } from './unit-set.ts';

/**
 * Parses regular expressions of the common dialect (RE2 without Unicode classes) into a tree. What cannot run in
 * linear time, lookaround and backreferences, is refused with its reason.
 */

export type Assertion = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';

export type Node =
  | { readonly kind: 'set'; readonly set: UnitSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly items: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly item: Node;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | { readonly kind: 'group'; readonly item: Node; readonly index: number };

/** Why a pattern was refused. */
export class PatternError extends Error {
  constructor(reason: string, at: number) {
    super(`${reason} (at character ${at + 1})`);
    this.name = 'PatternError';
  }
}

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

interface State {
  readonly source: string;
  at: number;
  groups: number;
  depth: number;
}

const maxRepeat = 1_000;
const maxNesting = 100;
/**
 * @returns the tree, and how many capturing groups it has
 * @throws PatternError
 */
export function parsePattern(source: string): { tree: Node; groups: number } {
  const state: State = { source, at: 0, groups: 0, depth: 0 };
  const tree = parseChoice(state, { fold: false, multiline: false, dotAll: false });
  if (state.at < source.length) throw new PatternError('unmatched )', state.at);
  return { tree, groups: state.groups };
}

function parseChoice(state: State, outer: Flags): Node {
  state.depth += 1;
  if (state.depth > maxNesting) throw new PatternError('nested too deep', state.at);
  const choices: Node[] = [];
  let items: Node[] = [];
  let flags = outer;
  while (state.at < state.source.length && state.source[state.at] !== ')') {
    if (state.source[state.at] === '|') {
      state.at += 1;
      choices.push({ kind: 'sequence', items });
      items = [];
      continue;
    }
    const inline = /^\(\?([imsU]*)(?:-([imsU]+))?\)/.exec(state.source.slice(state.at, state.at + 12));
    if (inline !== null) {
      flags = withFlags(flags, inline[1] ?? '', inline[2] ?? '');
      state.at += inline[0].length;
      continue;
    }
    items.push(parseRepeat(state, flags));
  }
  state.depth -= 1;
  choices.push({ kind: 'sequence', items });
  return choices.length === 1 ? (choices[0] as Node) : { kind: 'choice', items: choices };
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const is = (letter: string, before: boolean): boolean =>
    on.includes(letter) ? true : off.includes(letter) ? false : before;
  return { fold: is('i', flags.fold), multiline: is('m', flags.multiline), dotAll: is('s', flags.dotAll) };
}

function parseRepeat(state: State, flags: Flags): Node {
  let item = parseAtom(state, flags);
  for (;;) {
    const rest = state.source.slice(state.at, state.at + 16);
    const counted = /^\{(\d{1,5})(?:(,)(\d{1,5})?)?\}/.exec(rest);
    const sign = rest[0];
    let min: number;
    let max: number;
    if (counted !== null) {
      min = Number(counted[1]);
      max =
        counted[2] === undefined
          ? min
          : counted[3] === undefined
            ? Number.POSITIVE_INFINITY
            : Number(counted[3]);
      if (max < min || min > maxRepeat || (max > maxRepeat && max !== Number.POSITIVE_INFINITY))
        throw new PatternError(`repeat counts go up to ${maxRepeat}`, state.at);
      state.at += counted[0].length;
    } else if (sign === '*' || sign === '+' || sign === '?') {
      min = sign === '+' ? 1 : 0;
      max = sign === '?' ? 1 : Number.POSITIVE_INFINITY;
      state.at += 1;
    } else return item;
    const lazy = state.source[state.at] === '?';
    if (lazy) state.at += 1;
    else if (state.source[state.at] === '+')
      throw new PatternError('possessive repeats are not supported', state.at);
    item = { kind: 'repeat', item, min, max, lazy };
  }
}

function parseAtom(state: State, flags: Flags): Node {
  const char = state.source.charAt(state.at);
  state.at += 1;
  switch (char) {
    case '(':
      return parseGroup(state, flags);
    case '[':
      return { kind: 'set', set: parseClass(state, flags) };
    case '.':
      return {
        kind: 'set',
        set: setOf(
          flags.dotAll
            ? [[0, 0xffff]]
            : [
                [0, 9],
                [11, 0xffff],
              ],
          false,
          false,
        ),
      };
    case '^':
      return { kind: 'assert', assertion: flags.multiline ? 'lineStart' : 'start' };
    case '$':
      return { kind: 'assert', assertion: flags.multiline ? 'lineEnd' : 'end' };
    case '\\':
      return parseEscape(state, flags);
    case '*':
    case '+':
    case '?':
      throw new PatternError(`nothing to repeat before ${char}`, state.at - 1);
    default: {
      const code = char.charCodeAt(0);
      return { kind: 'set', set: setOf([[code, code]], flags.fold, false) };
    }
  }
}

function parseGroup(state: State, outer: Flags): Node {
  let flags = outer;
  let index = 0;
  const opened = state.at - 1;
  if (state.source[state.at] === '?') {
    const rest = state.source.slice(state.at, state.at + 60);
    const plain = /^\?([ims]*)(?:-([ims]+))?:/.exec(rest);
    const named = /^\?P?<[A-Za-z_]\w*>/.exec(rest);
    if (/^\?<?[=!]/.test(rest)) throw new PatternError('lookaround cannot be matched in linear time', opened);
    if (plain === null && named === null) throw new PatternError('unknown kind of group', opened);
    if (plain !== null) flags = withFlags(flags, plain[1] ?? '', plain[2] ?? '');
    state.at += (plain ?? named)?.[0].length ?? 0;
    if (named !== null) index = ++state.groups;
  } else index = ++state.groups;
  const item = parseChoice(state, flags);
  if (state.source[state.at] !== ')') throw new PatternError('group is not closed', opened);
  state.at += 1;
  return index === 0 ? item : { kind: 'group', item, index };
}

const assertions: Readonly<Record<string, Assertion>> = {
  b: 'word',
  B: 'notWord',
  A: 'start',
  z: 'end',
  Z: 'end',
};

function parseEscape(state: State, flags: Flags): Node {
  const char = state.source.charAt(state.at);
  const ranges = escapeRanges[char];
  if (ranges !== undefined) {
    state.at += 1;
    return { kind: 'set', set: setOf(ranges[0], false, ranges[1]) };
  }
  const assertion = assertions[char];
  if (assertion !== undefined) {
    state.at += 1;
    return { kind: 'assert', assertion };
  }
  if (/[1-9]/.test(char))
    throw new PatternError('backreferences cannot be matched in linear time', state.at - 1);
  if (char === 'p' || char === 'P' || char === 'k')
    throw new PatternError(`\\${char} is not supported`, state.at - 1);
  const code = literalEscape(state);
  return { kind: 'set', set: setOf([[code, code]], flags.fold, false) };
}

/** Reads one escaped character and moves past it. */
function literalEscape(state: State): number {
  const rest = state.source.slice(state.at, state.at + 10);
  const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|x\{([0-9a-fA-F]{1,4})\})/.exec(rest);
  if (hex !== null) {
    state.at += hex[0].length;
    return Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '0', 16);
  }
  if (rest === '') throw new PatternError('pattern ends with a backslash', state.at);
  state.at += 1;
  const control: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7, '0': 0 };
  const known = control[rest.charAt(0)];
  if (known === undefined && /[A-Za-z]/.test(rest.charAt(0)))
    throw new PatternError(`\\${rest.charAt(0)} is not supported`, state.at - 2);
  return known ?? rest.charCodeAt(0);
}

function parseClass(state: State, flags: Flags): UnitSet {
  const opened = state.at - 1;
  const negated = state.source[state.at] === '^';
  if (negated) state.at += 1;
  const ranges: Range[] = [];
  for (let first = true; ; first = false) {
    const char = state.source.charAt(state.at);
    if (char === '') throw new PatternError('class is not closed', opened);
    if (char === ']' && !first) {
      state.at += 1;
      return setOf(ranges, flags.fold, negated);
    }
    const named = /^\[:(\^?)([a-z]+):\]/.exec(state.source.slice(state.at, state.at + 12));
    if (named !== null) {
      const known = posix[named[2] ?? ''];
      if (known === undefined) throw new PatternError(`unknown class ${named[0]}`, state.at);
      ranges.push(...(named[1] === '^' ? complement(known) : known));
      state.at += named[0].length;
      continue;
    }
    const escaped = char === '\\' ? escapeRanges[state.source.charAt(state.at + 1)] : undefined;
    if (escaped !== undefined) {
      ranges.push(...(escaped[1] ? complement(escaped[0]) : escaped[0]));
      state.at += 2;
      continue;
    }
    const low = classUnit(state);
    if (
      state.source[state.at] === '-' &&
      state.source[state.at + 1] !== ']' &&
      state.at + 1 < state.source.length &&
      escapeRanges[state.source.charAt(state.at + 2)] === undefined
    ) {
      state.at += 1;
      const high = classUnit(state);
      if (high < low) throw new PatternError('range in class is out of order', state.at);
      ranges.push([low, high]);
    } else ranges.push([low, low]);
  }
}

function classUnit(state: State): number {
  if (state.source[state.at] === '\\') {
    state.at += 1;
    if (state.source[state.at] === 'b') {
      state.at += 1;
      return 8;
    }
    return literalEscape(state);
  }
  state.at += 1;
  return state.source.charCodeAt(state.at - 1);
}
