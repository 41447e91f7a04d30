// Every option of the policy language has an example in the documentation that fails without it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { compilePolicy } from '../../policy/compile.ts';
import { policySchema } from '../../policy/schema.ts';
import { testPolicy } from '../../policy/test-cases.ts';
import { around } from './support.ts';

const root = join(import.meta.dirname, '../..');
const connections = ['postgres', 'files', 'billing', 'mail', 'ci', 'wiki', 'docs'];

/** An option by its path: `rules[].grants.calls`; `*` stands for a name, `[]` for any element. */
interface Option {
  readonly path: string;
  readonly required: boolean;
}
type Json = Record<string, unknown>;

function optionsIn(schema: Json, path: string): Option[] {
  const branches = [...((schema['anyOf'] as Json[]) ?? []), ...((schema['oneOf'] as Json[]) ?? [])];
  const found = branches.flatMap((branch) => optionsIn(branch, path));
  if (typeof schema['items'] === 'object') found.push(...optionsIn(schema['items'] as Json, `${path}[]`));
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = schema as {
    properties?: Record<string, Json>;
    required?: string[];
    additionalProperties?: Json | boolean;
  };
  for (const [name, inner] of Object.entries(properties)) {
    const at = path === '' ? name : `${path}.${name}`;
    found.push({ path: at, required: required.includes(name) }, ...optionsIn(inner, at));
  }
  if (typeof additionalProperties === 'object') found.push(...optionsIn(additionalProperties, `${path}.*`));
  return found;
}

/** All but what a default says like a rule, and masking profiles, which docs/masking.md is about. */
const options = [
  ...new Map(
    optionsIn(z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any' }) as Json, '')
      .filter(({ path }) => !path.startsWith('default.') && path !== 'masking')
      .map((option) => [option.path, option]),
  ).values(),
];

/** An example with its cases. */
interface Example {
  readonly where: string;
  readonly policy: Json;
  readonly cases: string;
}

async function examplesOf(file: string): Promise<Example[]> {
  const text = await readFile(join(root, file), 'utf8');
  const blocks = [...text.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map((found) => ({
    kind: found[1] ?? '',
    text: found[2] ?? '',
    where: `${file}:${text.slice(0, found.index).split('\n').length}`,
  }));
  return blocks.flatMap(({ kind, text: cases }, index) => {
    const before = blocks[index - 1];
    if (kind !== 'yaml cases' || before?.kind !== 'yaml policy') return [];
    return [{ where: before.where, policy: parse(before.text) as Json, cases }];
  });
}

/** Why an example does not hold; null when it does. */
function whyNot(policy: Json, cases: string): string | null {
  const compiled = compilePolicy(stringify(policy), { ...around, connections });
  if ('errors' in compiled) return 'refused';
  const tested = testPolicy(compiled.policy, cases, 'cases.yaml');
  if ('errors' in tested) return 'no cases';
  const wrong = tested.results.find(({ differences }) => differences.length > 0);
  return wrong ? wrong.name : null;
}

/** Copies of a policy, each with the option left out (or changed, where it is required) at one of its places. */
function without(policy: Json, { path, required }: Option): Json[] {
  const steps = path.split(/\.|(?=\[\])/);
  const places: (string | number)[][] = [[]];
  for (const step of steps)
    places.splice(
      0,
      places.length,
      ...places.flatMap((place) => {
        const at = valueAt(policy, place);
        if (step === '[]') return Array.isArray(at) ? at.map((_, index) => [...place, index]) : [];
        if (typeof at !== 'object' || at === null || Array.isArray(at)) return [];
        if (step === '*') return Object.keys(at).map((key) => [...place, key]);
        return step in at ? [[...place, step]] : [];
      }),
    );
  return places.map((place) => {
    const copy = structuredClone(policy);
    const holder = valueAt(copy, place.slice(0, -1)) as Json;
    const key = String(place.at(-1));
    if (required) holder[key] = changed(holder[key]);
    else delete holder[key];
    return copy;
  });
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Json)[key], value);
}

/** Another value of the same kind. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string' && /^\d+[smhd]$/.test(value)) return `1${value}`;
  if (value === 'hold' || value === 'deny') return 'pass';
  if (value === 'pass') return 'deny';
  if (typeof value === 'string') return `${value}2`;
  return [];
}

const examples = [...(await examplesOf('docs/policy.md')), ...(await examplesOf('docs/approvals.md'))];

test('the examples hold as they are written', () => {
  assert.ok(examples.length > 5, `${examples.length} examples with cases`);
  for (const { where, policy, cases } of examples) assert.equal(whyNot(policy, cases), null, where);
});

test('the schema is enumerated', () => {
  const paths = options.map(({ path }) => path);
  for (const known of [
    'rules[].escalation[].after',
    'approvers.*.channelMembers',
    'rules[].approvers.all[].group',
  ])
    assert.ok(paths.includes(known), known);
  assert.ok(options.length > 55, `${options.length} options`);
});

for (const option of options)
  test(`\`${option.path}\` has an example in the documentation that fails without it`, () => {
    const shown = examples.flatMap((example) =>
      without(example.policy, option).map((policy) => ({ example, policy })),
    );
    assert.ok(shown.length > 0, 'no example with cases uses it');
    assert.ok(
      shown.some(({ example, policy }) => whyNot(policy, example.cases) !== null),
      `${shown.map(({ example }) => example.where).join(', ')}: nothing changes without it`,
    );
  });
