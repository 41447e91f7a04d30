import { setTimeout as sleep } from 'node:timers/promises';
import { createHold } from '../../../gateway/hold/hold.ts';
import { createIdentifier, type Identifier } from '../../../gateway/identify/identify.ts';
import { createUpstreams } from '../../../gateway/upstreams/upstreams.ts';
import { createMaskingEngine } from '../../../masking/create.ts';
import { defaultMaskingConfig } from '../../../masking/check-config.ts';
import type { ApprovalInput } from '../../../workflows/contract.ts';
import {
  httpConnection,
  type TestGateway,
  testGateway,
  type TestGatewayOptions,
} from '../../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { type Replica, startReplica, testApprovals, type TestApprovals } from '../hold/support.ts';
import type { HoldSettings } from '../../../gateway/hold/settings.ts';
import { countedVote } from '../hold/votes.ts';

/** A gateway that holds calls for real, but for Temporal: a test decides and lets it execute. */
export interface HoldingGateway extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly replica: Replica;
  readonly url: string;
  /** Executes an approved call here. Keeps trying while nobody waits here, as a workflow would. */
  approve(input: ApprovalInput): Promise<string>;
  readonly name: string;
}

export interface Scene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly approvals: TestApprovals;
  start(
    name: string,
    options?: Partial<TestGatewayOptions> & { settings?: Partial<HoldSettings> },
  ): Promise<HoldingGateway>;
}

/** Gateways that share a database, in front of one upstream, whose connection is named `db`. */
export async function holdingScene(upstreamUrl: string, policy: string): Promise<Scene> {
  const db = await testDatabase();
  const approvals = testApprovals(db.pool);
  return {
    db,
    approvals,
    async start(name, { settings = {}, ...options } = {}) {
      const engine = createMaskingEngine(defaultMaskingConfig);
      const replica = await startReplica(db, approvals, { name, masking: engine, settings });
      const connections = { db: httpConnection(upstreamUrl) };
      const upstreams = createUpstreams(connections, {
        log: replica.deps.log,
        masker: () => engine.masker('default'),
      });
      const gateway = await testGateway({
        connections,
        hold: createHold(replica.deps),
        policy,
        db,
        ...options,
      });
      // One recording, under the same keys, as in one process.
      const { keyRing, recorder } = gateway;
      await replica.deps.recorder.close();
      Object.assign(replica.deps, { upstreams, keyRing, recorder });
      return {
        name,
        gateway,
        replica,
        url: gateway.url('db'),
        async approve(input) {
          for (;;) {
            try {
              return (await replica.execute({ ...input, votes: [countedVote(input)] })).execution;
            } catch (error) {
              if ((error as { type?: string }).type !== 'NoLiveCaller') throw error;
            }
            await sleep(100);
          }
        },
        async [Symbol.asyncDispose]() {
          await gateway[Symbol.asyncDispose]();
          await replica.stop();
          await upstreams.close();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
    },
  };
}

const known = createIdentifier({ issuers: [], anonymous: { subject: 'stranger', groups: [] } });
/** Takes everybody for another caller than other gateways do. */
export const strangers: Identifier = {
  ...known,
  identify: async (request) => ({ ...(await known.identify(request)), key: 'oidc:x#stranger' }),
};

export const policy = `
default: pass
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: writes, match: { tool: [test_simple_text, test_image_content] }, then: hold, approvers: [dba] }
  - { name: never, match: { tool: test_audio_content }, then: deny, reason: no sound }
`;
