/**
 * One part of `bench/revocation.ts` in a process of its own, until it is killed; says where it listens.
 * Usage: node revocation-part.ts upstream | gateway DATABASE-URL KEY UPSTREAM-URL
 */
import { openPool } from '../db/pool.ts';
import { holdStep, namedCallers, tickingUpstream } from '../test/gateway/containment-scene.ts';
import { httpConnection, testGateway } from '../test/support/gateway.ts';

const [part = '', databaseUrl = '', key = '', upstreamUrl = ''] = process.argv.slice(2);
if (part === 'upstream') {
  const upstream = await tickingUpstream();
  process.stdout.write(`${upstream.url}\n`);
} else {
  const gateway = await testGateway({
    connections: { box: httpConnection(upstreamUrl) },
    policy: `
default: pass
approvers: { team: { people: [ann@example.com] } }
rules:
  - { name: risky, match: { connection: box, tool: risky }, then: hold, approvers: [team], timeout: 1h }
`,
    hold: holdStep,
    identifier: namedCallers,
    logLevel: 'warn',
    db: { url: databaseUrl, pool: openPool(databaseUrl), [Symbol.asyncDispose]: async () => {} },
    key: Buffer.from(key, 'hex'),
  });
  process.stdout.write(`${gateway.url('box')}\n`);
}
