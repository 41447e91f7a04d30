import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { stringify } from 'yaml';
import { ConfigError } from '../../cli/config/config-error.ts';
import { environmentSettings } from '../../cli/config/environment.ts';
import { loadConfig } from '../../cli/config/load.ts';

const settings = environmentSettings();
const word = fc.constantFrom(
  '127.0.0.1:0',
  '0.0.0.0:1',
  '[::1]:2',
  'https://x.example',
  'http://[::1]/a?b#c',
  '${HOME_NOT_SET}',
  '${file:/nowhere}',
  '$${',
  '${',
  'embedded',
  'postgres://x',
  '30m',
  'xoxb-1',
  'xapp-1',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'RS256',
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    word,
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('url', 'command', 'issuer', 'file', 'people', 'value'), fc.string()),
      tie('any'),
      {
        maxKeys: 3,
      },
    ),
  ),
})).any;
const placed = fc.array(fc.tuple(fc.constantFrom(...settings), value), { maxLength: 4 });

/** Loads, and accepts a configuration or a ConfigError whose problems all say something about a place. */
async function configOrError(
  t: TestContext,
  text: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-fuzz-'));
  try {
    await writeFile(join(cwd, 'holdpoint.yaml'), text);
    await loadConfig({ env, cwd });
  } catch (error) {
    assert.ok(error instanceof ConfigError, error instanceof Error ? error.stack : String(error));
    assert.ok(error.problems.length > 0);
    for (const { file, message } of error.problems) assert.ok(file !== '' && message !== '', error.message);
  } finally {
    await rm(cwd, { recursive: true });
  }
  t.assert.ok(true);
}

test('any text gives a configuration or an error that says where', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), (text) => configOrError(t, text, {})),
    { numRuns: 200 },
  );
});

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test('any value of any setting gives a configuration or an error that says where', async (t) => {
  const property = fc.asyncProperty(placed, (entries) => {
    const root: Record<string, unknown> = {};
    for (const [{ path }, inner] of entries) {
      let at: unknown = root;
      // A setting below one that was given a value which is no map has no place.
      for (const key of path.slice(0, -1)) if (isMap(at)) at = at[key] ??= {};
      if (isMap(at)) at[path.at(-1) ?? ''] = inner;
    }
    return configOrError(t, stringify(root), {});
  });
  await fc.assert(property, { numRuns: 500 });
});

test('any value of any variable gives a configuration or an error that says where', async (t) => {
  const variable = fc.tuple(
    fc.constantFrom(...settings.map((setting) => setting.variable)),
    fc.oneof(word, fc.string()),
  );
  const property = fc.asyncProperty(fc.array(variable, { maxLength: 4 }), (entries) =>
    configOrError(t, '', Object.fromEntries(entries)),
  );
  await fc.assert(property, { numRuns: 500 });
});
