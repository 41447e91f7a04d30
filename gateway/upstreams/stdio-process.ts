import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { StdioConnectionSettings } from '../settings.ts';
import { createLineReader, LineTooLongError } from './line-reader.ts';

/** A running stdio server. */
export interface StdioProcess {
  /** Writes one message as a line. Resolves when the pipe has taken it. */
  write(json: string): Promise<void>;
  /** Ends it as MCP says: close stdin, wait, SIGTERM, wait, SIGKILL; the whole process group. Safe to repeat. */
  stop(): Promise<void>;
  /** Resolves when it is gone, with why. */
  readonly gone: Promise<string>;
}

export interface StdioProcessHandlers {
  /** One line of standard output. */
  readonly onLine: (line: Buffer) => void;
  /** A line of standard error, or a whole private key of several; not masked. */
  readonly onStderr: (text: string) => void;
}

const stdinGraceMs = 1000;
const termGraceMs = 2000;
const maxStderrLine = 4096;
/** Lines of the longest private key that anybody writes. */
const maxKeyLines = 200;
/** What a child inherits of the gateway's environment; never a `HOLDPOINT_…` setting or a secret. */
const inherited = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'TERM'];

/**
 * Starts the server's program, without a shell, in a process group of its own.
 * @throws Error when the program cannot be started
 */
export async function startStdioProcess(
  settings: StdioConnectionSettings,
  maxLineBytes: number,
  handlers: StdioProcessHandlers,
  log: Logger,
): Promise<StdioProcess> {
  const [program = '', ...args] = settings.command;
  const child = spawn(program, args, {
    cwd: settings.cwd ?? undefined,
    env: environment(settings.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Its own group, so that what it starts in turn (npx starts node) ends with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  let because = '';
  const gone = new Promise<string>((resolve) => {
    child.once('close', (code, signal) =>
      resolve(because || (signal ? `killed by ${signal}` : `exit code ${code}`)),
    );
    child.once('error', () => child.exitCode === null && child.pid === undefined && resolve('not started'));
  });
  await once(child, 'spawn');
  const pid = child.pid as number;
  const kill = (signal: NodeJS.Signals): void => killGroup(pid, signal);
  // A pipe whose reader is gone says EPIPE here; the end of the process is reported by `gone`.
  child.stdin.on('error', (error) => log.debug({ err: error }, 'the pipe to a stdio server broke'));

  const lines = createLineReader(maxLineBytes);
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      for (const line of lines(chunk)) handlers.onLine(line);
    } catch (error) {
      if (!(error instanceof LineTooLongError)) throw error;
      because = error.message;
      child.stdout.removeAllListeners('data');
      kill('SIGKILL');
    }
  });
  forwardStderr(child.stderr, handlers.onStderr);

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (await within(gone, stdinGraceMs)) return kill('SIGKILL');
    kill('SIGTERM');
    if (await within(gone, termGraceMs)) return kill('SIGKILL');
    kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
    await gone;
  };
  return {
    gone,
    stop: () => (stopping ??= stop()),
    write: async (json) => {
      if (!child.stdin.writable) return;
      // Line feeds outside strings are white space to JSON, and inside strings they are always escaped.
      const line = json.includes('\n') ? json.replaceAll('\n', ' ') : json;
      if (!child.stdin.write(`${line}\n`)) await Promise.race([once(child.stdin, 'drain'), gone]);
    },
  };
}

function environment(configured: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...configured };
}

/**
 * Hands on what a program says on standard error, line by line; a private key, which is secret only as a whole, in one
 * piece. A line that is too long is cut where a word ends: the half of a secret looks like none.
 */
function forwardStderr(stderr: NodeJS.ReadableStream, onText: (text: string) => void): void {
  let rest = '';
  let key: string[] | null = null;
  stderr.setEncoding('utf8');
  stderr.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxStderrLine + 1);
    for (const line of lines) {
      if (key === null && /-----BEGIN [A-Z ]*PRIVATE KEY/.test(line)) key = [];
      if (key === null) {
        const said = cutAtWord(line);
        if (said !== '') onText(said);
        continue;
      }
      key.push(line.slice(0, maxStderrLine));
      const ends = line.includes('-----END');
      if (!ends && key.length < maxKeyLines) continue;
      onText(ends ? key.join('\n') : '(a private key that does not end)');
      key = null;
    }
  });
}

function cutAtWord(line: string): string {
  if (line.length <= maxStderrLine) return line;
  return line.slice(0, line.slice(0, maxStderrLine).search(/\s\S*$/) + 1);
}

/** Signals a process group. That it is gone already is what was wanted. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function within(event: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const won = await Promise.race([event.then(() => true), late]);
  clearTimeout(timer);
  return won;
}
