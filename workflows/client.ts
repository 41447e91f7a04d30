import { Client, Connection, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { failureConverterPath } from './failure-path.ts';
import { createCodec } from './codec.ts';
import {
  type ApprovalInput,
  type ApprovalStatus,
  type Decision,
  type GrantTerms,
  names,
  type Person,
  taskQueues,
  type VoteProof,
  type VoteRefusal,
  workflowIdOf,
  workflowType,
} from './contract.ts';
import { sendAct, signExtension, signVote, type VoteKey } from './send-act.ts';
import { searchAttributesOf, staticDetailsOf, staticSummaryOf } from './shown-at-start.ts';
import { createTurns } from './turns.ts';

/** How Temporal is reached. */
export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | null;
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly serverName: string | null;
  } | null;
  /** Keys of the payload codec: the first encrypts, all decrypt. */
  readonly codecKeys: readonly Uint8Array[];
}

/** A connection to Temporal with payloads encrypted. Connects when first used, and again whenever it must. */
export interface TemporalLink {
  readonly client: Client;
  readonly codec: PayloadCodec;
  /** For workers on the same payloads. */
  readonly dataConverter: DataConverter;
  close(): Promise<void>;
}

/** Makes the link; does not wait for the server to be there. */
export function linkTemporal(settings: TemporalSettings): TemporalLink {
  const connection = Connection.lazy({
    address: settings.address,
    ...(settings.apiKey ? { apiKey: settings.apiKey } : {}),
    ...(settings.tls ? { tls: tlsOf(settings.tls) } : {}),
  });
  const codec = createCodec(settings.codecKeys);
  const dataConverter = dataConverterOf(codec);
  const client = new Client({
    connection,
    namespace: settings.namespace,
    dataConverter,
  });
  return { client, codec, dataConverter, close: () => connection.close() };
}

/**
 * How payloads and failures are written: both encrypted. Of a failure only its kind is in clear; its message and
 * stack trace, which may repeat what somebody said, are not.
 */
export function dataConverterOf(codec: PayloadCodec): DataConverter {
  return { payloadCodecs: [codec], failureConverterPath: failureConverterPath() };
}

/** TLS options in the form that both the client's and the worker's connection take. */
export function tlsOf(tls: NonNullable<TemporalSettings['tls']>): {
  serverNameOverride?: string;
  serverRootCACertificate?: Buffer;
  clientCertPair?: { crt: Buffer; key: Buffer };
} {
  return {
    ...(tls.serverName ? { serverNameOverride: tls.serverName } : {}),
    ...(tls.ca ? { serverRootCACertificate: Buffer.from(tls.ca) } : {}),
    ...(tls.cert && tls.key
      ? { clientCertPair: { crt: Buffer.from(tls.cert), key: Buffer.from(tls.key) } }
      : {}),
  };
}

/** A person's act, everything about them looked up by the surface that asks. */
export interface DecideRequest {
  readonly workflowId: string;
  readonly callId: string;
  readonly digest: string;
  /** The same id is the same vote, however often it is sent. */
  readonly updateId: string;
  readonly person: Person;
  readonly decision: Decision;
  readonly reason: string | null;
  /** Of an approval: what else it is to release. */
  readonly grant?: GrantTerms | null;
  /** Of a denial: within which bounds a call like this one may be approved. */
  readonly bounds?: string | null;
  /** Of an approval: how its person had proven themselves just before. */
  readonly proof?: VoteProof | null;
  readonly groups: readonly string[];
  readonly via: string;
}

/** A person's extension of a request; see {@link DecideRequest}. */
export type ExtendRequest = Omit<DecideRequest, 'decision' | 'reason' | 'grant' | 'bounds' | 'proof'>;

/** The workflow's answer. `ended`: it has closed, the row tells how. */
export type DecideAnswer =
  | { readonly kind: 'counted'; readonly status: ApprovalStatus }
  | {
      readonly kind: 'refused';
      readonly code: VoteRefusal;
      readonly message: string;
      readonly status: ApprovalStatus | null;
    }
  | { readonly kind: 'ended' };

/** What Holdpoint's processes do with approval workflows. */
export interface Approvals {
  /**
   * Starts the workflow and waits until a worker has answered for it.
   * @throws Error when that did not happen within `deadlineMs` of its turn (few are opened at once), or no turn came; the workflow is then cancelled as far as it can be
   * reached, and the caller must abort the row
   */
  open(input: ApprovalInput, options: { deadlineMs: number }): Promise<void>;
  /**
   * Signs a vote and sends it.
   * @throws Error when no answer came: the vote may or may not have counted; sending it again is safe
   */
  decide(request: DecideRequest): Promise<DecideAnswer>;
  /** Signs an extension and sends it; answers and errors as with {@link Approvals.decide}. */
  extend(request: ExtendRequest): Promise<DecideAnswer>;
  /** Lets a workflow ask anew how its clock stands. A workflow that has ended is no error. */
  clockChanged(workflowId: string): Promise<void>;
  /** Cancels a request. A workflow that has ended is no error. */
  cancel(workflowId: string, because: string): Promise<void>;
  /**
   * A live caller waits on the replica that polls `queue`.
   * @throws WorkflowNotFoundError when the workflow has ended or never was
   */
  attached(workflowId: string, queue: string): Promise<void>;
  /** No caller waits on that replica any more. A workflow that has ended is no error. */
  detached(workflowId: string, queue: string): Promise<void>;
}

const signalDeadlineMs = 3_000;
/** A burst of calls shall not run into the deadline because each slows the others. */
const opening = { atOnce: 12, waitMs: 10_000 };

/**
 * Ids of the approval workflows that closed within `closedWithinMs` without settling their row: terminated, failed or
 * timed out. At most a thousand.
 */
export async function lostWorkflows(client: Client, closedWithinMs: number): Promise<string[]> {
  const since = new Date(Date.now() - closedWithinMs).toISOString();
  const query = `WorkflowType = '${workflowType}' AND ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut') AND CloseTime > '${since}'`;
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) {
    ids.push(workflowId);
    if (ids.length === 1000) break;
  }
  return ids;
}

/** @param voteKey null where this process signs no votes; `decide` then throws */
export function createApprovals(client: Client, voteKey: VoteKey | null): Approvals {
  const signal = (workflowId: string, name: string, argument: object): Promise<void> =>
    client.withDeadline(Date.now() + signalDeadlineMs, () =>
      client.workflow.getHandle(workflowId).signal(name, argument),
    );
  const turns = createTurns(opening);
  return {
    open: (input, { deadlineMs }) => turns.take(async () => open(client, input, deadlineMs)),
    decide: async (request) =>
      sendAct(client, names.decide, request, await signVote(request, keyOf(voteKey))),
    extend: async (request) =>
      sendAct(client, names.extend, request, await signExtension(request, keyOf(voteKey))),
    clockChanged: (workflowId) => ignoreEnded(signal(workflowId, names.clock, {})),
    cancel: (workflowId, because) => ignoreEnded(signal(workflowId, names.withdraw, { because })),
    attached: (workflowId, queue) => signal(workflowId, names.attached, { queue }),
    detached: (workflowId, queue) => ignoreEnded(signal(workflowId, names.detached, { queue })),
  };
}

function keyOf(voteKey: VoteKey | null): VoteKey {
  if (voteKey) return voteKey;
  throw new Error('this process has no key to sign decisions with: set keys.votes.privateKey');
}

async function open(client: Client, input: ApprovalInput, deadlineMs: number): Promise<void> {
  const workflowId = workflowIdOf(input);
  const operation = new WithStartWorkflowOperation(workflowType, {
    workflowId,
    taskQueue: taskQueues.approvals,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    staticSummary: staticSummaryOf(input),
    staticDetails: staticDetailsOf(input),
    typedSearchAttributes: searchAttributesOf(input),
  });
  // Resolved or rejected by the update below; nobody else waits for it.
  operation.workflowHandle().catch(() => {});
  try {
    await client.withDeadline(Date.now() + deadlineMs, () =>
      client.workflow.executeUpdateWithStart(names.opened, {
        startWorkflowOperation: operation,
        updateId: 'opened',
      }),
    );
  } catch (error) {
    // The workflow may run although no worker answered for it: nobody shall be asked about a dead request.
    await client
      .withDeadline(Date.now() + 1000, () => client.workflow.getHandle(workflowId).cancel())
      .catch(() => {});
    throw error;
  }
}

async function ignoreEnded(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
