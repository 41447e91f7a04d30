import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a second in /proc (Linux has 100 on every architecture that Node runs on). */
const ticksPerSecond = 100;

/**
 * CPU time in ms that a process and all that it started have used so far, those that have ended included; 0 where there is
 * no /proc.
 */
export function cpuMsOf(pid: number): number {
  const children = childrenByParent();
  const sum = (of: number): number =>
    ownMs(of) + (children.get(of) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid);
}

function childrenByParent(): ReadonlyMap<number, number[]> {
  const found = new Map<number, number[]>();
  for (const entry of listed()) {
    const parent = Number(fieldsOf(entry)[1]);
    found.set(parent, [...(found.get(parent) ?? []), entry]);
  }
  return found;
}

function listed(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function ownMs(pid: number): number {
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
  const ticks = fieldsOf(pid).slice(11, 15).map(Number);
  return (ticks.reduce((total, one) => total + one, 0) * 1000) / ticksPerSecond;
}

/** The fields after the name, which may itself hold blanks and parentheses: the first is the state. */
function fieldsOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
