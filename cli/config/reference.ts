import { z } from 'zod';
import { environmentSettings } from './environment.ts';
import { configSchema } from './schema.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
}

/**
 * The reference part of docs/configuration.md: every setting with its variable, default and meaning, made from what
 * the program itself checks with. `<name>` stands for a key of one's own, `[]` for an element of a list.
 */
export function settingsReference(): string {
  const variables = new Map(environmentSettings().map(({ path, variable }) => [path.join('.'), variable]));
  const root = z.toJSONSchema(configSchema, { io: 'input' }) as Schema;
  const sections = Object.entries(root.properties ?? {}).map(([name, section]) => {
    const rows = rowsOf(section, [name], false).map(({ path, schema, required }) => {
      const variable = variables.get(path.join('.'));
      return `| \`${path.join('.').replaceAll('.[]', '[]')}\` | ${variable ? `\`${variable}\`` : ''} | ${defaultOf(schema, required)} | ${schema.description ?? ''} |`;
    });
    const heading = `### ${name}\n\n${rows.length > 1 && section.description ? `${section.description}\n\n` : ''}`;
    return `${heading}| key | variable | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return sections.join('\n');
}

interface Row {
  readonly path: readonly string[];
  readonly schema: Schema;
  readonly required: boolean;
}

/** Leaves, and the maps and lists that one variable sets as a whole. */
function rowsOf(schema: Schema, path: readonly string[], required: boolean): readonly Row[] {
  const inner = [schema, ...(schema.anyOf ?? [])].flatMap((branch) => [
    ...Object.entries(branch.properties ?? {}).flatMap(([key, value]) =>
      rowsOf(value, [...path, key], branch.required?.includes(key) ?? false),
    ),
    ...(typeof branch.additionalProperties === 'object' && isCompound(branch.additionalProperties)
      ? rowsOf(branch.additionalProperties, [...path, '<name>'], false).filter(
          (row) => row.path.length > path.length + 1,
        )
      : []),
    ...(branch.items && isCompound(branch.items) ? rowsOf(branch.items, [...path, '[]'], false) : []),
  ]);
  return schema.properties === undefined && !(path.at(-1) === '[]')
    ? [{ path, schema, required }, ...unique(inner)]
    : unique(inner);
}

/** Both kinds of connection share some keys; the first description stands. */
function unique(rows: readonly Row[]): readonly Row[] {
  const seen = new Map<string, Row>();
  for (const row of rows) if (!seen.has(row.path.join('.'))) seen.set(row.path.join('.'), row);
  return [...seen.values()];
}

function isCompound(schema: Schema): boolean {
  return schema.properties !== undefined || (schema.anyOf ?? []).some(isCompound);
}

function defaultOf(schema: Schema, required: boolean): string {
  if (required) return 'required';
  if (schema.default === undefined) return '';
  return `\`${typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default)}\``;
}
