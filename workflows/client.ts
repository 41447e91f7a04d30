import { randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type PayloadCodec } from '@temporalio/common';
import { SignJWT } from 'jose';
import { createCodec } from './codec.ts';
import {
  type ApprovalInput,
  type ApprovalStatus,
  type Decision,
  type GrantTerms,
  names,
  type Person,
  taskQueues,
  type VoteClaims,
  type VoteRefusal,
  workflowIdOf,
  workflowType,
} from './contract.ts';
import { searchAttributesOf, staticDetailsOf, staticSummaryOf } from './shown-at-start.ts';

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
  const client = new Client({
    connection,
    namespace: settings.namespace,
    dataConverter: { payloadCodecs: [codec] },
  });
  return { client, codec, close: () => connection.close() };
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
  readonly groups: readonly string[];
  readonly via: string;
}

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
   * @throws Error when that did not happen within `deadlineMs`; the workflow is then cancelled as far as it can be
   * reached, and the caller must abort the row
   */
  open(input: ApprovalInput, options: { deadlineMs: number }): Promise<void>;
  /**
   * Signs a vote and sends it.
   * @throws Error when no answer came: the vote may or may not have counted; sending it again is safe
   */
  decide(request: DecideRequest): Promise<DecideAnswer>;
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

const decideDeadlineMs = 10_000;
const signalDeadlineMs = 3_000;
const voteLifetimeSec = 120;

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

/** gRPC FAILED_PRECONDITION: the Update met another event in its workflow task; the same id may be sent again. */
const failedPrecondition = 9;

/** @param voteKey null where this process signs no votes; `decide` then throws */
export function createApprovals(
  client: Client,
  voteKey: { readonly id: string; readonly privateKey: KeyObject } | null,
): Approvals {
  const signal = (workflowId: string, name: string, argument: object): Promise<void> =>
    client.withDeadline(Date.now() + signalDeadlineMs, () =>
      client.workflow.getHandle(workflowId).signal(name, argument),
    );
  return {
    open: (input, { deadlineMs }) => open(client, input, deadlineMs),
    decide: async (request) => {
      if (!voteKey)
        throw new Error('this process has no key to sign decisions with: set keys.votes.privateKey');
      const jws = await signVote(request, voteKey);
      return sendVote(client, request, jws);
    },
    cancel: (workflowId, because) => ignoreEnded(signal(workflowId, names.withdraw, { because })),
    attached: (workflowId, queue) => signal(workflowId, names.attached, { queue }),
    detached: (workflowId, queue) => ignoreEnded(signal(workflowId, names.detached, { queue })),
  };
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

async function signVote(
  request: DecideRequest,
  voteKey: { readonly id: string; readonly privateKey: KeyObject },
): Promise<string> {
  const decidedAtMs = Date.now();
  const claims: Omit<VoteClaims, 'exp'> = {
    voteId: randomUUID(),
    callId: request.callId,
    digest: request.digest,
    person: request.person,
    decision: request.decision,
    reason: request.reason,
    ...(request.grant && { grant: request.grant }),
    ...(request.bounds && { bounds: request.bounds }),
    groups: request.groups,
    via: request.via,
    decidedAtMs,
  };
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'holdpoint-vote+jwt', kid: voteKey.id })
    .setExpirationTime(Math.floor(decidedAtMs / 1000) + voteLifetimeSec)
    .sign(voteKey.privateKey);
}

async function sendVote(client: Client, request: DecideRequest, jws: string): Promise<DecideAnswer> {
  const handle = client.workflow.getHandle(request.workflowId);
  for (let attempt = 1; ; attempt++) {
    try {
      const status = await client.withDeadline(Date.now() + decideDeadlineMs, () =>
        handle.executeUpdate<ApprovalStatus, [{ jws: string }]>(names.decide, {
          updateId: request.updateId,
          args: [{ jws }],
        }),
      );
      return { kind: 'counted', status };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'ended' };
      const refused = refusalOf(error);
      if (refused) return refused;
      if (!isFailedPrecondition(error) || attempt >= 10) throw error;
      await sleep(20 * attempt);
    }
  }
}

function refusalOf(error: unknown): DecideAnswer | null {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
    return null;
  const { type, message, details } = error.cause;
  const status = (details?.[0] ?? null) as ApprovalStatus | null;
  return { kind: 'refused', code: type as VoteRefusal, message, status };
}

function isFailedPrecondition(error: unknown): boolean {
  const found = isGrpcServiceError(error) ? error : error instanceof Error ? error.cause : null;
  return isGrpcServiceError(found) && (found.code as number) === failedPrecondition;
}

async function ignoreEnded(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
