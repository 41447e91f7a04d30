import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { policyOf } from './support.ts';

const starter = join(import.meta.dirname, '../../cli/starter');
const policy = policyOf(await readFile(join(starter, 'policy.yaml'), 'utf8'), {
  checkMasking: checkMaskingConfig,
});
const masker = createMaskingEngine(loadMaskingConfig(policy.masking)).masker('default');

/** Everything in the samples that nobody should see, by file. */
const secrets: Readonly<Record<string, readonly string[]>> = {
  'README.md': [],
  'customers.csv': [
    'ada@example.com',
    '202-555-0143',
    '4242 4242 4242 4242',
    'DE89 3704 0044 0532 0130 00',
    '4111 1111 1111 1111',
    'GB82 WEST 1234 5698 7654 32',
    '20 7946 0958',
    '5555 5555 5555 4444',
    'FR14 2004 1010 0505 0001 3M02 606',
  ],
  'deploy.env': [
    'AKIAIOSFODNN7EXAMPLE',
    'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'not-a-real-password',
    'mailer@example.com',
    'quiet-lantern-harbor-58',
  ],
  'employees.json': [
    'maria.muster@example.com',
    '078-05-1120',
    'tulip-Harbor-2291',
    '219-09-9999',
    'maple-Ferry-7730',
  ],
  'notes.md': [],
  'service.log': ['ada@example.com', '4242 4242 4242 4242', 'SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c'],
};

test('every sample file is accounted for', async () => {
  assert.deepEqual((await readdir(join(starter, 'samples'))).sort(), Object.keys(secrets).sort());
});

for (const [name, values] of Object.entries(secrets))
  test(`reading the sample ${name} under the starter policy shows no secret of it, and the rest as it is`, async () => {
    const text = await readFile(join(starter, 'samples', name), 'utf8');
    const answer = { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } };
    const masked = masker.message(JSON.stringify(answer)).text;
    for (const value of values) {
      assert.ok(text.includes(value), `${value} is not in the sample`);
      assert.ok(!masked.includes(value), value);
    }
    if (values.length === 0) assert.equal(masked, JSON.stringify(answer));
  });
