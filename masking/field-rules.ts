import type { Operator } from './config.ts';
import { normalName } from './detect/field-names.ts';

/** A profile's own fields. */
export interface FieldRules {
  /** Whether a profile has any. */
  readonly any: boolean;
  /** @returns what to do with the value at this path under this key, or null when no field names it */
  operatorFor(path: string, key: string | null): Operator | 'keep' | null;
}

/** Makes the rules ready: names compare as words in any case style, paths step by step. */
export function createFieldRules(fields: Readonly<Record<string, Operator | 'keep'>>): FieldRules {
  const names = new Map<string, Operator | 'keep'>();
  const paths: { match: RegExp; operator: Operator | 'keep' }[] = [];
  for (const [name, operator] of Object.entries(fields)) {
    if (name.startsWith('$')) paths.push({ match: pathPattern(name), operator });
    else names.set(normalName(name), operator);
  }
  const any = names.size > 0 || paths.length > 0;
  return {
    any,
    operatorFor(path, key) {
      if (!any) return null;
      for (const rule of paths) if (rule.match.test(path)) return rule.operator;
      return key === null || names.size === 0 ? null : (names.get(normalName(key)) ?? null);
    },
  };
}

function pathPattern(path: string): RegExp {
  const source = path
    .slice(1)
    .replaceAll(/\.\*/g, '\u0000')
    .replaceAll('[*]', '\u0001')
    .replaceAll(/[.[\]$]/g, '\\$&')
    .replaceAll('\u0000', '\\.[^.[]+')
    .replaceAll('\u0001', '\\[\\d+\\]');
  return new RegExp(`^\\$${source}$`);
}
