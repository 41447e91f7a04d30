import { visibleText } from '../../console/visible.ts';
import { answering, argumentsOf, type CommandDeps, oneOf, printJson, UsageError } from './answering.ts';

export const grantsUsage = `Usage:
  holdpoint grants list [--all] [--json]   what somebody approved ahead, and how far it is used
  holdpoint grants revoke ID               ends a grant at once

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

export const outcomesUsage = `Usage:
  holdpoint outcomes list [--json]         calls that were sent and never answered, and who looks into them
  holdpoint outcomes take ID               says that you look into it
  holdpoint outcomes read-back ID          asks the server again, where the rule names a read-back
  holdpoint outcomes mark ID happened|did-not-happen --reason TEXT
                                           for good; the agent is told; nothing is sent again

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listedAtMost = 500;

/** Runs `holdpoint grants …`. @returns the exit code */
export async function runGrants(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage: grantsUsage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const [act = 'list', ...words] = positionals;
    if (act === 'revoke') {
      const { done } = await deps.api.call('revokeGrant', {
        params: { id: oneOf(words, 'the id of a grant') },
      });
      return said(deps, done, 'Revoked. Further calls are asked about again.', 'Nothing left to revoke.');
    }
    if (act !== 'list' || words.length > 0)
      throw new UsageError(`there is no grants ${positionals.join(' ')}`);
    return listGrants(deps, values);
  });
}

async function listGrants(
  { api, out }: CommandDeps,
  { all, json }: { readonly all: boolean; readonly json: boolean },
): Promise<number> {
  const query = { open: all ? 'false' : 'true', limit: listedAtMost } as const;
  const { grants } = await api.call('listGrants', { query });
  if (json) printJson(out, grants);
  else if (grants.length === 0) out(all ? 'There is no grant.\n' : 'No grant is open.\n');
  else
    for (const { id, tool, connection, subject, used, calls, expiresAt, open, givenBy } of grants)
      out(
        `${id}  ${visibleText(tool)} on ${visibleText(connection)}  for ${visibleText(subject)}  ${used} of ${calls} used  ${open ? `until ${expiresAt}` : 'over'}  given by ${visibleText(givenBy.join(', '))}\n`,
      );
  return 0;
}

/** Runs `holdpoint outcomes …`. @returns the exit code */
export async function runOutcomes(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage: outcomesUsage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      json: { type: 'boolean', default: false },
      reason: { type: 'string', default: '' },
    });
    const [act = 'list', ...words] = positionals;
    if (act === 'list' && words.length === 0) return listOutcomes(deps, values.json);
    if (act === 'mark') return mark(deps, words, values.reason.trim());
    if (act !== 'take' && act !== 'read-back')
      throw new UsageError(`there is no outcomes ${positionals.join(' ')}`);
    const params = { id: oneOf(words, `the id of a call for outcomes ${act}`) };
    const { done } = await deps.api.call(act === 'take' ? 'takeOutcome' : 'readBackOutcome', { params });
    return judged(deps, done);
  });
}

async function mark(deps: CommandDeps, words: readonly string[], reason: string): Promise<number> {
  const [id, what, ...more] = words;
  if (
    id === undefined ||
    (what !== 'happened' && what !== 'did-not-happen') ||
    more.length > 0 ||
    reason === ''
  )
    throw new UsageError(
      'outcomes mark needs the id of a call, happened or did-not-happen, and --reason TEXT',
    );
  const { done } = await deps.api.call('markOutcome', { params: { id }, body: { mark: what, reason } });
  return judged(deps, done);
}

async function listOutcomes({ api, out }: CommandDeps, json: boolean): Promise<number> {
  const { outcomes } = await api.call('listOutcomes');
  if (json) printJson(out, outcomes);
  else if (outcomes.length === 0) out('The outcome of every call is known.\n');
  else
    for (const { callId, tool, connection, endedAt, task } of outcomes) {
      const looks = task.takenBy === null ? 'nobody looks' : `${visibleText(task.takenBy)} looks`;
      const read = task.shown ? `  read-back: ${visibleText(task.shown.text.slice(0, 200))}` : '';
      out(
        `${callId}  ${visibleText(tool)} on ${visibleText(connection)}  ${endedAt ?? ''}  ${looks}${read}\n`,
      );
    }
  return 0;
}

function judged(deps: CommandDeps, done: boolean): number {
  return said(deps, done, 'Done.', 'Nothing was done: it has been seen to already, or cannot be.');
}

function said({ out, err }: CommandDeps, done: boolean, yes: string, no: string): number {
  if (done) out(`${yes}\n`);
  else err(`${no}\n`);
  return done ? 0 : 1;
}
