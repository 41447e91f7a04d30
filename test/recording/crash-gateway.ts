/**
 * A gateway with real parts that serves until it is killed; says where it listens.
 * Usage: node crash-gateway.ts DATABASE-URL KEY UPSTREAM-URL
 */
import { openPool } from '../../db/pool.ts';
import { httpConnection, testGateway } from '../support/gateway.ts';

const [databaseUrl = '', key = '', upstream = ''] = process.argv.slice(2);
const gateway = await testGateway({
  connections: { up: httpConnection(upstream) },
  db: { url: databaseUrl, pool: openPool(databaseUrl), [Symbol.asyncDispose]: async () => {} },
  key: Buffer.from(key, 'hex'),
});
process.stdout.write(`${gateway.url('up')}\n`);
