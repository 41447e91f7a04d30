import { createMachine, opcodes } from './machine.ts';
import type { LinearPattern, Program } from './machine.ts';
import { parsePattern, PatternError } from './parse.ts';
import type { Node } from './parse.ts';

const maxProgram = 6_000;

/**
 * Compiles a pattern, or says why it cannot be used.
 * @param group the capturing group whose span matches give; the whole match's where there is no such group
 */
export function compilePattern(
  source: string,
  group = 1,
): { ok: true; pattern: LinearPattern } | { ok: false; reason: string } {
  try {
    const { tree, groups } = parsePattern(source);
    const wanted = group <= groups ? group : 0;
    const program: Program = { op: [], x: [], y: [], sets: [], assertions: [] };
    emit(program, tree, wanted);
    add(program, opcodes.match, 0, 0);
    if (matchesEmpty(tree)) return { ok: false, reason: 'it matches the empty text' };
    return { ok: true, pattern: createMachine(program, wanted) };
  } catch (error) {
    if (error instanceof PatternError) return { ok: false, reason: error.message };
    throw error;
  }
}

function add(program: Program, op: number, x: number, y: number): number {
  if (program.op.length >= maxProgram) throw new PatternError('pattern is too large', 0);
  program.op.push(op);
  program.x.push(x);
  program.y.push(y);
  return program.op.length - 1;
}

function emit(program: Program, node: Node, group: number): void {
  switch (node.kind) {
    case 'set':
      add(program, opcodes.set, program.sets.push(node.set) - 1, 0);
      return;
    case 'assert':
      add(program, opcodes.assert, program.assertions.push(node.assertion) - 1, 0);
      return;
    case 'sequence':
      for (const item of node.items) emit(program, item, group);
      return;
    case 'group':
      if (node.index === group) add(program, opcodes.save, 1, 0);
      emit(program, node.item, group);
      if (node.index === group) add(program, opcodes.save, 2, 0);
      return;
    case 'choice':
      emitChoice(program, node.items, group);
      return;
    case 'repeat':
      emitRepeat(program, node, group);
  }
}

function emitChoice(program: Program, items: readonly Node[], group: number): void {
  const ends: number[] = [];
  items.forEach((item, at) => {
    if (at === items.length - 1) return emit(program, item, group);
    const split = add(program, opcodes.split, 0, 0);
    program.x[split] = program.op.length;
    emit(program, item, group);
    ends.push(add(program, opcodes.jump, 0, 0));
    program.y[split] = program.op.length;
  });
  for (const end of ends) program.x[end] = program.op.length;
}

function emitRepeat(program: Program, node: Extract<Node, { kind: 'repeat' }>, group: number): void {
  const branch = (split: number, inside: number, outside: number): void => {
    program.x[split] = node.lazy ? outside : inside;
    program.y[split] = node.lazy ? inside : outside;
  };
  for (let i = 0; i < node.min; i += 1) emit(program, node.item, group);
  if (node.max === Number.POSITIVE_INFINITY) {
    const split = add(program, opcodes.split, 0, 0);
    emit(program, node.item, group);
    add(program, opcodes.jump, split, 0);
    branch(split, split + 1, program.op.length);
    return;
  }
  const splits: number[] = [];
  for (let i = node.min; i < node.max; i += 1) {
    splits.push(add(program, opcodes.split, 0, 0));
    emit(program, node.item, group);
  }
  for (const split of splits) branch(split, split + 1, program.op.length);
}

function matchesEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'assert':
      break;
    case 'sequence':
      return node.items.every(matchesEmpty);
    case 'choice':
      return node.items.some(matchesEmpty);
    case 'group':
      return matchesEmpty(node.item);
    case 'repeat':
      return node.min === 0 || matchesEmpty(node.item);
  }
  return true;
}
