import { parseJson } from '../mcp/parse-json.ts';
import type { Change, Changes } from '../../db/held-context.ts';

/** Beyond this, arguments are not compared value by value. */
const comparedAtMost = 100_000;
const listedAtMost = 12;
const shownAtMost = 300;

/**
 * What differs between two arguments, value by value. Both are masked JSON text and may come from anyone: text that
 * is no JSON, or is long, is compared as a whole.
 */
export function changesBetween(before: string, after: string): Changes {
  if (before === after) return { list: [], more: 0 };
  const whole = { list: [{ path: '', before: short(before), after: short(after) }], more: 0 };
  if (before.length > comparedAtMost || after.length > comparedAtMost) return whole;
  const found: Change[] = [];
  try {
    compare(parseJson(before), parseJson(after), '', found);
  } catch {
    return whole;
  }
  return { list: found.slice(0, listedAtMost), more: Math.max(0, found.length - listedAtMost) };
}

function compare(before: unknown, after: unknown, path: string, found: Change[]): void {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    for (const key of keys)
      compare(own(before, key), own(after, key), childPath(path, key, Array.isArray(after)), found);
    return;
  }
  const [one, other] = [textOf(before), textOf(after)];
  if (one !== other) found.push({ path, before: one && short(one), after: other && short(other) });
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function childPath(path: string, key: string, isArray: boolean): string {
  if (isArray) return `${path}[${key}]`;
  const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? name : `${path}.${name}`;
}

/** Null stands for absent; JSON's own null is the text `null`. */
function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function short(text: string): string {
  if (text.length <= shownAtMost) return text;
  const head = text.slice(0, shownAtMost).replace(/[\ud800-\udbff]$/, '');
  return `${head}… (+${text.length - head.length} more characters)`;
}
