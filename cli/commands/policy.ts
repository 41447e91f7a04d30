import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compilePolicy, formatPolicyError, type PolicyError } from '../../policy/compile.ts';
import type { Surroundings } from '../../policy/checks.ts';
import type { Policy } from '../../policy/policy.ts';
import { testPolicy, type CaseResult } from '../../policy/test-cases.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { readPolicy } from '../policy-file.ts';
import { demonstrated } from '../starter/demonstration.ts';

export interface PolicyCommandDeps {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** `--config`, which the caller has taken out of the arguments. */
  readonly configFile: string | undefined;
  /** `--data`, likewise. */
  readonly dataDir: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Like the compiler's own, with the path of the policy, which its rule files are relative to. */
  readonly checkMasking: (value: unknown, file: string) => ReturnType<Surroundings['checkMasking']>;
}

export const usage = `Usage:
  holdpoint policy check [FILE] [--config FILE] [--json]
  holdpoint policy test CASES [--policy FILE] [--config FILE] [--json]

check  reads a policy as the gateway would and names everything that is wrong with it.
       Without FILE: the policy of the configuration, checked against its connections as well.
test   runs calls against a policy and compares the verdicts (docs/policy.md shows the format).

Exit code: 0 all well, 1 something is wrong, 2 usage.
`;

const options = {
  policy: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** `holdpoint policy …`. Resolves to the exit code; throws nothing that a user can cause. */
export async function run(argv: readonly string[], deps: PolicyCommandDeps): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    return misused(deps, error instanceof Error ? error.message : 'wrong arguments');
  }
  const { values, positionals } = parsed;
  const [command, file, ...rest] = positionals;
  if (values.help) {
    deps.out(usage);
    return 0;
  }
  if (rest.length > 0) return misused(deps, `unexpected argument: ${rest[0]}`);
  const json = values.json ?? false;
  try {
    if (command === 'check') {
      if (values.policy !== undefined)
        return misused(deps, 'policy check takes the file as its argument, not --policy');
      return await check(deps, { file, json });
    }
    if (command !== 'test')
      return misused(
        deps,
        command === undefined ? 'say check or test' : `no such command: policy ${command}`,
      );
    if (file === undefined) return misused(deps, 'policy test needs a file of cases');
    return await test(deps, { file: values.policy, json }, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (json) deps.out(`${JSON.stringify({ ok: false, errors: error.problems })}\n`);
    else deps.err(`${error.message}\n`);
    return 1;
  }
}

function misused(deps: PolicyCommandDeps, message: string): number {
  deps.err(`${message}\n\n${usage}`);
  return 2;
}

interface Which {
  readonly file: string | undefined;
  readonly json: boolean;
}

async function check(deps: PolicyCommandDeps, which: Which): Promise<number> {
  const { name, result } = await compileFile(deps, which.file);
  if ('errors' in result) return wrong(deps, which.json, result.errors);
  const { version, rules } = result.policy;
  if (which.json)
    deps.out(`${JSON.stringify({ ok: true, file: name, version, rules: rules.map((rule) => rule.name) })}\n`);
  else
    deps.out(`${name}: fine; ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}, version ${version}\n`);
  return 0;
}

async function test(deps: PolicyCommandDeps, which: Which, cases: string): Promise<number> {
  const { result } = await compileFile(deps, which.file);
  if ('errors' in result) return wrong(deps, which.json, result.errors);
  const tested = testPolicy(result.policy, await readCases(deps, cases), cases);
  if ('errors' in tested) return wrong(deps, which.json, tested.errors);
  const failed = tested.results.filter(({ differences }) => differences.length > 0);
  if (which.json)
    deps.out(
      `${JSON.stringify({ ok: failed.length === 0, version: result.policy.version, results: tested.results })}\n`,
    );
  else deps.out(report(cases, tested.results, result.policy));
  return failed.length === 0 ? 0 : 1;
}

/** A named file stands alone; the configuration's is checked against its connections and Slack. */
async function compileFile(
  deps: PolicyCommandDeps,
  file: string | undefined,
): Promise<{ name: string; result: ReturnType<typeof compilePolicy> }> {
  const { cwd, checkMasking } = deps;
  const alone = file !== undefined && deps.configFile === undefined;
  const config = alone ? null : await configOf(deps);
  const path = file === undefined ? (config?.policy ?? '') : resolve(cwd, file);
  const name = file ?? path;
  const surroundings = {
    connections: config === null ? null : Object.keys(config.connections),
    slackConfigured: config === null ? null : config.slack !== null,
    checkMasking: (value: unknown) => checkMasking(value, path),
  };
  return { name, result: compilePolicy(await readPolicy(path), { ...surroundings, file: name }) };
}

/** The configuration as `holdpoint up` would have it. */
async function configOf({ env, cwd, configFile, dataDir }: PolicyCommandDeps): Promise<Config> {
  const file = configFile === undefined ? {} : { file: configFile };
  const data = dataDir === undefined ? {} : { dataDir };
  return demonstrated(await loadConfig({ env, cwd, ...file, ...data }));
}

async function readCases({ cwd }: PolicyCommandDeps, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigError([{ file, line: null, path: '', message: `the cases cannot be read (${code})` }]);
  }
}

function wrong(deps: PolicyCommandDeps, json: boolean, errors: readonly PolicyError[]): number {
  if (json) deps.out(`${JSON.stringify({ ok: false, errors })}\n`);
  else deps.err(errors.map((error) => `${formatPolicyError(error)}\n`).join(''));
  return 1;
}

function report(file: string, results: readonly CaseResult[], policy: Policy): string {
  const lines = results.flatMap(({ name, line, differences, rule, verdict }) =>
    differences.length === 0
      ? [`  ok      ${name}  (${verdict}, ${rule})`]
      : [
          `  FAILED  ${name}  (${file}:${line})`,
          ...differences.flatMap(({ key, expected, actual }) => [
            `            ${key}:`,
            `              - ${expected}`,
            `              + ${actual}`,
          ]),
          ...(differences.some(({ key }) => key === 'rule') ? [] : [`            by rule \`${rule}\``]),
        ],
  );
  const failed = results.filter(({ differences }) => differences.length > 0).length;
  const summary =
    failed === 0
      ? `${results.length} as expected`
      : `${failed} of ${results.length} failed (- expected, + actual)`;
  return `${[...lines, '', `${summary}; policy ${policy.version}`].join('\n')}\n`;
}
