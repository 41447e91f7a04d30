import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { compilePolicy, formatPolicyError } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Invocation } from '../main.ts';
import { ruleFileReader } from '../masking.ts';
import { readPolicy } from '../policy-file.ts';
import { demonstrated } from '../starter/demonstration.ts';
import { answering, argumentsOf, oneOf, UsageError } from './answering.ts';

const usage = `Usage:
  holdpoint mask FILE|- [--profile NAME] [--config FILE | --server URL] [--json]
  holdpoint mask --report [--policy FILE] [--profile NAME] [--connection NAME] [--group NAME]… [--from TIME]
                 [--to TIME] [--json]
  holdpoint mask --report --list [--json]
  holdpoint mask --report (--id REPORT [--json] | --delete REPORT)

Prints the text as a masking profile of the configured policy would have it; - reads standard input.
--profile  the profile; without it, default
--server   the policy of that Holdpoint (also HOLDPOINT_SERVER); without it the text does not leave this machine
--json     what was found instead: detector, path, operator, confidence; never values

With --report, says what a changed policy would mask of recorded traffic in addition, what it would no longer mask,
and what in another way: by detector, connection and tool, with counts and places, never values. Doing so is recorded.
It is compared where the recordings are (--server, holdpoint login), or here with --database; Ctrl-C takes it back.
--policy      the changed policy, its rule files beside it; without it, the one in force
--profile     one profile for everything; without it, those that the policy gives by rule and place
--connection  only this connection
--group       a group that callers are taken to be in, for profiles by group; may be repeated
--from, --to  times such as 2026-11-20T00:00:00Z; without them, yesterday (UTC)
--list        the reports that you asked for in the last week
--id          one of these: waits for it, and shows what came of it
--delete      takes one away; it ends where it is under way

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

const options = {
  profile: { type: 'string', default: 'default' },
  json: { type: 'boolean', default: false },
} as const;

/** `holdpoint mask …`. @throws ConfigError when configuration or policy cannot be read */
export async function mask(invocation: Invocation): Promise<number> {
  const { argv, out, err } = invocation;
  if (argv.includes('--report'))
    return (await import('../mask-report-wiring.ts')).maskReport(invocation, usage);
  return answering({ argv, usage, out, err }, async () => {
    const { values, positionals } = argumentsOf(argv, options);
    const file = oneOf(positionals, 'a FILE, or - for standard input,');
    return isElsewhere(invocation)
      ? maskElsewhere(invocation, file, values)
      : maskHere(invocation, file, values);
  });
}

interface Chosen {
  readonly profile: string;
  readonly json: boolean;
}

async function maskHere(invocation: Invocation, file: string, { profile, json }: Chosen): Promise<number> {
  const { cwd, out } = invocation;
  const masking = await configuredMasking(invocation);
  const profiles = profileNames(masking.raw);
  if (!profiles.includes(profile))
    throw new UsageError(
      `there is no masking profile ${JSON.stringify(profile)}; there are: ${profiles.join(', ')}`,
    );
  const masker = createMaskingEngine(loadMaskingConfig(masking.raw, masking.readText)).masker(profile);
  const given = await textIn(file, cwd);
  const masked = isJson(given) ? masker.json(given) : masker.text(given);
  out(json ? `${JSON.stringify({ profile, findings: masked.findings })}\n` : masked.text);
  return 0;
}

/**
 * A text goes to another machine only where that was asked for in so many words: it may hold secrets, and being signed in
 * somewhere does not say so.
 */
function isElsewhere({ server, database, env, configFile, dataDir }: Invocation): boolean {
  if (server !== undefined) return true;
  const here = database || configFile !== undefined || dataDir !== undefined;
  return !here && (env['HOLDPOINT_SERVER'] ?? '') !== '';
}

async function maskElsewhere(
  invocation: Invocation,
  file: string,
  { profile, json }: Chosen,
): Promise<number> {
  const { withApi } = await import('../api/open.ts');
  return withApi(invocation, async (_, { api, out }) => {
    const body = { text: await textIn(file, invocation.cwd), profile };
    const { text, findings } = await api.call('tryMasking', { body });
    out(json ? `${JSON.stringify({ profile, findings })}\n` : text);
    return 0;
  });
}

async function textIn(file: string, cwd: string): Promise<string> {
  return file === '-' ? readAll(process.stdin) : readFile(resolve(cwd, file), 'utf8');
}

/** The `masking:` of the policy that `holdpoint up` would have, checked. */
async function configuredMasking(invocation: Invocation) {
  const config = await configuredBy(invocation);
  const readText = ruleFileReader(config.policy);
  // Before the first `holdpoint up` there is no policy yet: then what is in force without one.
  if (config.file === null && !existsSync(config.policy)) return { raw: undefined, readText };
  const policy = await readMaskingPolicy(config, config.policy);
  return { raw: policy.masking, readText };
}

async function configuredBy({ configFile, dataDir, env, cwd }: Invocation): Promise<Config> {
  return demonstrated(
    await loadConfig({
      ...(configFile ? { file: configFile } : {}),
      ...(dataDir ? { dataDir } : {}),
      env,
      cwd,
    }),
  );
}

/** A policy, checked with its masking and against the configured connections. @throws Error that says what is wrong */
export async function readMaskingPolicy(config: Config, file: string): Promise<Policy> {
  const compiled = compilePolicy(await readPolicy(file), {
    file,
    connections: Object.keys(config.connections),
    slackConfigured: null,
    checkMasking: (value) => checkMaskingConfig(value, ruleFileReader(file)),
  });
  if ('errors' in compiled) throw new Error(compiled.errors.map(formatPolicyError).join('\n'));
  return compiled.policy;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
