import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { InFlight, Revocation } from './revocations.ts';
import { revocationColumns } from './revocations.ts';
import type { Queryable } from './pool.ts';

/** Channel on which the database tells that something was revoked or lifted (migration 0095). */
const channel = 'holdpoint_revocations';

/** What a watcher tells, in this order and each at once. */
export interface RevocationListener {
  /** What is in force has changed. Told before the state is confirmed. */
  changed(inForce: readonly Revocation[], version: string): void;
  /** What is in force was what was last told when this question was asked, in `performance.now()` time. */
  confirmed(askedAtMs: number): void;
  /** The database cannot be asked; it is tried again by itself. */
  lost(error: Error): void;
}

export interface RevocationWatch {
  /** Asks at once rather than at the next turn. */
  ask(): void;
  close(): Promise<void>;
}

/** Longest that one question may take before the connection counts as broken. */
const answerMs = 1_000;
const longestPauseMs = 1_000;

/**
 * Asks the database again and again, on a connection of its own, what is revoked; a notification makes it ask at
 * once. Notifications may be lost: the questions go on regardless.
 * @param pauseMs how long to wait after an answer; asked for each time
 * @returns once the first answer came, or could not be had (then `lost` was told)
 */
export async function watchRevocations(
  databaseUrl: string,
  pauseMs: () => number,
  listener: RevocationListener,
): Promise<RevocationWatch> {
  const closing = new AbortController();
  let wake: (() => void) | null = null;
  let asked = false;
  let known: string | null = null;
  const ask = (): void => {
    asked = true;
    wake?.();
  };
  const turn = async (client: Client): Promise<void> => {
    asked = false;
    const askedAtMs = performance.now();
    const { version, inForce } = await stateOf(client, known);
    if (inForce) {
      listener.changed(inForce, version);
      known = version;
    }
    listener.confirmed(askedAtMs);
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => wake?.(), ms);
      wake = () => {
        wake = null;
        clearTimeout(timer);
        resolve();
      };
      if (asked) wake();
    });
  let first: () => void = () => {};
  const answered = new Promise<void>((resolve) => (first = resolve));
  const run = async (): Promise<void> => {
    for (let failures = 0; !closing.signal.aborted; failures++) {
      const client = newClient(databaseUrl);
      const broken = new Promise<never>((_, reject) => {
        client.on('error', reject);
        client.on('end', () => reject(new Error('the connection ended')));
      });
      broken.catch(() => {}); // Raced against below; a break between two questions is found by the next.
      try {
        await client.connect();
        client.on('notification', ask);
        await client.query(`listen ${channel}`);
        while (!closing.signal.aborted) {
          await Promise.race([turn(client), broken]);
          failures = 0;
          first();
          await Promise.race([pause(pauseMs()), broken]);
        }
      } catch (error) {
        if (!closing.signal.aborted) listener.lost(error as Error);
      }
      first();
      void client.end().catch(() => {}); // Broken or not wanted any more: there is nothing left to be told.
      if (!closing.signal.aborted) await sleep(Math.min(longestPauseMs, 50 * 2 ** Math.min(failures, 6)));
    }
  };
  const running = run();
  await answered;
  return {
    ask,
    async close() {
      closing.abort();
      wake?.();
      await running;
    },
  };
}

function newClient(connectionString: string): Client {
  return new Client({
    connectionString,
    application_name: 'holdpoint-revocations',
    keepAlive: true,
    connectionTimeoutMillis: 3_000,
    query_timeout: answerMs,
  });
}

/** The state, and what is in force where that is another state than the one known: in one answer, so in one moment. */
async function stateOf(
  db: Queryable,
  known: string | null,
): Promise<{ version: string; inForce: Revocation[] | null }> {
  const { rows } = await db.query<{ version: string; inForce: Revocation[] | null }>({
    // Asked many times a second on one connection: planned once.
    name: 'revocation-state',
    text: `select version::text as version, case when version::text is distinct from $1 then
       (select coalesce(json_agg(r), '[]') from
         (select ${revocationColumns} from revocations where lifted_at is null order by revoked_at, id) r)
       end as "inForce" from revocation_state`,
    values: [known],
  });
  const [row] = rows;
  if (!row) throw new Error('the state of revocations is missing from the database');
  const { version, inForce } = row;
  // Times are texts in JSON; what is in force was not lifted.
  return {
    version,
    inForce: inForce?.map((one) => ({ ...one, revokedAt: new Date(one.revokedAt) })) ?? null,
  };
}

/** Says that a replica is alive, and up to which version it has cut what is revoked, with what it had under way. */
export async function confirmRevocations(
  db: Queryable,
  replica: string,
  version: string,
  cuts: readonly { readonly revocationId: string; readonly what: InFlight }[],
): Promise<void> {
  if (cuts.length > 0)
    await db.query(
      `insert into revocation_cuts (revocation_id, replica, what)
       select c ->> 'revocationId', $1, c -> 'what' from jsonb_array_elements($2::jsonb) as c`,
      [replica, JSON.stringify(cuts)],
    );
  await db.query(
    `insert into revocation_replicas (replica, version) values ($1, $2)
     on conflict (replica) do update set seen_at = clock_timestamp(),
       version = greatest(revocation_replicas.version, excluded.version)`,
    [replica, version],
  );
}

/** Takes a replica that stops off the list of those that are waited for. */
export async function leaveRevocations(db: Queryable, replica: string): Promise<void> {
  await db.query(
    `delete from revocation_replicas where replica = $1 or seen_at < clock_timestamp() - interval '1 day'`,
    [replica],
  );
}
