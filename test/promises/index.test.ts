import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const page = readFileSync('docs/reliability.md', 'utf8');
const own = 'test/promises/failure-modes.test.ts';

test('every test that docs/reliability.md names exists under that name', () => {
  const named = [...page.matchAll(/`(test\/[\w/.-]+\.test\.ts)`: `([^`]+)`/g)].map(
    ([, file = '', name = '']) => ({
      file,
      name,
    }),
  );
  assert.ok(named.length >= 20, `only ${named.length} tests are named`);
  const missing = named.filter(({ file, name }) => !readFileSync(file, 'utf8').includes(name));
  assert.deepEqual(missing, []);
});

test('each of the fifteen failure modes has a test named after it', () => {
  const rows = [...page.matchAll(/^\| (\d+) \| [^|]+ \| `([^`]+)` \|/gm)].map(([, number, name]) => ({
    number,
    name,
  }));
  assert.deepEqual(
    rows.map(({ number }) => Number(number)),
    Array.from({ length: 15 }, (_, index) => index + 1),
  );
  const source = readFileSync(own, 'utf8');
  for (const { name } of rows) assert.ok(source.includes(`test('${name}'`), `${own} has no test '${name}'`);
});
