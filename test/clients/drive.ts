import { spawn } from 'node:child_process';
import type { Happening, Plan } from './drivers/plan.ts';
import type { ClientRow } from './installs.ts';

/** A client program that runs: what happened to it so far, and its end. */
export interface Driven {
  readonly happenings: readonly Happening[];
  readonly ended: Promise<readonly Happening[]>;
}

const defaults: Plan = {
  url: '',
  call: null,
  timeoutMs: null,
  progress: false,
  cancelAfterMs: null,
  repeats: 0,
};

/** Starts a client. One that prints nothing and does not end within `limitMs` is stopped, and an error is noted. */
export function drive(row: ClientRow, plan: Partial<Plan> & { url: string }, limitMs = 240_000): Driven {
  const [program = '', ...before] = row.program;
  const child = spawn(program, [...before, JSON.stringify({ ...defaults, ...plan }), ...row.after], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const happenings: Happening[] = [];
  let rest = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) happenings.push(JSON.parse(line) as Happening);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err = (err + chunk).slice(-2000);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const ended = new Promise<readonly Happening[]>((done) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code !== 0) happenings.push({ event: 'error', message: `ended with ${code}: ${err.trim()}` });
      done(happenings);
    });
  });
  return { happenings, ended };
}
