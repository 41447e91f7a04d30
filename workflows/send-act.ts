import { randomUUID, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type JWTPayload, SignJWT } from 'jose';
import type { DecideAnswer, DecideRequest, ExtendRequest } from './client.ts';
import type { ApprovalStatus, ExtensionClaims, VoteClaims, VoteRefusal } from './contract.ts';

/** The key with which a process signs what people do. */
export interface VoteKey {
  readonly id: string;
  readonly privateKey: KeyObject;
}

const decideDeadlineMs = 10_000;
const voteLifetimeSec = 120;

/** gRPC FAILED_PRECONDITION: the Update met another event in its workflow task; the same id may be sent again. */
const failedPrecondition = 9;

/** Signs a vote. */
export async function signVote(request: DecideRequest, voteKey: VoteKey): Promise<string> {
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
    ...(request.proof && { proof: request.proof }),
    groups: request.groups,
    via: request.via,
    decidedAtMs,
  };
  return signed({ ...claims }, 'holdpoint-vote+jwt', decidedAtMs, voteKey);
}

/** Signs an extension. */
export async function signExtension(
  { callId, digest, person, groups, via }: ExtendRequest,
  voteKey: VoteKey,
): Promise<string> {
  const decidedAtMs = Date.now();
  const claims: Omit<ExtensionClaims, 'exp'> = {
    extensionId: randomUUID(),
    callId,
    digest,
    person,
    groups,
    via,
    decidedAtMs,
  };
  return signed({ ...claims }, 'holdpoint-extension+jwt', decidedAtMs, voteKey);
}

async function signed(claims: JWTPayload, typ: string, atMs: number, voteKey: VoteKey): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ, kid: voteKey.id })
    .setExpirationTime(Math.floor(atMs / 1000) + voteLifetimeSec)
    .sign(voteKey.privateKey);
}

/**
 * Sends a signed act as an Update, and says what the workflow answered.
 * @throws Error when no answer came: sending it again is safe
 */
export async function sendAct(
  client: Client,
  update: string,
  request: ExtendRequest,
  jws: string,
): Promise<DecideAnswer> {
  const handle = client.workflow.getHandle(request.workflowId);
  for (let attempt = 1; ; attempt++) {
    try {
      const status = await client.withDeadline(Date.now() + decideDeadlineMs, () =>
        handle.executeUpdate<ApprovalStatus, [{ jws: string }]>(update, {
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
