import { builtinDetectors, families } from './detectors.ts';
import { readRestore, readUses } from './places.ts';
import type { ProfileUse, RestorePair } from './places.ts';

/** How a value is replaced. What each writes is told in docs/masking.md. */
export type Operator = 'redact' | 'partial' | 'hash' | 'pseudonym' | 'format' | 'drop' | 'token';
export const operators: readonly Operator[] = [
  'redact',
  'partial',
  'hash',
  'pseudonym',
  'format',
  'drop',
  'token',
];

/** One profile of `masking:` in policy.yaml. */
export interface ProfileConfig {
  /** Families (`secrets`, `pii`, `payment`) and names of detectors. */
  readonly detect: readonly string[];
  /** Detectors to leave out of what `detect` names. */
  readonly except: readonly string[];
  /** Field names (any case style), or paths that start with `$.`, to an operator, or to `keep`. */
  readonly fields: Readonly<Record<string, Operator | 'keep'>>;
  /** Families and detectors to an operator; what is not named is redacted. */
  readonly operators: Readonly<Record<string, Operator>>;
  /** What happens to images and other binary content. */
  readonly images: 'keep' | 'drop';
  /** What goes upstream of a client's message: as it was sent, or as it is recorded. */
  readonly requests: 'as-sent' | 'masked';
  /** Texts that are left alone wherever a detector finds exactly them. */
  readonly allow: readonly string[];
}

/** A user's own detector. */
export interface UserDetector {
  readonly name: string;
  readonly pattern: string;
  readonly keywords: readonly string[];
  readonly validator: 'none' | 'luhn' | 'entropy';
  /** Texts the pattern must find; checked when policy is loaded. */
  readonly examples: readonly string[];
  /** Capturing group to hide; the first when absent, the whole match when there is none. */
  readonly group?: number;
  /** Lowest entropy in bits a character, for rules from files. */
  readonly entropy?: number;
  /** Patterns and lower-case words that make a match harmless, for rules from files. */
  readonly allow?: readonly string[];
  readonly allowWords?: readonly string[];
}

/** The whole of `masking:`. A profile named `default` always exists. */
export interface MaskingConfig {
  readonly profiles: Readonly<Record<string, ProfileConfig>>;
  readonly detectors: readonly UserDetector[];
  /** Profiles by connection, tool and group, for what no rule gave one to. */
  readonly uses: readonly ProfileUse[];
  /** Where tokens may be opened beyond the connection they come from. */
  readonly restore: readonly RestorePair[];
}

/** A mistake, with the way to it inside `masking:`. */
export interface MaskingProblem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Reads a rule file by its path as policy names it. */
export type RuleReader = (
  path: string,
) => { ok: true; detectors: readonly UserDetector[] } | { ok: false; reason: string };

/** What is in force when policy says nothing. */
export const defaultProfile: ProfileConfig = {
  detect: ['secrets', 'pii', 'payment'],
  except: [],
  fields: {},
  operators: {},
  images: 'keep',
  requests: 'as-sent',
  allow: [],
};

const profileKeys = ['detect', 'except', 'fields', 'operators', 'images', 'requests', 'allow'];
const detectorKeys = ['name', 'pattern', 'keywords', 'validator', 'examples'];

/** Keys of `masking:` that name no profile. */
const reserved = ['detectors', 'ruleFiles', 'use', 'restore'];

/** Names of the profiles that rules may refer to. */
export function profileNames(raw: unknown): string[] {
  const names = isRecord(raw) ? Object.keys(raw).filter((name) => !reserved.includes(name)) : [];
  return names.includes('default') ? names : ['default', ...names];
}

/**
 * Reads the value of `masking:`; absent means the default profile alone.
 * @returns the config, or every mistake there is
 */
export function readMaskingConfig(
  raw: unknown,
  tryDetector: (detector: UserDetector) => string | null,
  readRules: RuleReader = () => ({ ok: false, reason: 'rule files cannot be read here' }),
): { ok: true; config: MaskingConfig } | { ok: false; problems: MaskingProblem[] } {
  const problems: MaskingProblem[] = [];
  const profiles: Record<string, ProfileConfig> = {};
  const detectors: UserDetector[] = [];
  if (raw !== undefined && raw !== null && !isRecord(raw)) {
    return { ok: false, problems: [{ path: [], message: 'masking must be a map of profiles' }] };
  }
  const map = raw ?? {};
  readDetectors(map['detectors'], detectors, tryDetector, problems);
  readRuleFiles(map['ruleFiles'], detectors, readRules, problems);
  const known = new Set([
    ...builtinDetectors.keys(),
    ...families,
    ...detectors.map((detector) => detector.name),
  ]);
  for (const [name, value] of Object.entries(map)) {
    if (!reserved.includes(name)) profiles[name] = readProfile(name, value, known, problems);
  }
  profiles['default'] ??= defaultProfile;
  const uses = readUses(map['use'], profileNames(map), problems);
  const restore = readRestore(map['restore'], known, problems);
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, config: { profiles, detectors, uses, restore } };
}

function readRuleFiles(
  raw: unknown,
  detectors: UserDetector[],
  readRules: RuleReader,
  problems: MaskingProblem[],
): void {
  if (raw === undefined) return;
  if (!isTextList(raw)) {
    problems.push({ path: ['ruleFiles'], message: 'ruleFiles must be a list of paths' });
    return;
  }
  for (const [at, path] of raw.entries()) {
    const read = readRules(path);
    if (read.ok) detectors.push(...read.detectors);
    else problems.push({ path: ['ruleFiles', at], message: `${path}: ${read.reason}` });
  }
}

function readProfile(
  name: string,
  value: unknown,
  known: ReadonlySet<string>,
  problems: MaskingProblem[],
): ProfileConfig {
  if (!isRecord(value)) {
    problems.push({ path: [name], message: `profile ${name} must be a map with ${profileKeys.join(', ')}` });
    return defaultProfile;
  }
  refuseUnknown(value, profileKeys, [name], problems);
  const detectorList = (key: string, fallback: readonly string[]): readonly string[] => {
    const list = value[key];
    if (list === undefined) return fallback;
    if (!Array.isArray(list)) {
      problems.push({ path: [name, key], message: `${key} must be a list of detectors or families` });
      return fallback;
    }
    return list.filter((item, at): item is string => {
      if (typeof item === 'string' && known.has(item)) return true;
      problems.push({
        path: [name, key, at],
        message: `unknown detector ${JSON.stringify(item)}; families are ${families.join(', ')}`,
      });
      return false;
    });
  };
  const images = value['images'] ?? 'keep';
  if (images !== 'keep' && images !== 'drop')
    problems.push({ path: [name, 'images'], message: 'images must be keep or drop' });
  const requests = value['requests'] ?? 'as-sent';
  if (requests !== 'as-sent' && requests !== 'masked')
    problems.push({ path: [name, 'requests'], message: 'requests must be as-sent or masked' });
  const allow = value['allow'] ?? [];
  if (!isTextList(allow)) problems.push({ path: [name, 'allow'], message: 'allow must be a list of texts' });
  return {
    requests: requests === 'masked' ? 'masked' : 'as-sent',
    allow: isTextList(allow) ? allow : [],
    detect: detectorList('detect', defaultProfile.detect),
    except: detectorList('except', []),
    fields: readOperators<Operator | 'keep'>(
      value['fields'],
      [...operators, 'keep'],
      null,
      [name, 'fields'],
      problems,
    ),
    operators: readOperators<Operator>(value['operators'], operators, known, [name, 'operators'], problems),
    images: images === 'drop' ? 'drop' : 'keep',
  };
}

function readOperators<T extends string>(
  raw: unknown,
  allowed: readonly T[],
  known: ReadonlySet<string> | null,
  path: string[],
  problems: MaskingProblem[],
): Record<string, T> {
  const result: Record<string, T> = {};
  if (raw === undefined) return result;
  if (!isRecord(raw)) {
    problems.push({ path, message: `${path.at(-1)} must be a map` });
    return result;
  }
  for (const [key, value] of Object.entries(raw)) {
    const operator = allowed.find((each) => each === value);
    if (known !== null && !known.has(key))
      problems.push({ path: [...path, key], message: `unknown detector ${JSON.stringify(key)}` });
    else if (operator === undefined)
      problems.push({ path: [...path, key], message: `unknown operator; use one of ${allowed.join(', ')}` });
    else if (known === null && key.startsWith('$') && !/^\$(?:\.(?:[\w-]+|\*)|\[(?:\d+|\*)\])+$/.test(key)) {
      problems.push({
        path: [...path, key],
        message: 'a path is written like $.params.arguments.items[*].note',
      });
    } else result[key] = operator;
  }
  return result;
}

function readDetectors(
  raw: unknown,
  detectors: UserDetector[],
  tryDetector: (detector: UserDetector) => string | null,
  problems: MaskingProblem[],
): void {
  if (raw === undefined) return;
  if (!Array.isArray(raw)) {
    problems.push({ path: ['detectors'], message: 'detectors must be a list' });
    return;
  }
  for (const [at, value] of raw.entries()) {
    const path = ['detectors', at];
    if (!isRecord(value)) {
      problems.push({ path, message: `a detector must be a map with ${detectorKeys.join(', ')}` });
      continue;
    }
    refuseUnknown(value, detectorKeys, path, problems);
    const { name, pattern, keywords = [], validator = 'none', examples = [] } = value;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,40}$/.test(name))
      problems.push({ path: [...path, 'name'], message: 'name must be lower-case words joined by hyphens' });
    else if (builtinDetectors.has(name) || detectors.some((each) => each.name === name))
      problems.push({ path: [...path, 'name'], message: `there is a detector ${name} already` });
    else if (typeof pattern !== 'string' || pattern === '')
      problems.push({ path: [...path, 'pattern'], message: 'pattern must be a regular expression' });
    else if (!isTextList(keywords))
      problems.push({ path: [...path, 'keywords'], message: 'keywords must be a list of texts' });
    else if (validator !== 'none' && validator !== 'luhn' && validator !== 'entropy')
      problems.push({ path: [...path, 'validator'], message: 'validator must be none, luhn or entropy' });
    else if (!isTextList(examples))
      problems.push({ path: [...path, 'examples'], message: 'examples must be a list of texts' });
    else {
      const detector: UserDetector = { name, pattern, keywords, validator, examples };
      const wrong = tryDetector(detector);
      if (wrong === null) detectors.push(detector);
      else problems.push({ path, message: wrong });
    }
  }
}

function refuseUnknown(
  value: Record<string, unknown>,
  keys: readonly string[],
  path: (string | number)[],
  problems: MaskingProblem[],
): void {
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      problems.push({ path: [...path, key], message: `unknown key ${key}; known are ${keys.join(', ')}` });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}
