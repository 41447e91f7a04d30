import type { Assertion } from './parse.ts';
import type { UnitSet } from './unit-set.ts';

/**
 * A pattern that runs in time linear in the text, whatever the pattern: all ways through it are followed at once
 * (Thompson 1968; Pike's variant for leftmost-first matches with one group), and no match is longer than
 * `longestMatch`, so that repeated searching stays linear too.
 */
export interface LinearPattern {
  /** Spans of the non-overlapping matches, or of their chosen group, from left to right. */
  matches(text: string): { start: number; end: number }[];
}

const longestMatch = 4_096;

export const opcodes = { set: 0, split: 1, jump: 2, save: 3, assert: 4, match: 5 } as const;

/** Instructions as columns. `x` is a set's, an assertion's, or a save's number, or where to go; `y` where else. */
export interface Program {
  readonly op: number[];
  readonly x: number[];
  readonly y: number[];
  readonly sets: UnitSet[];
  readonly assertions: Assertion[];
}

const isWordUnit = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);

function holds(assertion: Assertion | undefined, text: string, at: number): boolean {
  if (assertion === 'start') return at === 0;
  if (assertion === 'end') return at === text.length;
  if (assertion === 'lineStart') return at === 0 || text.charCodeAt(at - 1) === 10;
  if (assertion === 'lineEnd') return at === text.length || text.charCodeAt(at) === 10;
  const border = isWordUnit(text.charCodeAt(at - 1)) !== isWordUnit(text.charCodeAt(at));
  return border === (assertion === 'word');
}

function inSet(set: UnitSet | undefined, code: number): boolean {
  if (set === undefined) return false;
  if (code < 128) return set.ascii[code] === 1;
  return set.ranges.some(([low, high]) => code >= low && code <= high);
}

/** Threads of one step, in order of preference: program counter; match start, group start, group end. */
interface Threads {
  size: number;
  readonly pc: Int32Array;
  readonly saves: Int32Array;
}

/** @param group the group to report, 0 for the whole match */
export function createMachine(program: Program, group: number): LinearPattern {
  const size = program.op.length;
  const starts = firstUnits(program);
  const lists: readonly [Threads, Threads] = [newThreads(size), newThreads(size)];
  const seen = new Int32Array(size);
  const stack = new Int32Array(size * 6 + 16);
  let mark = 0;

  /** Follows everything that takes no character, in order of preference. Saves: match start, group start and end. */
  const follow = (
    list: Threads,
    text: string,
    at: number,
    entry: number,
    start: number,
    from: number,
    to: number,
  ): void => {
    stack[0] = entry;
    stack[1] = from;
    stack[2] = to;
    let top = 3;
    while (top > 0) {
      top -= 3;
      const pc = stack[top] ?? 0;
      if (seen[pc] === mark) continue;
      seen[pc] = mark;
      const op = program.op[pc];
      const x = program.x[pc] ?? 0;
      let target = pc + 1;
      if (op === opcodes.jump) target = x;
      else if (op === opcodes.split) {
        // The second way lies below: it is followed when all of the first has been.
        const a = stack[top + 1] ?? -1;
        const b = stack[top + 2] ?? -1;
        stack[top] = program.y[pc] ?? 0;
        top += 3;
        stack[top + 1] = a;
        stack[top + 2] = b;
        target = x;
      } else if (op === opcodes.save) stack[top + x] = at;
      else if (op === opcodes.assert) {
        if (!holds(program.assertions[x], text, at)) continue;
      } else {
        list.pc[list.size] = pc;
        list.saves[list.size * 3] = start;
        list.saves[list.size * 3 + 1] = stack[top + 1] ?? -1;
        list.saves[list.size * 3 + 2] = stack[top + 2] ?? -1;
        list.size += 1;
        continue;
      }
      stack[top] = target;
      top += 3;
    }
  };

  /** The leftmost match that begins at `from` or later, or null. `at` is where it ends as a whole. */
  const search = (text: string, from: number): { start: number; end: number; at: number } | null => {
    let [current, next] = lists;
    let best: { start: number; end: number; at: number } | null = null;
    current.size = 0;
    for (let at = from; at <= text.length; at += 1) {
      if (current.size === 0) {
        if (best !== null) return best;
        while (at < text.length && starts[Math.min(128, text.charCodeAt(at))] !== 1) at += 1;
        if (at >= text.length) return null;
        mark += 1;
      }
      if (best === null) follow(current, text, at, 0, at, -1, -1);
      mark += 1;
      next.size = 0;
      const code = text.charCodeAt(at);
      for (let i = 0; i < current.size; i += 1) {
        const pc = current.pc[i] ?? 0;
        const start = current.saves[i * 3] ?? 0;
        const groupStart = current.saves[i * 3 + 1] ?? -1;
        const groupEnd = current.saves[i * 3 + 2] ?? -1;
        if (program.op[pc] === opcodes.match) {
          const grouped = group > 0 && groupStart >= 0 && groupEnd > groupStart;
          best = grouped ? { start: groupStart, end: groupEnd, at } : { start, end: at, at };
          // Threads after this one are less preferred than the match.
          break;
        }
        if (at - start < longestMatch && inSet(program.sets[program.x[pc] ?? 0], code)) {
          follow(next, text, at + 1, pc + 1, start, groupStart, groupEnd);
        }
      }
      [current, next] = [next, current];
    }
    return best;
  };

  return {
    matches(text) {
      const out: { start: number; end: number }[] = [];
      mark = 0;
      seen.fill(-1);
      for (let best = search(text, 0); best !== null; best = search(text, best.at)) {
        out.push({ start: best.start, end: best.end });
      }
      return out;
    },
  };
}

function newThreads(size: number): Threads {
  return { size: 0, pc: new Int32Array(size), saves: new Int32Array(size * 3) };
}

/** Which units a match may begin with; cell 128 stands for all beyond ASCII. */
function firstUnits(program: Program): Uint8Array {
  const first = new Uint8Array(129);
  const visited = new Set<number>();
  const open = [0];
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (visited.has(pc)) continue;
    visited.add(pc);
    const op = program.op[pc];
    if (op === opcodes.split) open.push(program.x[pc] ?? 0, program.y[pc] ?? 0);
    else if (op === opcodes.jump) open.push(program.x[pc] ?? 0);
    else if (op === opcodes.set) {
      const set = program.sets[program.x[pc] ?? 0];
      set?.ascii.forEach((is, code) => {
        if (is === 1) first[code] = 1;
      });
      if (set !== undefined && set.ranges.length > 0) first[128] = 1;
    } else open.push(pc + 1);
  }
  return first;
}
