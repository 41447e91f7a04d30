import type { NativeConnection } from '@temporalio/worker';
import { type HoldingDeps, startHolding } from '../../gateway/hold/holding.ts';
import { defaultHoldSettings } from '../../gateway/hold/settings.ts';
import type { HoldPort } from '../../gateway/hold-port.ts';
import { gatedUpstreams } from '../../gateway/containment/gated-upstreams.ts';
import { type Gate, startGate } from '../../gateway/containment/gate.ts';
import { startToolDefinitions } from '../../gateway/definitions/registry.ts';
import { startGateway } from '../../gateway/server.ts';
import { createUpstreams } from '../../gateway/upstreams/upstreams.ts';
import { keepSwitchPeople } from '../../db/kill-switch.ts';
import { createRecordStore } from '../../db/records.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Pool } from '../../db/pool.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { createApprovals } from '../../workflows/client.ts';
import { urlOf } from '../config/listen.ts';
import { replicaName } from '../services.ts';
import type { Logger } from '../log.ts';
import { type Stoppable, stopAll } from '../stopping.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { createRecordAct } from '../../console/acts.ts';
import { startTellingEnded } from '../../gateway/connect/tell-ended.ts';
import { defaultMasker } from '../masking.ts';
import { openCredentials } from './credentials.ts';
import { lateHolding } from './holding.ts';
import { startIdentifying } from './identifying.ts';
import { openRules, type Rules } from './rules.ts';
import { recheckCall } from './recheck.ts';
import { recordPolicy } from './record-policy.ts';
import { sealedCopiesOf } from './sealed-copies.ts';
import { temporalLink, workerConnection } from './temporal.ts';

/** Serves agents: policy, masking, recording, upstreams and the hold step put together. */
export async function startGatewayRole(context: RoleContext): Promise<RunningRole> {
  const started: Stoppable[] = [];
  try {
    const url = await assemble(context, started);
    return { name: 'gateway', url, stop: () => stopAll(started, context.log) };
  } catch (error) {
    await stopAll(started, context.log);
    throw error;
  }
}

/** Starts the parts in order, each noted in `started` as soon as it runs. */
async function assemble(context: RoleContext, started: Stoppable[]): Promise<string> {
  const { config, keys, pool, log } = context;
  const began = <T>(name: string, part: T, stop: (part: T) => void | Promise<void>): T => {
    started.push({ name, stop: async () => stop(part) });
    return part;
  };
  const injecting = began('credentials', openCredentials(context), ({ secrets }) => secrets.close());
  const onBearer = injecting.bearers?.saw ?? null;
  const identifying = began('identifying', startIdentifying(context, onBearer), (open) => open.close());
  const rules = began('policy file', await openRules(context), (open) => open.close());
  const replica = replicaName();
  const { databaseUrl } = context.addresses;
  const maskText = (text: string) => rules.masking().masker('default').text(text).text;
  const gate = began(
    'containment',
    await startGate({ pool, databaseUrl, replica, log, maskText }),
    (open: Gate) => open.close(),
  );
  const shared = {
    gate,
    keyRing: keys.keyRing,
    maskers: () => rules.masking(),
    log,
    pool,
    recorder: began(
      'recorder',
      createRecorder({
        store: createRecordStore(pool),
        keyRing: keys.keyRing,
        copies: sealedCopiesOf(config.keys.breakGlass),
      }),
      (recorder) => recorder.close(),
    ),
    replica,
    upstreams: began(
      'upstreams',
      gatedUpstreams(
        createUpstreams(config.connections, {
          log,
          masker: () => rules.masking().masker('default'),
          injecting,
          limits: { depth: config.agents.limits.depth },
        }),
        gate,
      ),
      (upstreams) => upstreams.close(),
    ),
  };
  const policy = (): Policy => rules.policy();
  await recordPolicy(rules, { ...shared, masker: () => rules.masking().masker('default') });
  await followSwitchPeople(pool, rules, log);
  const definitions = began(
    'tool definitions',
    await startToolDefinitions({
      pool,
      databaseUrl: context.addresses.databaseUrl,
      policy,
      votePublicKeys: keys.votePublicKeys,
      log,
    }),
    (open) => open.close(),
  );
  const recheck = recheckCall({ policy, definitions, upstreams: shared.upstreams });
  const hold = await holdStep(context, { ...shared, policy, definitions, recheck }, started);
  const gateway = await startGateway({
    ...shared,
    // Copies: the configuration is frozen, and listeners write into their options.
    agents: structuredClone(config.agents),
    metrics: structuredClone(config.metrics),
    identifier: identifying.identifier,
    authorization: identifying.authorization,
    tokenSecret: keys.tokenSecret,
    policy,
    hold,
    definitions,
    consoleUrl: config.console.publicUrl,
  });
  began('agents listener', gateway, () => gateway.stop());
  const masker = defaultMasker();
  const telling = startTellingEnded({ ...shared, recordAct: createRecordAct({ ...shared, masker }) });
  began('ended sign-ins', telling, () => telling.close());
  return urlOf(gateway.address);
}

/** Surfaces without a policy of their own learn from the database who may turn the kill switch. */
async function followSwitchPeople(pool: Pool, rules: Rules, log: Logger): Promise<void> {
  await keepSwitchPeople(pool, Object.values(rules.policy().approverGroups));
  rules.onChange(() => {
    keepSwitchPeople(pool, Object.values(rules.policy().approverGroups)).catch((error: unknown) =>
      log.error({ err: error }, 'who may turn the kill switch could not be kept; restart this gateway'),
    );
  });
}

type HoldingParts = Pick<
  HoldingDeps,
  | 'keyRing'
  | 'maskers'
  | 'log'
  | 'pool'
  | 'policy'
  | 'recorder'
  | 'replica'
  | 'upstreams'
  | 'definitions'
  | 'recheck'
  | 'gate'
>;

async function holdStep(context: RoleContext, parts: HoldingParts, started: Stoppable[]): Promise<HoldPort> {
  const { config, addresses, keys, log } = context;
  const { namespace } = config.temporal;
  const link = temporalLink(context);
  started.push({ name: 'Temporal link', stop: link.close });
  const stopping = new AbortController();
  let connection: NativeConnection | undefined;
  const start = async (): Promise<HoldPort> => {
    connection = await workerConnection(context, stopping.signal);
    return startHolding({
      ...parts,
      databaseUrl: addresses.databaseUrl,
      approvals: createApprovals(link.client, null),
      votePublicKeys: keys.votePublicKeys,
      attachSecret: keys.attachSecret,
      settings: {
        ...defaultHoldSettings,
        ...config.hold,
        heldCallsPerCaller: config.agents.limits.heldCallsPerCaller,
      },
      consoleUrl: config.console.publicUrl,
      temporal: {
        connection,
        namespace,
        dataConverter: link.dataConverter,
      },
      now: Date.now,
      onFailed: (error) =>
        log.fatal({ err: error }, 'approved calls can run here no longer; restart this gateway'),
    });
  };
  const starting = start();
  const hold = await firstOf(starting, lateHolding(starting, log));
  started.push({
    name: 'holding',
    stop: async () => {
      stopping.abort();
      await hold.close();
      await connection?.close();
    },
  });
  return hold;
}

/** Holding itself where it starts promptly, else the one that waits for it. */
async function firstOf(holding: Promise<HoldPort>, late: HoldPort): Promise<HoldPort> {
  const patienceMs = 5000;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<HoldPort>((done) => {
    timer = setTimeout(() => done(late), patienceMs);
  });
  try {
    return await Promise.race([holding, patience]);
  } finally {
    clearTimeout(timer);
  }
}
