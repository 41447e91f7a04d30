import { z } from 'zod';
import { type KeyPath, readYaml } from '../../policy/yaml-source.ts';
import { configSchema } from './schema.ts';

/** A setting that one environment variable sets. */
export interface EnvironmentSetting {
  readonly variable: string;
  readonly path: readonly string[];
  /** How its value is read: as it is, as a list separated by commas, or as YAML. */
  readonly form: 'text' | 'list' | 'yaml';
  readonly description: string | null;
}

/**
 * Variables that are no settings: where the file and the data are, who is at the command line, and what the program
 * itself is made of.
 */
export const reservedVariables: readonly string[] = [
  'HOLDPOINT_CONFIG',
  'HOLDPOINT_DATA',
  'HOLDPOINT_API_TOKEN',
  'HOLDPOINT_ID_TOKEN',
  'HOLDPOINT_SERVER',
  'HOLDPOINT_TEMPORAL_CLI',
  'HOLDPOINT_TOKEN',
  'HOLDPOINT_TEMPORAL_TEST_SERVER',
  'HOLDPOINT_WORKFLOW_BUNDLE',
];
/** For the project's own tests. */
const testPrefix = 'HOLDPOINT_TEST_';

/** Slack's usual names are understood as they are. */
const plainVariables: Readonly<Record<string, readonly string[]>> = {
  SLACK_BOT_TOKEN: ['slack', 'botToken'],
  SLACK_APP_TOKEN: ['slack', 'appToken'],
};

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
}

/** Every setting and its variable: `HOLDPOINT_` and the key path in upper snake case. */
export function environmentSettings(): readonly EnvironmentSetting[] {
  return settingsOf(z.toJSONSchema(configSchema, { io: 'input' }) as Schema, []);
}

function settingsOf(schema: Schema, path: readonly string[]): readonly EnvironmentSetting[] {
  const branches = [schema, ...(schema.anyOf ?? [])];
  const nested = branches.flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([key, inner]) => settingsOf(inner, [...path, key])),
  );
  if (schema.properties !== undefined) return nested;
  const variable = `HOLDPOINT_${path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')}`;
  return [{ variable, path, form: formOf(branches), description: schema.description ?? null }, ...nested];
}

function formOf(branches: readonly Schema[]): EnvironmentSetting['form'] {
  if (branches.some(({ type, items }) => type === 'array' && items?.type === 'string')) return 'list';
  return branches.some(({ type }) => type === 'string') ? 'text' : 'yaml';
}

export interface Override {
  readonly path: KeyPath;
  readonly variable: string;
  readonly value: unknown;
}

/**
 * What the environment sets; an empty variable sets nothing. `HOLDPOINT_…` wins over the file; Slack's plain names fill in what nothing else sets.
 * @returns overrides in the order in which they apply, and a problem for every `HOLDPOINT_` variable that sets nothing
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  readonly overrides: readonly Override[];
  readonly fallbacks: readonly Override[];
  readonly problems: readonly { readonly variable: string; readonly message: string }[];
} {
  const settings = new Map(environmentSettings().map((setting) => [setting.variable, setting]));
  const overrides: Override[] = [];
  const problems: { variable: string; message: string }[] = [];
  for (const [variable, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!variable.startsWith('HOLDPOINT_') || !text) continue;
    if (reservedVariables.includes(variable) || variable.startsWith(testPrefix)) continue;
    const setting = settings.get(variable);
    if (!setting) {
      problems.push({
        variable,
        message:
          'sets nothing that Holdpoint knows; unset it or correct its name (docs/configuration.md lists all)',
      });
      continue;
    }
    const value = readValue(text, setting.form);
    if ('problem' in value) problems.push({ variable, message: value.problem });
    else overrides.push({ path: setting.path, variable, value: value.value });
  }
  const fallbacks = Object.entries(plainVariables).flatMap(([variable, path]) =>
    env[variable] ? [{ path, variable, value: env[variable] }] : [],
  );
  return { overrides, fallbacks, problems };
}

function readValue(
  text: string,
  form: EnvironmentSetting['form'],
): { readonly value: unknown } | { readonly problem: string } {
  if (form === 'text') return { value: text };
  if (form === 'list' && !text.trimStart().startsWith('[')) {
    const items = text.split(',').map((item) => item.trim());
    return { value: items.filter((item) => item !== '') };
  }
  const source = readYaml(text);
  return 'problems' in source ? { problem: 'is not valid YAML or JSON' } : { value: source.value };
}
