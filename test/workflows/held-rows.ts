import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { openHeldCall } from '../../db/held-opening.ts';
import type { Masked } from '../../masking/masked.ts';
import { type ApprovalInput, workflowIdOf } from '../../workflows/contract.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { plainTerms } from '../support/plain-hold.ts';

/** Inserts the row of a held call and makes the input of its workflow. */
export async function prepareHeld(
  db: TestDatabase,
  trusted: { readonly id: string; readonly publicRaw: string },
  nowMs: number,
  change: Partial<ApprovalInput>,
): Promise<ApprovalInput> {
  const callId = randomUUID();
  const input: ApprovalInput = {
    callId,
    digest: `sha256:${randomBytes(32).toString('hex')}`,
    connection: 'orders-db',
    tool: 'query',
    subject: 'local-agent',
    client: 'mcp:test',
    rule: 'writes',
    reason: 'Writes are looked at.',
    risk: 'high',
    policyVersion: 'sha256:1',
    approverGroups: ['dba'],
    approvalsNeeded: 1,
    terms: {
      ...plainTerms,
      escalation: [],
      quorum: { kind: 'together', approvals: change.approvalsNeeded ?? 1 },
    },
    requesterKeys: ['local:agent'],
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    onDisconnect: 'run',
    graceMs: 10_000,
    holderQueue: null,
    votePublicKeys: { [trusted.id]: trusted.publicRaw },
    correlationId: randomUUID(),
    ...change,
  };
  const opening = await openHeldCall(db.pool, rowOf(input), { maxOpenPerCaller: 10_000 });
  assert.equal(opening.kind, 'opened');
  return input;
}

function rowOf(input: ApprovalInput): Parameters<typeof openHeldCall>[1] {
  const { callId, digest, connection, tool, rule, reason, risk, policyVersion } = input;
  const key = randomBytes(32);
  return {
    callId,
    digest,
    connection,
    tool,
    rule,
    reason,
    risk,
    policyVersion,
    attachKey: key,
    workflowId: workflowIdOf(input),
    method: 'tools/call',
    grantOffer: null,
    sessionId: 's1',
    caller: {
      key: 'local:agent',
      subject: 'local-agent',
      issuer: null,
      email: null,
      name: null,
      groups: [],
      actors: [],
      client: 'mcp:test',
      credentialId: null,
    },
    definitionHash: null,
    approvers: input.approverGroups.map(groupOf),
    approvalsNeeded: input.approvalsNeeded,
    quorum: input.terms?.quorum ?? plainTerms.quorum,
    escalation: (input.terms?.escalation ?? []).map(({ afterMs, groups }) => ({
      afterMs,
      to: groups.map(groupOf),
    })),
    extension: input.terms?.extension ?? null,
    onSlackOutage: input.terms?.onSlackOutage ?? 'continue',
    latestExpiresAt: new Date(
      input.expiresAtMs +
        (input.terms?.extension ? input.terms.extension.byMs * input.terms.extension.times : 0),
    ),
    onDisconnect: input.onDisconnect,
    intent: null,
    shownArgs: '{"sql":"update orders set paid = true"}' as Masked<string>,
    expiresAt: new Date(input.expiresAtMs),
    correlationId: input.correlationId,
    request: { kekId: 'test', wrapped: key, sealed: key },
  };
}

function groupOf(name: string) {
  return { name, slackChannel: null, slackUserGroup: null, people: [], groups: [] };
}
