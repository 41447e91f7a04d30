import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../cli/commands/mask-report.ts';
import { compareRecorded } from '../../cli/recorded-report.ts';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { facts, keyRing, message, recorderOn } from '../recording/support.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { reportParts } from '../support/mask-reports.ts';
import { testDatabase } from '../support/postgres.ts';

const before = 'masking:\n  default: { except: [email], fields: { customerNote: redact } }\n';
const rules = 'rules:\n  - { name: reads, match: { tool: read }, then: pass, mask: quiet }\ndefault: pass\n';

const textOf = (masking: string): string =>
  `${masking}${rules.replace(', mask: quiet', masking.includes('quiet:') ? ', mask: quiet' : '')}`;

function policyOf(masking: string) {
  const compiled = compilePolicy(textOf(masking), {
    file: 'policy.yaml',
    connections: null,
    slackConfigured: null,
    checkMasking: (value) => checkMaskingConfig(value),
  });
  assert.ok('policy' in compiled, JSON.stringify(compiled));
  const { policy } = compiled;
  return {
    policy,
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
  const api = commandApi(db.pool, {
    maskReport: reportParts(db.pool, keyRing, textOf(before)).maskReport,
    recordings: recordingsOn(db.pool, keyRing, {
      vkey: '',
      recordAct: async (...act) => void acts.push(act),
    }),
    now: () => new Date('2026-11-21T09:00:00Z'),
  });
  const report = async (masking: string | null, ...argv: string[]) => {
    const said = { out: '', err: '' };
    const named = masking === null ? [] : ['--policy', 'changed.yaml'];
    const code = await run(['--report', ...named, ...argv], 'usage', {
      api,
      policyIn: async () => ({ text: textOf(masking ?? ''), ruleFiles: [] }),
      interrupted: new AbortController().signal,
      lookEveryMs: 10,
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
    });
    assert.ok(!/canary@|171 1234567|blue-Harbor/.test(said.out), said.out);
    return { code, ...said };
  };

  const same = await report(null, '--json');
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
  assert.match(text, /2 × email \(redact\) {2}in 1 messages of crm list/);
  assert.match(text, /would no longer be masked:\n +2 × phone {2}in 2 messages of crm read/);
  assert.equal(
    JSON.parse((await report(changed, '--from', '2026-11-21T00:00:00Z', '--json')).out).messages,
    0,
  );
  const unknown = await report(changed, '--profile', 'none');
  assert.deepEqual(
    [unknown.code, /there is no masking profile "none"; there are: default, quiet/.test(unknown.err)],
    [1, true],
  );
  assert.equal((await report(changed, '--from', 'noon')).code, 2);
  assert.deepEqual(acts[0], [
    'masking.report',
    {
      report: JSON.parse(same.out).id,
      from: '2026-11-20T00:00:00.000Z',
      to: '2026-11-21T00:00:00.000Z',
      connection: null,
      profile: null,
      groups: null,
      policyVersion: policyOf(before).policy.version,
      person: 'local:approver',
      name: 'local-approver',
      via: 'command line',
    },
  ]);
});

test('a report tells what would be written in another way, what allow lets through again, and profiles by group', async () => {
  await using db = await testDatabase();
  const key = new Uint8Array(32).fill(5);
  const engineOf = (masking: string) => {
    const { policy } = policyOf(masking);
    return { policy, engine: createMaskingEngine(loadMaskingConfig(policy.masking), key) };
  };
  const kept = 'masking:\n  default: { operators: { email: pseudonym, phone: format, payment: partial } }\n';
  const masker = engineOf(kept).engine.masker('default');
  const yesterday = new Date('2026-11-20T12:00:00Z');
  const recorder = recorderOn(db.pool, {
    clock: { wallMicros: () => yesterday.getTime() * 1000, steadyMicros: () => performance.now() * 1000 },
  });
  const said = 'mail alice@corp.example or bob@corp.example, card 4111 1111 1111 1111, host 10.1.2.3';
  await recorder.append(
    facts('crm-2', { connection: 'crm' }),
    message('', { bytes: masker.message(reply(said)).text, tool: 'list', rule: null, callId: 'a' }),
  );
  await recorder.close();
  await db.pool.query(`update record_sessions set opened_at = $1`, [yesterday]);
  const span = { from: new Date('2026-11-20T00:00:00Z'), to: new Date('2026-11-21T00:00:00Z') };
  const everything = { ...span, connection: null, profile: null, groups: null };
  const progress: number[] = [];
  const report = async (masking: string, groups: readonly string[] | null = null) => {
    const { rows, byGroup } = await compareRecorded(
      { pool: db.pool, keyRing },
      engineOf(masking),
      { ...everything, groups },
      { onProgress: ({ messages }) => progress.push(messages) },
    );
    return {
      byGroup,
      rows: rows.map(({ change, detector, operator, times }) => [change, detector, operator, times]),
    };
  };

  assert.deepEqual(await report(kept), { byGroup: 0, rows: [] }, 'the policy in force changes nothing');
  assert.ok(progress.includes(1));
  assert.deepEqual(
    (
      await report(
        'masking:\n  default: { operators: { email: drop, phone: format, payment: format, ip: hash } }\n',
      )
    ).rows,
    [
      ['otherwise', 'email', 'drop', 2],
      ['otherwise', 'payment-card', 'format', 1],
      ['otherwise', 'ip', 'hash', 1],
    ],
  );
  assert.deepEqual(
    (
      await report(
        'masking:\n  default: { allow: [bob@corp.example, "4111 1111 1111 1111"], operators: { email: pseudonym, phone: format, payment: partial } }\n',
      )
    ).rows,
    [
      ['gone', 'email', null, 1],
      ['gone', 'payment-card', null, 1],
    ],
  );
  const byGroup = `masking:
  default: { operators: { email: pseudonym, phone: format, payment: partial } }
  open: { except: [ip], operators: { email: pseudonym, phone: format, payment: partial } }
  use: [{ connection: [crm], group: [staff], profile: open }]
`;
  assert.deepEqual(await report(byGroup), { byGroup: 1, rows: [] });
  assert.deepEqual(await report(byGroup, ['staff']), { byGroup: 0, rows: [['gone', 'ip', null, 1]] });
  assert.deepEqual(await report(byGroup, ['guests']), { byGroup: 0, rows: [] });
});
