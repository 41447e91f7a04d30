import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { type ActivitiesDeps, createActivities } from '../../activities/settling.ts';
import { registerSearchAttributes, runWorker, type RunningWorker } from '../../activities/worker.ts';
import { claim, finish, heldCallState } from '../../db/held-execution.ts';
import type { Masked } from '../../masking/masked.ts';
import type { RecordEvent, SessionFacts } from '../../recording/event.ts';
import { bundleWorkflows } from '../../workflows/bundle.ts';
import {
  type Approvals,
  createApprovals,
  type DecideAnswer,
  linkTemporal,
  type TemporalLink,
} from '../../workflows/client.ts';
import {
  type ApprovalInput,
  type Decision,
  type ExecuteResult,
  type GatewayActivities,
  type Person,
  searchAttributes,
  taskQueues,
  workflowIdOf,
} from '../../workflows/contract.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { prepareHeld } from './held-rows.ts';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});

let bundled: ReturnType<typeof bundleWorkflows> | undefined;
/** The bundle, made once in a test process. */
export function workflowBundle(): ReturnType<typeof bundleWorkflows> {
  bundled ??= bundleWorkflows();
  return bundled;
}

export const ann: Person = { keys: ['oidc:https://idp#ann', 'slack:T1/UANN'], name: 'Ann' };
export const bob: Person = { keys: ['oidc:https://idp#bob'], name: 'Bob' };
export const carol: Person = { keys: ['slack:T1/UCAROL'], name: 'Carol' };

/** Keys with which a test signs votes. */
export function voteKey(id: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { id, privateKey, publicRaw: publicKey.export({ format: 'jwk' }).x ?? '' };
}

/** A worker, a client and executors on one Temporal server, with real rows. */
export interface Workplace {
  readonly approvals: Approvals;
  readonly link: TemporalLink;
  readonly connection: NativeConnection;
  readonly codecKey: Buffer;
  /** Ids of the calls that the worker was told have ended. */
  readonly ended: string[];
  /** Ids of the calls that were sent upstream, in order. */
  readonly sent: string[];
  readonly recorded: readonly RecordEvent[];
  readonly cards: { announced: string[]; refreshed: string[]; reminded: string[]; failing: boolean };
  readonly trusted: ReturnType<typeof voteKey>;
  /**
   * @param over a connection of its own, for a second worker in this process
   * @param slack whether there are cards at all
   */
  startWorker(
    over?: NativeConnection,
    deployment?: { name: string; buildId: string },
    slack?: boolean,
  ): Promise<RunningWorker>;
  /** A gateway's executor on a queue; `sending` is what the upstream does. */
  startExecutor(
    queue?: string,
    sending?: (callId: string) => Promise<void>,
    activities?: GatewayActivities,
  ): Promise<{ stop(): Promise<void> }>;
  /** Inserts a row and makes the input of its workflow, without starting it. */
  prepare(change?: Partial<ApprovalInput>): Promise<ApprovalInput>;
  /** The same, started. */
  hold(change?: Partial<ApprovalInput>): Promise<ApprovalInput>;
  vote(
    call: ApprovalInput,
    person: Person,
    decision?: Decision,
    more?: { groups?: string[]; updateId?: string; digest?: string; reason?: string },
  ): Promise<DecideAnswer>;
  row(call: ApprovalInput): Promise<{ state: string; because: string | null; voters: string[] }>;
  /** Waits until the row is in one of these states. */
  until(call: ApprovalInput, ...states: string[]): Promise<string>;
  close(): Promise<void>;
}

/** @param skippingClock the server's time in ms, for the server that skips time (it cannot list search attributes) */
export async function workplace(
  address: string,
  db: TestDatabase,
  skippingClock?: () => Promise<number>,
  codecKey: Buffer = randomBytes(32),
): Promise<Workplace> {
  const skipsTime = skippingClock !== undefined;
  const nowMs = skippingClock ?? (async () => Date.now());
  const codecKeys = [codecKey];
  const connection = await NativeConnection.connect({ address });
  if (!skipsTime) await registerSearchAttributes(connection, 'default');
  else
    await connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(Object.values(searchAttributes).map((name) => [name, 2])),
    });
  const link = linkTemporal({ address, namespace: 'default', apiKey: null, tls: null, codecKeys });
  const trusted = voteKey('trusted');
  const approvals = createApprovals(link.client, trusted);
  const sent: string[] = [];
  const ended: string[] = [];
  const recorded: RecordEvent[] = [];
  const cards = {
    announced: [] as string[],
    refreshed: [] as string[],
    reminded: [] as string[],
    failing: false,
  };
  const show = (list: string[], callId: string): void => {
    if (cards.failing) throw new Error('Slack is away');
    list.push(callId);
  };
  const inSlack = {
    announce: async (callId: string) => show(cards.announced, callId),
    refresh: async (callId: string) => show(cards.refreshed, callId),
    remind: async (callId: string) => show(cards.reminded, callId),
    failOver: async () => !cards.failing,
  };
  const deciding = {
    pool: db.pool,
    log: { info: () => {}, warn: () => {} },
    recording: {
      recorder: {
        append: async (session: SessionFacts, event: RecordEvent) => {
          recorded.push(event);
          return { sessionId: session.sessionId, strand: 'test', seq: recorded.length };
        },
        end: async () => {},
        close: async () => {},
      },
      maskJson: (json: string) => json as Masked<string>,
      maskText: (text: string) => text as Masked<string>,
    },
  } satisfies Omit<ActivitiesDeps, 'cards'>;
  const running = new Set<{ stop(): Promise<void> }>();
  const place: Workplace = {
    approvals,
    link,
    connection,
    codecKey,
    ended,
    sent,
    recorded,
    cards,
    trusted,
    startWorker: async (over = connection, deployment, slack = true) => {
      const worker = await runWorker({
        connection: over,
        namespace: 'default',
        dataConverter: link.dataConverter,
        ...(deployment && { deployment }),
        activities: createActivities({ ...deciding, cards: slack ? inSlack : null }),
        workflowBundle: await workflowBundle(),
        onFailed: (error) => assert.fail(error),
        onEnded: (callId) => ended.push(callId),
      });
      running.add(worker);
      return worker;
    },
    startExecutor: async (queue = taskQueues.execute, sending = async () => {}, activities) => {
      const worker = await Worker.create({
        connection,
        namespace: 'default',
        taskQueue: queue,
        activities: { ...(activities ?? executor(db, sent, sending)) },
        dataConverter: link.dataConverter,
        maxConcurrentActivityTaskPolls: 2,
        shutdownGraceTime: '100 milliseconds',
        shutdownForceTime: '1 second',
      });
      const ended = worker.run();
      const stop = async (): Promise<void> => {
        running.delete(executing);
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await ended.catch(() => {});
      };
      const executing = { stop };
      running.add(executing);
      return executing;
    },
    prepare: async (change = {}) => prepareHeld(db, trusted, await nowMs(), change),
    hold: async (change = {}) => {
      const input = await place.prepare(change);
      await approvals.open(input, { deadlineMs: 10_000 });
      return input;
    },
    vote: (call, person, decision = 'approve', more = {}) =>
      approvals.decide({
        workflowId: workflowIdOf(call),
        callId: call.callId,
        digest: more.digest ?? call.digest,
        updateId: more.updateId ?? randomUUID(),
        person,
        decision,
        reason: more.reason ?? null,
        groups: more.groups ?? ['dba'],
        via: 'test',
      }),
    row: async ({ callId }) => {
      const row = await heldCallState(db.pool, callId);
      assert.ok(row);
      const votes = row.decisions as { person: Person }[];
      return { state: row.state, because: row.endedBecause, voters: votes.map(({ person }) => person.name) };
    },
    until: async (call, ...states) => {
      for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 25) {
        const { state } = await place.row(call);
        if (states.includes(state)) return state;
        await sleep(25);
      }
      throw new Error(`the row is ${(await place.row(call)).state}, not ${states.join(' or ')}`);
    },
    close: async () => {
      await Promise.all([...running].map((worker) => worker.stop()));
      await link.close();
      await connection.close();
    },
  };
  return place;
}

/** Executes as a gateway does, as far as the row is concerned: claim, send, finish. */
function executor(
  db: TestDatabase,
  sent: string[],
  sending: (callId: string) => Promise<void>,
): GatewayActivities {
  return {
    executeHeldCall: async ({ callId, digest, votes }) => {
      const execToken = randomUUID();
      if (!(await claim(db.pool, { callId, digest, execToken, votes, handles: [] }))) {
        const row = await heldCallState(db.pool, callId);
        const done = row?.state === 'succeeded' || row?.state === 'failed' || row?.state === 'unknown';
        return { execution: done ? row.state : 'failed', summary: 'it was not sent again' };
      }
      sent.push(callId);
      await sending(callId);
      const state = 'succeeded';
      await finish(db.pool, { callId, execToken, state, because: null, retentionMs: 60_000, result: null });
      return { execution: state, summary: null };
    },
  };
}

/**
 * Executes as a gateway does that has recorded the votes itself: nothing is left to be settled.
 * @param says what such a gateway says of it
 */
export function settlingExecutor(
  db: TestDatabase,
  says: Pick<ExecuteResult, 'settled' | 'rowEnded'> = { settled: true, rowEnded: true },
): GatewayActivities {
  return {
    executeHeldCall: async ({ callId, digest, votes }) => {
      const execToken = randomUUID();
      assert.equal(await claim(db.pool, { callId, digest, execToken, votes, handles: [] }), true);
      const decided = { recorded: votes.length, atMs: votes.at(-1)?.atMs ?? 0 };
      const end = { callId, execToken, state: 'succeeded', because: null, retentionMs: 60_000 } as const;
      await finish(db.pool, { ...end, result: null, decided });
      return { execution: 'succeeded', summary: null, ...says };
    },
  };
}
