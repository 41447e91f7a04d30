import { parseArgs } from 'node:util';
import { groupsOf, type Identity } from '../../console/identity.ts';
import { isRequester } from '../../console/standing.ts';
import { visibleText } from '../../console/visible.ts';
import { revokeGrant, shownGrant, shownGrants } from '../../db/grants.ts';
import { shownCall, type ShownCall } from '../../db/held-calls-shown.ts';
import type { Pool } from '../../db/pool.ts';
import { markOutcome, takeTask, unknownCalls, wantReadBack } from '../../db/unknown-tasks.ts';
import type { Masked } from '../../masking/masked.ts';

/** What the commands need. */
export interface GrantsDeps {
  readonly pool: Pool;
  /** Who is at the command line, proven anew. Throws, saying how to prove it, when nobody is. */
  readonly identity: () => Promise<Identity>;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export const usage = `Usage:
  holdpoint grants list [--all] [--json]   what somebody approved ahead, and how far it is used
  holdpoint grants revoke ID               ends a grant at once
  holdpoint outcomes list [--json]         calls that were sent and never answered, and who looks into them
  holdpoint outcomes take ID               says that you look into it
  holdpoint outcomes read-back ID          asks the server again, where the rule names a read-back
  holdpoint outcomes mark ID happened|did-not-happen --reason TEXT
                                           for good; the agent is told; nothing is sent again

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listedAtMost = 500;

class UsageError extends Error {}

/** Runs `holdpoint grants …` or `holdpoint outcomes …`. @returns the exit code */
export async function run(
  command: 'grants' | 'outcomes',
  argv: readonly string[],
  deps: GrantsDeps,
): Promise<number> {
  try {
    const { values, positionals } = parse(argv);
    if (values.help) {
      deps.out(usage);
      return 0;
    }
    const [act = 'list', id, ...rest] = positionals;
    if (command === 'grants') return await grants(deps, act, id, values);
    return await outcomes(deps, act, id, rest, values);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    deps.err(`${error.message}\n\n${usage}`);
    return 2;
  }
}

interface Options {
  all: boolean;
  json: boolean;
  help: boolean;
  reason?: string;
}

function parse(argv: readonly string[]): { values: Options; positionals: string[] } {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        reason: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function grants(
  deps: GrantsDeps,
  act: string,
  id: string | undefined,
  { all, json }: Options,
): Promise<number> {
  if (act === 'revoke') {
    if (id === undefined) throw new UsageError('grants revoke needs the id of a grant');
    const grant = await shownGrant(deps.pool, id);
    if (!grant) return failed(deps, `There is no grant ${id}. See: holdpoint grants list --all`);
    const who = await approverOf(deps, await shownCall(deps.pool, grant.callId));
    if (!who) return 1;
    const revoked = await revokeGrant(deps.pool, grant.grantId, { person: who.person, via: 'cli' });
    return revoked
      ? said(deps, 'Revoked. Further calls are asked about again.')
      : failed(deps, 'Nothing left to revoke.');
  }
  if (act !== 'list') throw new UsageError(`there is no grants ${act}`);
  const found = await shownGrants(deps.pool, { open: !all, limit: listedAtMost });
  if (json) return said(deps, JSON.stringify(found, null, 2));
  if (found.length === 0) return said(deps, all ? 'There is no grant.' : 'No grant is open.');
  for (const { grantId, tool, connection, subject, used, calls, expiresAt, open, givenBy } of found)
    deps.out(
      `${grantId}  ${visibleText(tool)} on ${visibleText(connection)}  for ${visibleText(subject)}  ${used} of ${calls} used  ${open ? `until ${expiresAt.toISOString()}` : 'over'}  given by ${visibleText(givenBy.join(', '))}\n`,
    );
  return 0;
}

async function outcomes(
  deps: GrantsDeps,
  act: string,
  id: string | undefined,
  [mark]: readonly string[],
  { json, reason = '' }: Options,
): Promise<number> {
  if (act === 'list') return listOutcomes(deps, json);
  if (!['take', 'read-back', 'mark'].includes(act)) throw new UsageError(`there is no outcomes ${act}`);
  if (id === undefined) throw new UsageError(`outcomes ${act} needs the id of a call`);
  if (act === 'mark' && ((mark !== 'happened' && mark !== 'did-not-happen') || reason.trim() === ''))
    throw new UsageError('outcomes mark needs happened or did-not-happen, and --reason TEXT');
  const call = await shownCall(deps.pool, id);
  if (!call?.task) return failed(deps, `There is nothing to find out about ${id}.`);
  const who = await approverOf(deps, call);
  if (!who) return 1;
  const by = { person: who.person, via: 'cli' };
  const done =
    act === 'take'
      ? await takeTask(deps.pool, id, by)
      : act === 'read-back'
        ? await wantReadBack(deps.pool, id, by)
        : await markOutcome(deps.pool, id, {
            ...by,
            mark: mark === 'happened' ? 'happened' : 'did-not-happen',
            reason: deps.maskText(reason.trim()),
          });
  return done
    ? said(deps, 'Done.')
    : failed(deps, 'Nothing was done: it has been seen to already, or cannot be.');
}

async function listOutcomes(deps: GrantsDeps, json: boolean): Promise<number> {
  const found = await unknownCalls(deps.pool, listedAtMost);
  if (json) return said(deps, JSON.stringify(found, null, 2));
  if (found.length === 0) return said(deps, 'The outcome of every call is known.');
  for (const { callId, tool, connection, endedAt, task } of found) {
    const looks = task.takenBy === null ? 'nobody looks' : `${visibleText(task.takenBy)} looks`;
    const read = task.shown ? `  read-back: ${visibleText(task.shown.text.slice(0, 200))}` : '';
    deps.out(
      `${callId}  ${visibleText(tool)} on ${visibleText(connection)}  ${endedAt?.toISOString() ?? ''}  ${looks}${read}\n`,
    );
  }
  return 0;
}

/** Whoever is at the command line, when they may decide on the call; null when not, which they are then told. */
async function approverOf(deps: GrantsDeps, call: ShownCall | null): Promise<Identity | null> {
  let identity: Identity;
  try {
    identity = await deps.identity();
  } catch (error) {
    deps.err(`Nothing was done: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
  const { keys } = identity.person;
  if (call && !isRequester(call, keys) && groupsOf(identity, call.approvers).length > 0) return identity;
  deps.err('Nothing was done: only those who may decide on the call can do this.\n');
  return null;
}

function said(deps: GrantsDeps, text: string): number {
  deps.out(`${text}\n`);
  return 0;
}

function failed(deps: GrantsDeps, text: string): number {
  deps.err(`${text}\n`);
  return 1;
}
