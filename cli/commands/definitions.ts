import { ApiProblem } from '../../console/api/endpoint.ts';
import { jsonDiff, jsonLines } from '../../console/json-diff.ts';
import { visibleText } from '../../console/visible.ts';
import type { Answer } from '../api/api.ts';
import {
  answering,
  argumentsOf,
  type CommandDeps,
  oneOf,
  printJson,
  refusalWords,
  UsageError,
} from './answering.ts';

export const usage = `Usage:
  holdpoint definitions list [--all] [--json]        tools whose definition waits for a person (--all: settled ones too)
  holdpoint definitions show ID [--json]             one definition, compared with the accepted one
  holdpoint definitions approve ID... | --connection NAME   accepts definitions (--connection: all that wait of it)
  holdpoint definitions reject ID... [--reason TEXT]        keeps the tools out

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listLimit = 10_000;
type Definition = Answer<'showDefinition'>;

/** Runs `holdpoint definitions …`. @returns the exit code */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      json: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      reason: { type: 'string' },
      connection: { type: 'string' },
    });
    const [act = 'list', ...ids] = positionals;
    if (act === 'list' && ids.length === 0) return list(deps, values);
    if (act === 'show') return show(deps, oneOf(ids, 'the id of a definition'), values.json);
    if (act !== 'approve' && act !== 'reject')
      throw new UsageError(`there is no definitions ${positionals.join(' ')}`);
    const connection = act === 'approve' ? values.connection : undefined;
    if (ids.length > 0 === (connection !== undefined))
      throw new UsageError('name definitions, or one --connection');
    const chosen = connection === undefined ? ids : await waitingOf(deps, connection);
    if (chosen.length === 0) deps.out('No definition of it waits.\n');
    let failed = 0;
    for (const id of chosen)
      if (!(await decide(deps, id, act === 'approve' ? 'approve' : 'deny', values.reason?.trim())))
        failed += 1;
    return failed === 0 ? 0 : 1;
  });
}

async function waitingOf({ api }: CommandDeps, connection: string): Promise<readonly string[]> {
  const { definitions } = await api.call('listDefinitions', { query: { limit: listLimit } });
  return definitions.filter((one) => one.connection === connection).map(({ id }) => id);
}

async function list(
  { api, out }: CommandDeps,
  { all, json }: { readonly all: boolean; readonly json: boolean },
): Promise<number> {
  const query = { limit: listLimit, settled: all ? 'true' : 'false' } as const;
  const { definitions } = await api.call('listDefinitions', { query });
  if (json) printJson(out, definitions.map(summary));
  else if (definitions.length === 0)
    out(all ? 'No definition is known yet.\n' : 'No definition waits for a person.\n');
  else
    for (const { id, state, before, tool, connection } of definitions) {
      const what = `${visibleText(tool)} on ${visibleText(connection)}`;
      out(`${id}  ${state}  ${before ? 'changed' : 'new'}  ${what}\n`);
    }
  return 0;
}

function summary(one: Definition): Record<string, unknown> {
  const { id, state, connection, tool, version, hash, before, foundAt, decidedBy, decidedAt } = one;
  const previousHash = before?.hash ?? null;
  return { id, state, connection, tool, version, hash, previousHash, foundAt, decidedBy, decidedAt };
}

async function show({ api, out }: CommandDeps, id: string, json: boolean): Promise<number> {
  const one = await api.call('showDefinition', { params: { id } });
  const { before, definitionJson, approvers } = one;
  if (json) {
    const previousJson = before?.definitionJson ?? null;
    printJson(out, { ...summary(one), definitionJson, previousJson, approvers });
    return 0;
  }
  out(`${visibleText(one.tool)} on ${visibleText(one.connection)}: ${one.state}, version ${one.version}\n`);
  out(
    `${before ? `- version ${before.version} ${before.hash}\n` : ''}+ version ${one.version} ${one.hash}\n\n`,
  );
  const lines = before
    ? jsonDiff(before.definitionJson, definitionJson)
    : jsonLines(definitionJson).map((text) => ({ kind: 'added' as const, text }));
  for (const { kind, text } of lines)
    out(`${{ same: ' ', removed: '-', added: '+' }[kind]} ${visibleText(text)}\n`);
  return 0;
}

/** One definition, by what it says now; the others are decided on whatever becomes of it. */
async function decide(
  { api, out, err }: CommandDeps,
  id: string,
  decision: 'approve' | 'deny',
  reason: string | undefined,
): Promise<boolean> {
  try {
    const { hash, tool } = await api.call('showDefinition', { params: { id } });
    const body = { decision, hash, ...(reason && { reason }) };
    const { counted, text } = await api.call('decideDefinition', { params: { id }, body });
    (counted ? out : err)(`${id} ${visibleText(tool)}: ${visibleText(text)}\n`);
    return counted;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    err(`${id}: ${refusalWords(error)}\n`);
    return false;
  }
}
