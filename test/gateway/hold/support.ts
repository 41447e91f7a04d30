import { MockActivityEnvironment } from '@temporalio/testing';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import pino from 'pino';
import type { Pool } from '../../../db/pool.ts';
import { createRecordStore } from '../../../db/records.ts';
import { startGate } from '../../../gateway/containment/gate.ts';
import { createExecuteHeldCall, type ExecuteDeps } from '../../../gateway/hold/execute.ts';
import { createHold, type HoldDeps } from '../../../gateway/hold/hold.ts';
import { createRunning } from '../../../gateway/hold/running.ts';
import { defaultHoldSettings, type HoldSettings } from '../../../gateway/hold/settings.ts';
import { startSweeping } from '../../../gateway/hold/sweep.ts';
import { createWaiters } from '../../../gateway/hold/waiters.ts';
import type { HeldRequest, HoldPort } from '../../../gateway/hold-port.ts';
import type { UpstreamSession } from '../../../gateway/upstreams/upstream.ts';
import type { Masker, MaskingEngine } from '../../../masking/engine.ts';
import type { Masked } from '../../../masking/masked.ts';
import type { Caller } from '../../../policy/caller.ts';
import { noOffers } from '../../../policy/offers.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { HoldVerdict } from '../../../policy/verdict.ts';
import { localKeyRing } from '../../../recording/key-ring.ts';
import { createRecorder } from '../../../recording/recorder.ts';
import type { ApprovalInput, CountedVote, ExecuteInput, ExecuteResult } from '../../../workflows/contract.ts';
import { policyOf } from '../../support/gateway.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { canary, type CountingUpstream, countingUpstream, type TestStream, testStream } from './ends.ts';
import { voteKeys } from './votes.ts';
import { plainTerms } from '../../support/plain-hold.ts';

/** Masks the canary only: what a real engine finds is tested in its own room. */
export const canaryMasker: Masker = {
  message: (text) => mask(text),
  json: (text) => mask(text),
  text: (text) => mask(text),
  later: {
    message: async (text) => mask(text),
    json: async (text) => mask(text),
    text: async (text) => mask(text),
  },
  requests: 'as-sent',
};
function mask(text: string): ReturnType<Masker['text']> {
  return { text: text.replaceAll(canary, '[masked:canary]') as Masked<string>, findings: [] };
}
export const canaryEngine: MaskingEngine = {
  masker: () => canaryMasker,
  treats: () => 'redact',
  profileFor: () => 'default',
  profilesFor: () => ['default'],
  restore: [],
};

export const caller: Caller = {
  key: 'local:agent',
  subject: 'local-agent',
  issuer: null,
  email: null,
  name: null,
  groups: [],
  actors: [],
  client: 'mcp:test',
  credentialId: null,
  claims: {},
};

export const verdict: HoldVerdict = {
  kind: 'hold',
  rule: 'writes',
  policyVersion: 'sha256:1',
  risk: 'high',
  maskProfile: 'default',
  reason: null,
  askIntent: false,
  approvers: [{ name: 'dba', slackChannel: null, slackUserGroup: null, people: [], groups: [] }],
  approvalsNeeded: 1,
  ...plainTerms,
  timeoutMs: 60_000,
  onDisconnect: 'keep',
  offers: noOffers,
};

/** One gateway replica without its workers: executions are called as Temporal would call them. */
export interface Replica {
  readonly hold: HoldPort;
  readonly upstream: CountingUpstream;
  readonly log: string[];
  readonly deps: HoldDeps & ExecuteDeps;
  request(change?: RequestChange): HeldRequest & { stream: TestStream };
  execute(input: { callId: string; digest: string; votes: CountedVote[] }): Promise<ExecuteResult>;
  stop(): Promise<void>;
}
export interface RequestChange {
  args?: string;
  idJson?: string;
  sessionId?: string;
  verdict?: Partial<HoldVerdict>;
  caller?: Partial<Caller>;
  stream?: TestStream;
  elicits?: HeldRequest['elicits'];
  json?: string;
  protocolVersion?: string;
  definitionHash?: string;
}

/** A stand-in for Temporal: keeps what was opened, and lets a test decide what becomes of it. */
export interface TestApprovals {
  readonly opened: ApprovalInput[];
  readonly log: string[];
  failing: Error | null;
  readonly port: HoldDeps['approvals'];
  next(count?: number): Promise<ApprovalInput>;
}

export function testApprovals(pool: Pool): TestApprovals {
  const arrived = new EventTarget();
  const approvals: TestApprovals = {
    opened: [],
    log: [],
    failing: null,
    async next(count = 1) {
      const signal = AbortSignal.timeout(15_000);
      while (approvals.opened.length < count) await once(arrived, 'opened', { signal });
      return approvals.opened[count - 1] as ApprovalInput;
    },
    port: {
      async open(input) {
        if (approvals.failing) throw approvals.failing;
        approvals.opened.push(input);
        arrived.dispatchEvent(new Event('opened'));
      },
      async cancel(workflowId, because) {
        approvals.log.push(`cancel ${because}`);
        await pool.query(
          `update held_calls set state = 'cancelled' where workflow_id = $1 and state = 'pending'`,
          [workflowId],
        );
      },
      async attached(_workflowId, queue) {
        approvals.log.push(`attached ${queue}`);
      },
      async detached(_workflowId, queue) {
        approvals.log.push(`detached ${queue}`);
      },
    },
  };
  return approvals;
}

/** A policy that holds nothing and offers nothing: what is held here was held by the test. */
const emptyPolicy: Policy = { ...policyOf('default: deny\n', ['db']), version: 'sha256:1' };

const kek = randomBytes(32);
const attachSecret = randomBytes(32);

export interface ReplicaOptions {
  readonly name?: string;
  readonly settings?: Partial<HoldSettings>;
  readonly recheck?: ExecuteDeps['recheck'];
  readonly masking?: MaskingEngine;
  readonly policy?: Policy;
  readonly now?: () => number;
}

export async function startReplica(
  db: TestDatabase,
  approvals: TestApprovals,
  options: ReplicaOptions = {},
): Promise<Replica> {
  const upstream = countingUpstream();
  const log: string[] = [];
  const keyRing = localKeyRing([kek]);
  const gateLog = pino({ level: 'silent' });
  const name = options.name ?? 'one';
  const gate = await startGate({
    pool: db.pool,
    databaseUrl: db.url,
    replica: name,
    log: gateLog,
    maskText: (text) => canaryMasker.text(text).text,
  });
  const deps: HoldDeps & ExecuteDeps = {
    gate,
    pool: db.pool,
    keyRing,
    recorder: createRecorder({ store: createRecordStore(db.pool), keyRing }),
    maskers: () => options.masking ?? canaryEngine,
    approvals: approvals.port,
    waiters: createWaiters(options.now),
    running: createRunning(),
    definitions: { learn: async () => new Map() },
    upstreams: { get: (connection) => (connection === 'db' ? upstream : undefined) },
    votePublicKeys: { [voteKeys.good.kid]: voteKeys.good.publicKey },
    attachSecret,
    replica: name,
    settings: { ...defaultHoldSettings, ...options.settings },
    consoleUrl: 'http://127.0.0.1:8471',
    policy: () => options.policy ?? emptyPolicy,
    recheck: options.recheck ?? (async () => null),
    now: options.now ?? Date.now,
    log: pino({ level: 'trace' }, { write: (line) => void log.push(line) }),
  };
  const hold = createHold(deps);
  const activities = createExecuteHeldCall(deps);
  const sweeping = await startSweeping({ ...deps, databaseUrl: db.url });
  const session = await upstream.open({ connection: 'db', sessionId: 's', caller, correlationId: 'c' });
  upstream.opened = 0;
  return {
    hold,
    upstream,
    log,
    deps,
    request: (change = {}) =>
      requestFor(session, (options.masking ?? canaryEngine).masker('default'), change),
    execute: (input) =>
      new MockActivityEnvironment().run((given: ExecuteInput) => activities.executeHeldCall(given), input),
    async stop() {
      await hold.close();
      await sweeping.close();
      await deps.recorder.close();
      await gate.close();
    },
  };
}

function requestFor(
  upstream: UpstreamSession,
  masker: Masker,
  change: RequestChange,
): HeldRequest & { stream: TestStream } {
  const { args = '{"sql":"delete"}', idJson = '1', sessionId = 'session-1' } = change;
  const who = { ...caller, ...change.caller };
  return {
    caller: who,
    session: {
      sessionId,
      connection: 'db',
      callerKey: who.key,
      subject: who.subject,
      client: who.client,
      credentialId: null,
    },
    correlationId: `c-${idJson}`,
    protocolVersion: change.protocolVersion ?? '2025-11-25',
    json:
      change.json ??
      `{"jsonrpc":"2.0","id":${idJson},"method":"tools/call","params":{"name":"query","arguments":${args}}}`,
    idJson,
    method: 'tools/call',
    tool: 'query',
    argsJson: args,
    definitionHash: change.definitionHash ?? null,
    verdict: { ...verdict, ...change.verdict },
    intent: null,
    masker,
    headers: {},
    upstream,
    elicits: change.elicits ?? [],
    stream: change.stream ?? testStream(),
  };
}

/** State of a row, and whether the raw request is still stored. */
export async function rowOf(pool: Pool, callId: string) {
  const { rows } = await pool.query<{
    state: string;
    opened: boolean;
    delivered: boolean;
    requests: number;
    because: string | null;
  }>(
    `select state, opened_at is not null as opened, delivered_at is not null as delivered, ended_because as because,
       (select count(*)::int from held_call_requests r where r.call_id = h.call_id) as requests
     from held_calls h where call_id = $1`,
    [callId],
  );
  return rows[0];
}
