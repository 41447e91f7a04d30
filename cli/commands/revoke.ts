import { visibleText } from '../../console/visible.ts';
import { type RevocationKind, revocationKinds } from '../../db/revocations.ts';
import type { Answer } from '../api/api.ts';
import { answering, argumentsOf, type CommandDeps, printJson, UsageError } from './answering.ts';

const usage = `Usage:
  holdpoint revoke   person|credential|client|session|connection VALUE --reason TEXT [--json]
  holdpoint unrevoke person|credential|client|session|connection VALUE --reason TEXT [--json]
  holdpoint revocations [--json]

A person is named by e-mail, subject or stable key (oidc:ISSUER#SUBJECT). Everything of what is revoked stops at once on
every gateway: new requests, open streams, held calls, and calls that run.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

type Act = 'revoke' | 'unrevoke' | 'revocations';

/** Runs one of the three commands. @returns 0 done, 1 failed, 2 usage */
export async function run(act: Act, argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      reason: { type: 'string' },
      json: { type: 'boolean', default: false },
    });
    const { json, reason } = values;
    const [kind, value, ...more] = positionals;
    if (act === 'revocations') {
      if (kind !== undefined) throw new UsageError('too many arguments');
      return list(deps, json);
    }
    if (!isKind(kind) || value === undefined || more.length > 0)
      throw new UsageError(`${act} needs a kind and a value`);
    if (!reason?.trim()) throw new UsageError(`${act} needs --reason TEXT: it is recorded`);
    const body = { kind, value, reason: reason.trim() };
    if (act === 'revoke') return tellRevoked(deps, await deps.api.call('revoke', { body }), json);
    const lifted = await deps.api.call('unrevoke', { body });
    if (json) printJson(deps.out, lifted);
    else deps.out(`Lifted ${line(lifted)}\n`);
    return 0;
  });
}

function isKind(kind: string | undefined): kind is RevocationKind {
  return (revocationKinds as readonly (string | undefined)[]).includes(kind);
}

async function list({ api, out }: CommandDeps, json: boolean): Promise<number> {
  const { revocations } = await api.call('listRevocations');
  if (json) printJson(out, revocations);
  else
    out(
      revocations.length === 0
        ? 'Nothing is revoked.\n'
        : revocations.map((one) => `${line(one)}\n`).join(''),
    );
  return 0;
}

function tellRevoked({ out }: CommandDeps, done: Answer<'revoke'>, json: boolean): number {
  const { revocation, replicas, confirmedAfterMs, inFlight } = done;
  if (json) printJson(out, { ...revocation, replicas, confirmedAfterMs, inFlight });
  else {
    out(`Revoked ${line(revocation)}\n`);
    out(
      `${replicas.confirmed} of ${replicas.alive} gateways have cut it off, after ${confirmedAfterMs} ms.${replicas.confirmed < replicas.alive ? ' The others let nothing pass until they know.' : ''}\n`,
    );
    out(inFlight.length === 0 ? 'Nothing was under way.\n' : `Under way (${inFlight.length}):\n`);
    for (const one of inFlight) out(`  ${inFlightLine(one)}\n`);
  }
  return replicas.confirmed < replicas.alive ? 1 : 0;
}

function inFlightLine(one: Answer<'revoke'>['inFlight'][number]): string {
  const { kind, connection, method, tool, subject, callId, startedAt } = one;
  const did = {
    waiting: 'held call cancelled, never sent',
    running: 'approved call aborted while it ran: look what it did',
    request: 'request cut',
    stream: 'stream cut',
  }[kind];
  const what = [method, tool, callId].filter((part) => part !== null).join(' ');
  return visibleText(`${did}: ${what} on ${connection} for ${subject}, since ${startedAt}`);
}

function line(one: Answer<'unrevoke'>): string {
  const { id, kind, value, reason, revokedBy, revokedAt, liftedAt, liftedBy } = one;
  const lifted = liftedAt ? `; lifted ${liftedAt} by ${liftedBy?.name ?? ''}` : '';
  return visibleText(`${kind} ${value} (${id}): ${reason}; ${revokedAt} by ${revokedBy.name}${lifted}`);
}
