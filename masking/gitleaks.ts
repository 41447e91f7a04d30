import { compilePattern } from './linear/compile.ts';
import type { UserDetector } from './config.ts';
import { readToml, TomlError } from './toml.ts';
import type { Toml, TomlTable } from './toml.ts';

/** What a rule file gave. `skipped` names rules that cannot be used here, each with its reason. */
export interface RuleFile {
  readonly detectors: readonly UserDetector[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Reads a rule file in gitleaks' TOML format (its configuration page, `[[rules]]` and `[allowlist]`). Rules that look
 * at paths only are skipped: a message has none. An open-ended run of name characters in front of a rule's keyword is
 * dropped, since it costs time and finds nothing more.
 * @returns the detectors, or why the file cannot be read
 */
export function readGitleaksRules(
  text: string,
): { ok: true; file: RuleFile } | { ok: false; reason: string } {
  let root: TomlTable;
  try {
    root = readToml(text);
  } catch (error) {
    if (error instanceof TomlError) return { ok: false, reason: error.message };
    throw error;
  }
  const rules = root['rules'];
  if (!Array.isArray(rules)) return { ok: false, reason: 'the file has no [[rules]]' };
  const shared = allowancesOf(root);
  const detectors: UserDetector[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const [at, rule] of rules.entries()) {
    const read = isTable(rule)
      ? readRule(rule, shared)
      : { name: `rule ${at + 1}`, reason: 'it is no table' };
    if ('pattern' in read) detectors.push(read);
    else skipped.push(read);
  }
  return { ok: true, file: { detectors, skipped } };
}

interface Allowances {
  readonly patterns: readonly string[];
  readonly words: readonly string[];
}

function readRule(rule: TomlTable, shared: Allowances): UserDetector | { name: string; reason: string } {
  const name =
    typeof rule['id'] === 'string'
      ? rule['id']
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, '-')
          .slice(0, 40)
      : '';
  if (!/^[a-z][a-z0-9-]*$/.test(name)) return { name: name || 'unnamed', reason: 'it has no id' };
  const regex = rule['regex'];
  if (typeof regex !== 'string') return { name, reason: 'it looks at paths, which messages do not have' };
  const pattern = withoutLead(regex);
  const group = typeof rule['secretGroup'] === 'number' ? rule['secretGroup'] : 1;
  const compiled = compilePattern(pattern, group);
  if (!compiled.ok) return { name, reason: compiled.reason };
  const own = allowancesOf(rule);
  return {
    name,
    pattern,
    group,
    keywords: texts(rule['keywords']),
    validator: 'none',
    examples: [],
    entropy: typeof rule['entropy'] === 'number' ? rule['entropy'] : 0,
    allow: [...own.patterns, ...shared.patterns].filter((each) => compilePattern(each).ok),
    allowWords: [...own.words, ...shared.words].map((word) => word.toLowerCase()),
  };
}

function withoutLead(regex: string): string {
  return regex.replace(/^((?:\(\?i\))?)\[\\w\.-\]\{0,\d+\}\??/, '$1');
}

/** Texts that are no secret, from `[allowlist]` and `[[allowlists]]`; paths and commits mean nothing here. */
function allowancesOf(table: TomlTable): Allowances {
  const lists = [
    table['allowlist'],
    ...(Array.isArray(table['allowlists']) ? table['allowlists'] : []),
  ].filter(isTable);
  // A list about lines or whole matches is not about the secret alone: it is left out, which masks more, never less.
  const about = lists.filter((list) => list['regexTarget'] === undefined || list['regexTarget'] === 'secret');
  const alone = about.filter((list) => list['condition'] !== 'AND');
  return {
    patterns: alone.flatMap((list) => texts(list['regexes'])),
    words: alone.flatMap((list) => texts(list['stopwords'])),
  };
}

function texts(value: Toml | undefined): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string' && item !== '')
    : [];
}

function isTable(value: Toml | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value);
}
