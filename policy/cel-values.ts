import { celList, celMap, type CelInput, type CelValue, isCelList, isCelMap } from '@bufbuild/cel';

/** More steps through arguments than any sane rule takes; nested loops over hostile arguments run into it. */
const maxSteps = 200_000;

/** Counts the elements of arguments that an evaluation has looked at. */
export interface StepBudget {
  left: number;
}

export function newStepBudget(): StepBudget {
  return { left: maxSteps };
}

/**
 * Shows parsed JSON to CEL without copying it: maps and lists are wrapped when they are reached, so that a rule
 * pays only for what it looks at. Only own keys exist (`constructor`, `__proto__` are keys like any other), numbers
 * are doubles as in google.protobuf.Value.
 * @throws Error from within the evaluation when the budget is used up, which makes the rule fail closed
 */
export function celFromJson(value: unknown, budget: StepBudget): CelValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return celList(lazyArray(value, budget));
  if (typeof value === 'object') return mapFromJson(value as Readonly<Record<string, unknown>>, budget);
  return null;
}

/**
 * The JSON value that an expression gave.
 * @throws Error for what JSON has no form for (bytes, times, whole numbers beyond 2^53)
 */
export function jsonFromCel(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (isCelList(value)) return [...value].map(jsonFromCel);
  if (isCelMap(value)) {
    const object = Object.create(null) as Record<string, unknown>;
    for (const [key, inner] of value) {
      if (typeof key !== 'string') throw new Error('keys of JSON are strings');
      object[key] = jsonFromCel(inner);
    }
    return object;
  }
  throw new Error('the value has no form in JSON');
}

function mapFromJson(value: Readonly<Record<string, unknown>>, budget: StepBudget): CelValue {
  const keys = Object.keys(value);
  const get = (key: unknown): CelValue | undefined => {
    spend(budget);
    return typeof key === 'string' && Object.hasOwn(value, key) ? celFromJson(value[key], budget) : undefined;
  };
  const entries = function* (): MapIterator<[string, CelInput]> {
    for (const key of keys) yield [key, get(key) as CelInput];
    return undefined;
  };
  const map: ReadonlyMap<string, CelInput> = {
    size: keys.length,
    get: (key) => get(key),
    has: (key) => Object.hasOwn(value, key),
    forEach: (callback) => {
      for (const key of keys) callback(get(key) as CelInput, key, map);
    },
    entries,
    keys: function* () {
      for (const key of keys) {
        spend(budget);
        yield key;
      }
      return undefined;
    },
    values: function* () {
      for (const key of keys) yield get(key) as CelInput;
      return undefined;
    },
    [Symbol.iterator]: entries,
  };
  const wrapped = celMap(map);
  // The library's own `has` takes a key whose value is null for absent.
  Object.defineProperty(wrapped, 'has', { value: (key: unknown) => typeof key === 'string' && map.has(key) });
  return wrapped;
}

/** An array whose elements become CEL values when they are read. */
function lazyArray(items: readonly unknown[], budget: StepBudget): readonly CelInput[] {
  const read = (index: number): CelInput => {
    spend(budget);
    return celFromJson(items[index], budget);
  };
  const values = function* (): ArrayIterator<CelInput> {
    for (let index = 0; index < items.length; index++) yield read(index);
    return undefined;
  };
  return new Proxy([] as CelInput[], {
    get: (_, key) => {
      if (key === 'length') return items.length;
      if (key === 'values' || key === Symbol.iterator) return values;
      return typeof key === 'string' && /^\d+$/.test(key) ? read(Number(key)) : undefined;
    },
  });
}

function spend(budget: StepBudget): void {
  if (--budget.left < 0) throw new Error('the arguments are too large for this rule');
}
