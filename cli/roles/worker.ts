import { startActs } from '../../activities/acts.ts';
import { measureActivities } from '../../activities/approval-metrics.ts';
import { createCards } from '../../activities/cards.ts';
import { startDefinitionWatch } from '../../activities/definition-watch.ts';
import { startReconciling } from '../../activities/reconcile.ts';
import { createActivities } from '../../activities/settling.ts';
import { startSlackWatch } from '../../activities/slack-watch.ts';
import { startStopWatch } from '../../activities/stop-watch.ts';
import { createRecordAct } from '../../console/acts.ts';
import { definitionNotice } from '../../slack-app/definition-notice.ts';
import { registerSearchAttributes, runWorker } from '../../activities/worker.ts';
import { recordMetrics } from '../../db/record-metrics.ts';
import { createRecordStore } from '../../db/records.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { bundleWorkflows } from '../../workflows/bundle.ts';
import { createApprovals, lostWorkflows } from '../../workflows/client.ts';
import type { NoteSigner } from '../../recording/log/note.ts';
import type { Keys } from '../keys.ts';
import { defaultMasker } from '../masking.ts';
import { type Stoppable, stopAll } from '../stopping.ts';
import { startConfiguredCodecServer } from './codec-server.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { startRecordLog } from './record-log.ts';
import { startPurging } from './retention.ts';
import { slackParts } from './slack-parts.ts';
import { temporalLink, workerConnection } from './temporal.ts';

/** Runs the approval workflows and the activities that write rows and cards; keeps the log of all recordings going. */
export async function startWorkerRole(context: RoleContext): Promise<RunningRole> {
  const started: Stoppable[] = [];
  try {
    const metrics = await assemble(context, started);
    return { name: 'worker', url: null, metrics, stop: () => stopAll(started, context.log) };
  } catch (error) {
    await stopAll(started, context.log);
    throw error;
  }
}

/** @returns what gives the worker's metrics */
async function assemble(context: RoleContext, started: Stoppable[]): Promise<() => Promise<string>> {
  const { config, pool, keys, log, env } = context;
  const stopping = new AbortController();
  const prebuilt = env['HOLDPOINT_WORKFLOW_BUNDLE'];
  const workflowBundle = prebuilt ? { codePath: prebuilt } : await bundleWorkflows();
  const connection = await workerConnection(context, stopping.signal);
  started.push({ name: 'Temporal connection', stop: () => connection.close() });
  const link = temporalLink(context);
  started.push({ name: 'Temporal link', stop: link.close });
  await registerSearchAttributes(connection, config.temporal.namespace);
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  started.push({ name: 'recorder', stop: () => recorder.close() });
  const signer = logSignerOf(keys);
  started.push(startRecordLog(context, signer));
  started.push(startPurging(context, { recorder, signer }));
  // People's words (a denial's reason) are masked by the default profile, whatever the rule's.
  const masker = defaultMasker();
  const recording = {
    recorder,
    maskJson: (json: string) => masker.json(json).text,
    maskText: (text: string) => masker.text(text).text,
  };
  started.push({ name: 'acts', stop: startActs({ pool, recording, log }).stop });
  const slack = slackParts(context);
  const measured = measureActivities(
    createActivities({
      pool,
      cards: slack ? createCards({ pool, consoleUrl: config.console.publicUrl, ...slack }) : null,
      recording,
      log,
    }),
    pool,
  );
  const worker = await runWorker({
    connection,
    namespace: config.temporal.namespace,
    dataConverter: link.dataConverter,
    deployment: config.temporal.deployment,
    activities: measured.activities,
    workflowBundle,
    onEnded: (callId) => {
      measured.ended(callId).catch((error: unknown) => {
        log.warn({ callId, err: error }, 'a call that has ended is missing from the metrics');
      });
    },
    onFailed: (error) => log.fatal({ err: error }, 'the worker failed; approvals wait until one runs again'),
  });
  started.push({ name: 'worker', stop: worker.stop });
  const reconciling = startReconciling({
    pool,
    lostWorkflows: (withinMs) => lostWorkflows(link.client, withinMs),
    cancelWorkflow: createApprovals(link.client, null).cancel,
    log,
  });
  started.push({ name: 'reconciling', stop: async () => reconciling.stop() });
  if (config.temporal.codecServer) {
    const { codecServer, namespace } = config.temporal;
    started.push({
      name: 'codec server',
      ...(await startConfiguredCodecServer(codecServer, { link, namespace, log })),
    });
  }
  const stops = startStopWatch({
    pool,
    recordAct: createRecordAct({ recorder, masker }),
    clockChanged: createApprovals(link.client, null).clockChanged,
    log,
  });
  started.push({ name: 'kill switch watch', stop: async () => stops.stop() });
  if (slack) {
    const watch = startSlackWatch({ pool, client: slack.client, log });
    started.push({ name: 'Slack watch', stop: async () => watch.stop() });
    const definitions = startDefinitionWatch({
      pool,
      client: slack.client,
      notice: (untold) => definitionNotice(untold, config.console.publicUrl),
      log,
    });
    started.push({ name: 'definition watch', stop: async () => definitions.stop() });
  }
  return async () => `${await measured.text()}${await recordMetrics(pool)}`;
}

function logSignerOf({ logSigner }: Keys): NoteSigner {
  if (logSigner) return logSigner;
  throw new Error(
    'recording.signingKey is not set: workers sign the log of all recordings with it. `holdpoint keys generate` makes one',
  );
}
