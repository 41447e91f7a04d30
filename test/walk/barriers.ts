import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import type { Pool } from '../../db/pool.ts';
import { until } from '../support/until.ts';
import type { Step } from './steps.ts';

/** Something held up. */
export interface Held {
  /** Resolves once it stands there. */
  readonly reached: Promise<void>;
  /** It goes on. */
  release(): Promise<void>;
  /** It never happened: whoever did it is dead. */
  drop(): Promise<void>;
}

const reachedWithinMs = 60_000;

/** Puts a trigger before the effect of each step that PostgreSQL sees. Nothing stops there until it is armed. */
export async function installStops(pool: Pool, steps: readonly Step[]): Promise<void> {
  await pool.query(`
    create table walk_armed (step text primary key);
    create function walk_stop() returns trigger language plpgsql as $$
    begin
      if exists (select from walk_armed where step = tg_argv[0]) then
        perform pg_advisory_xact_lock_shared(hashtext(tg_argv[0]));
      end if;
      return new;
    end $$`);
  for (const [index, { name, stop }] of steps.entries())
    if (stop?.at === 'PostgreSQL')
      await pool.query(
        `create trigger walk_${index} before ${stop.before} on ${stop.table} for each row
         when (${stop.when}) execute function walk_stop('${name}')`,
      );
}

/** Whoever comes to this step from now on waits there. */
export async function stopInPostgres(url: string, step: string): Promise<Held> {
  const client = new Client({ connectionString: url });
  // The server may be what is killed.
  let gone = false;
  client.on('error', () => {
    gone = true;
  });
  await client.connect();
  await client.query('select pg_advisory_lock(hashtext($1))', [step]);
  await client.query('insert into walk_armed values ($1)', [step]);
  const waiting = async (): Promise<number[]> => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_locks where locktype = 'advisory' and not granted
         and (classid::int8 << 32 | objid::int8) = hashtext($1)::int8`,
      [step],
    );
    return rows.map(({ pid }) => pid);
  };
  let opened = false;
  const open = async (): Promise<void> => {
    if (opened) return;
    opened = true;
    if (gone) return disarm(url, step);
    await client.query('delete from walk_armed where step = $1', [step]);
    await client.end();
  };
  const reached = (async () => {
    await until(`somebody at "${step}"`, async () => (await waiting()).length > 0, reachedWithinMs);
  })();
  // Whoever disarms it before anybody came waits for nobody.
  reached.catch(() => {});
  return {
    reached,
    release: open,
    drop: async () => {
      if (!gone)
        for (const pid of await waiting()) await client.query('select pg_terminate_backend($1)', [pid]);
      await open();
    },
  };
}

/** After the server was killed, its locks are gone and what was armed is still there. */
async function disarm(url: string, step: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('delete from walk_armed where step = $1', [step]);
  await client.end();
}

/** A proxy before an HTTP server, which can hold up a request before it arrives or its answer on the way back. */
export interface StoppingProxy extends AsyncDisposable {
  readonly origin: string;
  stop(matches: (path: string, body: string) => boolean, where: 'before' | 'after'): Held;
}

interface Armed {
  readonly matches: (path: string, body: string) => boolean;
  readonly where: 'before' | 'after';
  /** Resolves with whether it goes on. */
  readonly arrive: () => Promise<boolean>;
}

/** Starts a proxy to the server at this origin. */
export async function startStoppingProxy(target: string): Promise<StoppingProxy> {
  let armed: Armed | null = null;
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const stop = armed?.matches(request.url ?? '', body.toString()) ? armed : null;
    if (stop) armed = null;
    if (stop?.where === 'before' && !(await stop.arrive())) return void response.destroy();
    const { method, headers, url = '/' } = request;
    const onward = httpRequest(new URL(url, target), {
      method,
      headers: { ...headers, host: new URL(target).host },
    });
    response.on('close', () => onward.destroy());
    onward.end(body);
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    if (stop?.where === 'after') {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      if (!(await stop.arrive())) return void response.destroy();
      response.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts));
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop(matches, where) {
      const arrived = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<boolean>();
      const own: Armed = {
        matches,
        where,
        arrive: () => {
          arrived.resolve();
          return goOn.promise;
        },
      };
      armed = own;
      const open = async (on: boolean): Promise<void> => {
        if (armed === own) armed = null;
        goOn.resolve(on);
      };
      return { reached: arrived.promise, release: () => open(true), drop: () => open(false) };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
