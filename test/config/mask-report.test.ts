import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../cli/commands/mask-report.ts';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { facts, keyRing, message, recorderOn } from '../recording/support.ts';
import { testDatabase } from '../support/postgres.ts';

const before = 'masking:\n  default: { except: [email], fields: { customerNote: redact } }\n';
const rules = 'rules:\n  - { name: reads, match: { tool: read }, then: pass, mask: quiet }\ndefault: pass\n';

function policyOf(masking: string) {
  const compiled = compilePolicy(
    `${masking}${rules.replace(', mask: quiet', masking.includes('quiet:') ? ', mask: quiet' : '')}`,
    {
      file: 'policy.yaml',
      connections: null,
      slackConfigured: null,
      checkMasking: (value) => checkMaskingConfig(value),
    },
  );
  assert.ok('policy' in compiled, JSON.stringify(compiled));
  const { policy } = compiled;
  return {
    policy,
    profiles: profileNames(policy.masking),
    engine: createMaskingEngine(loadMaskingConfig(policy.masking)),
  };
}

const reply = (text: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });

test('a report says what a changed policy would mask of recorded traffic and what no longer, and never a value', async () => {
  await using db = await testDatabase();
  const masker = policyOf(before).engine.masker('default');
  const recorded = (text: string) => masker.message(text).text;
  const yesterday = new Date('2026-11-20T12:00:00Z');
  const clock = {
    wallMicros: () => yesterday.getTime() * 1000,
    steadyMicros: () => performance.now() * 1000,
  };
  const recorder = recorderOn(db.pool, { clock });
  const rows = JSON.stringify([{ mail: 'alice.canary@corp.example' }, { mail: 'bob.canary@corp.example' }]);
  await recorder.append(
    facts('crm-1', { connection: 'crm' }),
    message('', { bytes: recorded(reply(rows)), tool: 'list', rule: null, callId: 'a' }),
  );
  await recorder.append(
    facts('crm-1', { connection: 'crm' }),
    message('', {
      bytes: recorded(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 2,
          method: 'tools/call',
          params: { name: 'read', arguments: { phone: '+49 171 1234567', customerNote: 'blue-Harbor' } },
        }),
      ),
      tool: 'read',
      rule: 'reads',
      callId: 'b',
    }),
  );
  await recorder.append(
    facts('crm-1', { connection: 'crm' }),
    message('', {
      bytes: recorded(reply('call +49 171 1234567')),
      tool: 'read',
      rule: null,
      verdict: null,
      callId: 'b',
      direction: 'upstream-to-client',
    }),
  );
  await recorder.append(
    facts('other'),
    message('', { bytes: recorded(reply('carol.canary@corp.example')), tool: 'list', rule: null }),
  );
  await recorder.close();
  await db.pool.query(`update record_sessions set opened_at = $1`, [yesterday]);

  const acts: unknown[] = [];
  const report = async (masking: string, ...argv: string[]) => {
    const said = { out: '', err: '' };
    const code = await run(['--report', ...argv], 'usage', {
      pool: db.pool,
      keyRing,
      changed: async () => policyOf(masking),
      now: () => new Date('2026-11-21T09:00:00Z'),
      recordAct: async (...act) => void acts.push(act),
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
    });
    assert.ok(!/canary@|171 1234567|blue-Harbor/.test(said.out), said.out);
    return { code, ...said };
  };

  const same = await report(before, '--json');
  assert.deepEqual(JSON.parse(same.out).rows, [], 'the policy in force changes nothing');
  assert.equal(JSON.parse(same.out).messages, 4);

  const changed = 'masking:\n  default: { fields: { customerNote: redact } }\n  quiet: { except: [phone] }\n';
  const { rows: found } = JSON.parse((await report(changed, '--json')).out);
  assert.deepEqual(
    found.map((row: Record<string, unknown>) => [
      row['change'],
      row['detector'],
      row['connection'],
      row['tool'],
      row['times'],
      row['messages'],
    ]),
    [
      ['added', 'email', 'crm', 'list', 2, 1],
      ['added', 'email', 'postgres', 'list', 1, 1],
      ['gone', 'phone', 'crm', 'read', 2, 2],
      ['gone', 'field', 'crm', 'read', 1, 1],
    ],
  );
  assert.deepEqual(found[0].places, ['$.result.content[*].text→$[*].mail']);
  assert.deepEqual(found[3].places, ['$.params.arguments.customerNote']);

  const text = (await report(changed, '--connection', 'crm')).out;
  assert.match(text, /3 messages of 1 sessions/);
  assert.match(text, /2 × email {2}in 1 messages of crm list/);
  assert.match(text, /would no longer be masked:\n +2 × phone {2}in 2 messages of crm read/);
  assert.equal(
    JSON.parse((await report(changed, '--from', '2026-11-21T00:00:00Z', '--json')).out).messages,
    0,
  );
  assert.equal((await report(changed, '--profile', 'none')).code, 2);
  assert.equal((await report(changed, '--from', 'noon')).code, 2);
  assert.deepEqual(acts[0], [
    'masking.report',
    {
      from: '2026-11-20T00:00:00.000Z',
      to: '2026-11-21T00:00:00.000Z',
      connection: null,
      profile: null,
      policyVersion: policyOf(before).policy.version,
    },
  ]);
});
