import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KeyPath } from '../../policy/yaml-source.ts';

/** Where interpolated values come from. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths in `${file:PATH}` are relative to. */
  readonly baseDir: string;
}

export interface InterpolationProblem {
  readonly path: KeyPath;
  readonly message: string;
}

const reference = /\$\$\{|\$\{([^}]*)\}?/g;
const maxFileBytes = 1_048_576;

/**
 * Replaces `${NAME}` by an environment variable and `${file:PATH}` by a file's content (without its last line
 * break) in every text of `value`; `$${` stands for `${` itself. What is put in is not looked at again.
 * Problems name the variable or file, never a value.
 */
export async function interpolate(
  value: unknown,
  sources: Sources,
  path: KeyPath = [],
): Promise<{ readonly value: unknown; readonly problems: readonly InterpolationProblem[] }> {
  if (typeof value === 'string') return interpolateText(value, sources, path);
  if (typeof value !== 'object' || value === null) return { value, problems: [] };
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, inner]) => {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      return [key, await interpolate(inner, sources, at)] as const;
    }),
  );
  const problems = entries.flatMap(([, result]) => result.problems);
  if (Array.isArray(value)) return { value: entries.map(([, result]) => result.value), problems };
  return { value: Object.fromEntries(entries.map(([key, result]) => [key, result.value])), problems };
}

async function interpolateText(
  text: string,
  sources: Sources,
  path: KeyPath,
): Promise<{ readonly value: string; readonly problems: readonly InterpolationProblem[] }> {
  const problems: InterpolationProblem[] = [];
  let result = '';
  let end = 0;
  for (const found of text.matchAll(reference)) {
    result += text.slice(end, found.index);
    end = found.index + found[0].length;
    const inserted = found[0] === '$${' ? { text: '${' } : await lookUp(found[0], found[1] ?? '', sources);
    if ('text' in inserted) result += inserted.text;
    else problems.push({ path, message: inserted.problem });
  }
  return { value: result + text.slice(end), problems };
}

async function lookUp(
  whole: string,
  name: string,
  { env, baseDir }: Sources,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  if (!whole.endsWith('}')) return { problem: '`${` without `}`; write `$${` for the characters themselves' };
  if (name.startsWith('file:')) return readSecret(resolve(baseDir, name.slice('file:'.length)));
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return {
      problem: `\`${whole}\` is neither \`\${NAME}\` nor \`\${file:PATH}\`; write \`$\${\` for the characters themselves`,
    };
  const value = env[name];
  if (value === undefined || value === '')
    return { problem: `the environment variable ${name} is not set; set it, or remove this setting` };
  return { text: value };
}

async function readSecret(file: string): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > maxFileBytes) return { problem: `the file ${file} is longer than 1 MiB` };
    return { text: bytes.toString('utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { problem: `the file ${file} cannot be read (${code}); create it, or let this user read it` };
  }
}
