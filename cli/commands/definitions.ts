import { parseArgs } from 'node:util';
import { decideOnDefinition, type DefinitionDesk } from '../../console/definition-decision.ts';
import type { Identity } from '../../console/identity.ts';
import { jsonDiff, jsonLines } from '../../console/json-diff.ts';
import { visibleText } from '../../console/visible.ts';
import {
  settledDefinitions,
  type ShownDefinition,
  shownDefinition,
  waitingDefinitions,
} from '../../db/tool-definitions-shown.ts';
import type { Decision } from '../../workflows/contract.ts';

/** What the command needs. */
export interface DefinitionsDeps {
  readonly desk: DefinitionDesk;
  /** Who is at the command line, proven anew; throws, saying how to prove it, when nobody is. */
  readonly identity: () => Promise<Identity>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

export const usage = `Usage:
  holdpoint definitions list [--all] [--json]        tools whose definition waits for a person (--all: settled ones too)
  holdpoint definitions show ID [--json]             one definition, compared with the accepted one
  holdpoint definitions approve ID... | --connection NAME   accepts definitions (--connection: all that wait of it)
  holdpoint definitions reject ID... [--reason TEXT]        keeps the tools out

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const listLimit = 10_000;

class UsageError extends Error {}

/** Runs `holdpoint definitions …`. @returns the exit code */
export async function run(argv: readonly string[], deps: DefinitionsDeps): Promise<number> {
  try {
    const { values, positionals } = parse(argv);
    const [act = 'list', ...ids] = positionals;
    if (values.help) {
      deps.stdout(usage);
      return 0;
    }
    if (act === 'list') return await list(deps, values);
    if (act === 'show') return await show(deps, ids, values.json);
    if (act === 'approve')
      return await decide(deps, 'approve', await chosen(deps, ids, values.connection), values);
    if (act === 'reject') return await decide(deps, 'deny', await chosen(deps, ids, undefined), values);
    throw new UsageError(`there is no definitions ${act}`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    deps.stderr(`${error.message}\n\n${usage}`);
    return 2;
  }
}

interface Options {
  readonly json: boolean;
  readonly all: boolean;
  readonly help: boolean;
  readonly reason: string | undefined;
  readonly connection: string | undefined;
}

function parse(argv: readonly string[]): { values: Options; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        reason: { type: 'string' },
        connection: { type: 'string' },
      },
    });
    return { values: { ...values, reason: values.reason, connection: values.connection }, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function list({ desk, stdout }: DefinitionsDeps, { all, json }: Options): Promise<number> {
  const found = [
    ...(await waitingDefinitions(desk.pool, listLimit)),
    ...(all ? await settledDefinitions(desk.pool, listLimit) : []),
  ];
  if (json) {
    stdout(`${JSON.stringify(found.map(summary), null, 2)}\n`);
    return 0;
  }
  if (found.length === 0)
    stdout(all ? 'No definition is known yet.\n' : 'No definition waits for a person.\n');
  for (const one of found) {
    const what = `${visibleText(one.tool)} on ${visibleText(one.connection)}`;
    stdout(`${one.definitionId}  ${one.state}  ${one.before ? 'changed' : 'new'}  ${what}\n`);
  }
  return 0;
}

function summary(one: ShownDefinition): Record<string, unknown> {
  const { definitionId: id, connection, tool, state, version, hash, before, foundAt } = one;
  return {
    id,
    state,
    connection,
    tool,
    version,
    hash,
    previousHash: before?.hash ?? null,
    foundAt: foundAt.toISOString(),
    decidedBy: one.decision?.person.name ?? null,
    decidedAt: one.decidedAt?.toISOString() ?? null,
  };
}

async function show(
  { desk, stdout, stderr }: DefinitionsDeps,
  ids: readonly string[],
  json: boolean,
): Promise<number> {
  const [id, ...rest] = ids;
  if (id === undefined || rest.length > 0) throw new UsageError('definitions show needs one id');
  const one = await shownDefinition(desk.pool, id);
  if (!one) {
    stderr(`There is no definition ${id}. See: holdpoint definitions list --all\n`);
    return 1;
  }
  if (json) {
    const facts = { definitionJson: one.definition, previousJson: one.before?.definition ?? null };
    stdout(
      `${JSON.stringify({ ...summary(one), ...facts, approvers: one.approvers.map(({ name }) => name) }, null, 2)}\n`,
    );
    return 0;
  }
  stdout(
    `${visibleText(one.tool)} on ${visibleText(one.connection)}: ${one.state}, version ${one.version}\n`,
  );
  stdout(
    `${one.before ? `- version ${one.before.version} ${one.before.hash}\n` : ''}+ version ${one.version} ${one.hash}\n\n`,
  );
  const lines = one.before
    ? jsonDiff(one.before.definition, one.definition)
    : jsonLines(one.definition).map((text) => ({ kind: 'added' as const, text }));
  for (const { kind, text } of lines)
    stdout(`${{ same: ' ', removed: '-', added: '+' }[kind]} ${visibleText(text)}\n`);
  return 0;
}

async function chosen(
  { desk }: DefinitionsDeps,
  ids: readonly string[],
  connection: string | undefined,
): Promise<(ShownDefinition | string)[]> {
  if (ids.length > 0 === (connection !== undefined))
    throw new UsageError('name definitions, or one --connection');
  if (connection !== undefined)
    return (await waitingDefinitions(desk.pool, listLimit)).filter((one) => one.connection === connection);
  return Promise.all(ids.map(async (id) => (await shownDefinition(desk.pool, id)) ?? id));
}

async function decide(
  deps: DefinitionsDeps,
  decision: Decision,
  definitions: readonly (ShownDefinition | string)[],
  { reason }: Options,
): Promise<number> {
  let identity: Identity;
  try {
    identity = await deps.identity();
  } catch (error) {
    deps.stderr(`Nothing was done: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  let failed = 0;
  if (definitions.length === 0) deps.stdout('No definition of it waits.\n');
  for (const one of definitions) {
    if (typeof one === 'string') {
      failed++;
      deps.stderr(`There is no definition ${one}. See: holdpoint definitions list\n`);
      continue;
    }
    const act = { decision, reason: reason?.trim() ? reason.trim() : null, via: 'cli' } as const;
    const { counted, text } = await decideOnDefinition(deps.desk, identity, one, act);
    const line = `${one.definitionId} ${visibleText(one.tool)}: ${visibleText(text)}\n`;
    if (counted) deps.stdout(line);
    else {
      failed++;
      deps.stderr(line);
    }
  }
  return failed === 0 ? 0 : 1;
}
