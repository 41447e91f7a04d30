import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { formatPath, placeOfProblem, problemsOf, type Problem } from '../../policy/problems.ts';
import { readYaml, type YamlSource } from '../../policy/yaml-source.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import type { Config } from './config.ts';
import { readEnvironment, type Override } from './environment.ts';
import { interpolate } from './interpolate.ts';
import { resolveConfig } from './resolve.ts';
import { configSchema } from './schema.ts';

export interface LoadOptions {
  /** `--config`. Default: `HOLDPOINT_CONFIG`, else `holdpoint.yaml` in the working directory if it exists. */
  readonly file?: string;
  /** `--data`. Default: `HOLDPOINT_DATA`, else `.holdpoint` in the working directory. */
  readonly dataDir?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * The one place where configuration is read: the file, then the environment over it, then defaults; checked,
 * typed and frozen.
 * @throws ConfigError naming every problem with file and line (or variable), key path, rule and remedy
 */
export async function loadConfig({ file: given, dataDir, env, cwd }: LoadOptions): Promise<Config> {
  const named = given ?? (env['HOLDPOINT_CONFIG'] || undefined);
  const file = resolve(cwd, named ?? 'holdpoint.yaml');
  const label = relative(cwd, file).startsWith('..') ? file : relative(cwd, file);
  const text = await readText(file, named !== undefined, label);
  const source = readSource(text ?? '', label);
  const baseDir = text === null ? cwd : dirname(file);
  const { value, origins, problems } = await combine(source, { env, cwd, baseDir });
  const place = placer(source, label, origins);
  if (problems.length > 0)
    throw new ConfigError(problems.map((problem) => ('file' in problem ? problem : place(problem))));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error, configSchema).map(place));
  const resolved = resolveConfig(parsed.data, {
    file: text === null ? null : file,
    baseDir,
    dataDir: resolve(cwd, dataDir ?? (env['HOLDPOINT_DATA'] || '.holdpoint')),
  });
  if ('problems' in resolved) throw new ConfigError(resolved.problems.map(place));
  return resolved.config;
}

/** null when there is no file and nobody asked for one. */
async function readText(file: string, required: boolean, label: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' && !required) return null;
    throw new ConfigError([
      { file: label, line: null, path: '', message: `cannot be read (${code}); check --config` },
    ]);
  }
}

function readSource(text: string, label: string): YamlSource {
  const source = readYaml(text);
  if ('problems' in source)
    throw new ConfigError(
      source.problems.map(({ line, message }) => ({ file: label, line, path: '', message })),
    );
  return source;
}

/** The file's values with references filled in, and the environment's over them. */
async function combine(
  source: YamlSource,
  { env, cwd, baseDir }: { env: LoadOptions['env']; cwd: string; baseDir: string },
): Promise<{
  value: unknown;
  origins: ReadonlyMap<string, string>;
  problems: readonly (Problem | ConfigProblem)[];
}> {
  const fromFile = await interpolate(source.value ?? {}, { env, baseDir });
  const environment = readEnvironment(env);
  const problems: (Problem | ConfigProblem)[] = [
    ...fromFile.problems.filter(({ path }) => !environment.overrides.some((set) => isWithin(path, set.path))),
    ...environment.problems.map(({ variable, message }) => inEnvironment(variable, message)),
  ];
  const origins = new Map<string, string>();
  let value = fromFile.value;
  const apply = async (override: Override): Promise<void> => {
    const filled = await interpolate(override.value, { env, baseDir: cwd });
    problems.push(...filled.problems.map(({ message }) => inEnvironment(override.variable, message)));
    value = withValue(value, override.path, filled.value);
    origins.set(formatPath(override.path), override.variable);
  };
  for (const override of environment.overrides) await apply(override);
  for (const fallback of environment.fallbacks)
    if (valueAt(value, fallback.path) === undefined) await apply(fallback);
  return { value, origins, problems };
}

/** A reference that cannot be filled in does not matter where a variable sets the value anyway. */
function isWithin(path: Override['path'], outer: Override['path']): boolean {
  return outer.every((key, index) => path[index] === key);
}

function inEnvironment(variable: string, message: string): ConfigProblem {
  return { file: 'environment', line: null, path: variable, message };
}

/** Finds where a problem comes from: the variable that set the value, else the line in the file. */
function placer(
  source: YamlSource,
  label: string,
  origins: ReadonlyMap<string, string>,
): (problem: Problem) => ConfigProblem {
  return (problem) => {
    for (let length = problem.path.length; length > 0; length--) {
      const variable = origins.get(formatPath(problem.path.slice(0, length)));
      const below = formatPath(problem.path.slice(length));
      if (variable)
        return inEnvironment(variable, below === '' ? problem.message : `${below}: ${problem.message}`);
    }
    const line = source.value === undefined ? null : placeOfProblem(source, problem).line;
    return { file: label, line, path: formatPath(problem.path), message: problem.message };
  };
}

function withValue(value: unknown, [key, ...rest]: Override['path'], inner: unknown): unknown {
  if (key === undefined) return inner;
  const map = isMap(value) ? value : {};
  return { ...map, [key]: withValue(map[key], rest, inner) };
}

function valueAt(value: unknown, path: Override['path']): unknown {
  return path.reduce<unknown>((at, key) => (isMap(at) ? at[key] : undefined), value);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
