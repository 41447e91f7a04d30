import { parseArgs } from 'node:util';
import type { Identity } from '../../console/identity.ts';
import { may, type Roles, rolesThatMay } from '../../console/roles.ts';
import { visibleText } from '../../console/visible.ts';
import type { Pool } from '../../db/pool.ts';
import {
  type Actor,
  type InFlight,
  recentRevocations,
  type Revocation,
  RevocationError,
  type RevocationKind,
  revocationKinds,
} from '../../db/revocations.ts';
import { type ContainmentDeps, revoke, type Revoked, unrevoke } from '../../db/revoke.ts';

/** What `holdpoint revoke`, `unrevoke` and `revocations` need. */
export interface RevokeDeps extends ContainmentDeps {
  readonly pool: Pool;
  readonly roles: Roles;
  /** Who is at the command line, proven; throws, saying how to prove it. */
  readonly identity: () => Promise<Identity>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `usage: holdpoint revoke   person|credential|client|session|connection VALUE --reason TEXT [--json]
       holdpoint unrevoke person|credential|client|session|connection VALUE --reason TEXT [--json]
       holdpoint revocations [--json]

A person is named by e-mail, subject or stable key (oidc:ISSUER#SUBJECT). Everything of what is revoked stops at once on
every gateway: new requests, open streams, held calls, and calls that run.
`;

type Act = 'revoke' | 'unrevoke' | 'revocations';

/** Runs one of the three commands. @returns 0 done, 1 failed, 2 usage */
export async function run(act: Act, argv: readonly string[], deps: RevokeDeps): Promise<number> {
  const parsed = parse(argv);
  const [kind, value, ...more] = parsed?.positionals ?? [];
  if (!parsed || more.length > 0 || parsed.values.help) {
    (parsed?.values.help ? deps.out : deps.err)(usage);
    return parsed?.values.help ? 0 : 2;
  }
  const { json, reason } = parsed.values;
  if (act === 'revocations') return kind === undefined ? list(deps, json) : wrong(deps, 'too many arguments');
  if (!isKind(kind) || value === undefined) return wrong(deps, `${act} needs a kind and a value`);
  if (reason === undefined) return wrong(deps, `${act} needs --reason TEXT: it is recorded`);
  const by = await actorFor(deps);
  if (!by) return 1;
  try {
    const ask = { kind, value, reason, by };
    if (act === 'revoke') return tellRevoked(deps, await revoke(deps.pool, ask, deps), json);
    const lifted = await unrevoke(deps.pool, ask, deps);
    deps.out(json ? `${JSON.stringify(revocationJson(lifted), null, 2)}\n` : `Lifted ${line(lifted)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof RevocationError)) throw error;
    deps.err(`Nothing was done: ${visibleText(error.message)}\n`);
    return 1;
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        reason: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch {
    return null; // Answered with the usage.
  }
}

function wrong(deps: RevokeDeps, what: string): number {
  deps.err(`${what}\n${usage}`);
  return 2;
}

function isKind(kind: string | undefined): kind is RevocationKind {
  return (revocationKinds as readonly (string | undefined)[]).includes(kind);
}

/** Who acts, when they may. */
async function actorFor(deps: RevokeDeps): Promise<Actor | null> {
  let identity: Identity;
  try {
    identity = await deps.identity();
  } catch (error) {
    deps.err(`Nothing was done: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
  const { person } = identity;
  if (may(identity, deps.roles, 'containment.act'))
    return { key: person.keys[0] ?? identity.subject, name: person.name, via: 'cli' };
  deps.err(
    `Nothing was done: ${visibleText(person.name)} has none of the roles ${rolesThatMay('containment.act').join(', ')}; the setting \`roles\` gives them\n`,
  );
  return null;
}

async function list(deps: RevokeDeps, json: boolean): Promise<number> {
  const found = await recentRevocations(deps.pool, 200);
  if (json) deps.out(`${JSON.stringify(found.map(revocationJson), null, 2)}\n`);
  else
    deps.out(
      found.length === 0
        ? 'Nothing is revoked.\n'
        : found.map((revocation) => `${line(revocation)}\n`).join(''),
    );
  return 0;
}

function tellRevoked(deps: RevokeDeps, done: Revoked, json: boolean): number {
  const { revocation, replicas, confirmedAfterMs, inFlight } = done;
  if (json)
    deps.out(
      `${JSON.stringify({ ...revocationJson(revocation), replicas, confirmedAfterMs, inFlight }, null, 2)}\n`,
    );
  else {
    deps.out(`Revoked ${line(revocation)}\n`);
    deps.out(
      `${replicas.confirmed} of ${replicas.alive} gateways have cut it off, after ${confirmedAfterMs} ms.${replicas.confirmed < replicas.alive ? ' The others let nothing pass until they know.' : ''}\n`,
    );
    deps.out(inFlight.length === 0 ? 'Nothing was under way.\n' : `Under way (${inFlight.length}):\n`);
    for (const one of inFlight) deps.out(`  ${inFlightLine(one)}\n`);
  }
  return replicas.confirmed < replicas.alive ? 1 : 0;
}

function inFlightLine({ kind, connection, method, tool, subject, callId, startedAt }: InFlight): string {
  const did = {
    waiting: 'held call cancelled, never sent',
    running: 'approved call aborted while it ran: look what it did',
    request: 'request cut',
    stream: 'stream cut',
  }[kind];
  const what = [method, tool, callId].filter((part) => part !== null).join(' ');
  return visibleText(`${did}: ${what} on ${connection} for ${subject}, since ${startedAt}`);
}

function line({ id, kind, value, reason, revokedBy, revokedAt, liftedAt, liftedBy }: Revocation): string {
  const lifted = liftedAt ? `; lifted ${liftedAt.toISOString()} by ${liftedBy?.name ?? ''}` : '';
  return visibleText(
    `${kind} ${value} (${id}): ${reason}; ${revokedAt.toISOString()} by ${revokedBy.name}${lifted}`,
  );
}

function revocationJson(revocation: Revocation): Record<string, unknown> {
  const { revokedAt, liftedAt, ...rest } = revocation;
  return { ...rest, revokedAt: revokedAt.toISOString(), liftedAt: liftedAt?.toISOString() ?? null };
}
