import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';

/** A Temporal development server that this process started. */
export interface EmbeddedTemporal {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** Resolves when the server has exited. Safe to repeat. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * Starts `temporal server start-dev` with its UI, keeping state in one SQLite file.
 * @param options.uiPort null: without the UI
 * @throws Error with the server's own last words when it does not come up
 */
export async function startTemporal(options: {
  binary: string;
  port: number;
  uiPort: number | null;
  namespace: string;
  /** Where the user interface has payloads decoded. */
  codecEndpoint?: string;
  /** Null keeps everything in memory. */
  dbFile: string | null;
  /** Keyword search attributes to have from the start. */
  searchAttributes?: readonly string[];
  onLog?: (line: string) => void;
}): Promise<EmbeddedTemporal> {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)];
  args.push('--namespace', options.namespace, '--log-level', 'error', '--log-format', 'json');
  if (options.uiPort === null) args.push('--headless');
  else args.push('--ui-port', String(options.uiPort));
  if (options.codecEndpoint) args.push('--ui-codec-endpoint', options.codecEndpoint);
  if (options.dbFile) args.push('--db-filename', options.dbFile);
  for (const name of options.searchAttributes ?? []) args.push('--search-attribute', `${name}=Keyword`);
  // Its own process group, so that Ctrl-C in the terminal does not stop it before its users have stopped.
  const child = spawn(options.binary, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const take = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-4000);
    options.onLog?.(chunk.toString().trimEnd());
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  let gone = false;
  const exited = new Promise<void>((done) => {
    child.once('error', (error) => {
      text += error.message;
      gone = true;
      done();
    });
    child.once('exit', () => {
      gone = true;
      done();
    });
  });
  await untilListening(options.port, () => gone).catch((error: Error) => {
    child.kill('SIGKILL');
    throw new Error(`the Temporal server did not start: ${error.message} ${text.trim().slice(-1500)}`);
  });
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (!gone) child.kill(name);
    await exited;
  };
  return {
    address: `127.0.0.1:${options.port}`,
    uiUrl: options.uiPort === null ? null : `http://127.0.0.1:${options.uiPort}`,
    pid: child.pid as number,
    stop: () => signal('SIGTERM'),
    kill: () => signal('SIGKILL'),
  };
}

async function untilListening(port: number, gone: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (gone()) throw new Error('it exited.');
    // Something else may sit on the port while the server is about to give up on it.
    if ((await listening(port)) && (await answers(port)) && !gone()) return;
    await sleep(50);
  }
  throw new Error('it did not answer within 30 s.');
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 2000 });
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

async function listening(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
