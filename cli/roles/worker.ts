import { createActivities } from '../../activities/settling.ts';
import { createCards } from '../../activities/cards.ts';
import { createRecordStore } from '../../db/records.ts';
import { defaultMaskingConfig } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { registerSearchAttributes, runWorker } from '../../activities/worker.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { bundleWorkflows } from '../../workflows/bundle.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { temporalLink, workerConnection } from './temporal.ts';

/** Runs the approval workflows and the activities that write rows and cards. */
export async function startWorkerRole(context: RoleContext): Promise<RunningRole> {
  const { config, pool, keys, log, env } = context;
  // People's words (a denial's reason) are masked by the default profile, whatever the rule's.
  const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
  const maskers = {
    maskJson: (json: string) => masker.json(json).text,
    maskText: (text: string) => masker.text(text).text,
  };
  const stopping = new AbortController();
  const prebuilt = env['HOLDPOINT_WORKFLOW_BUNDLE'];
  const workflowBundle = prebuilt ? { codePath: prebuilt } : await bundleWorkflows();
  const connection = await workerConnection(context, stopping.signal);
  const link = temporalLink(context);
  await registerSearchAttributes(connection, config.temporal.namespace);
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  const cards = config.slack
    ? createCards({
        pool,
        client: createSlackClient({ botToken: config.slack.botToken, apiUrl: config.slack.apiUrl, log }),
        consoleUrl: config.console.publicUrl,
      })
    : null;
  const worker = await runWorker({
    connection,
    namespace: config.temporal.namespace,
    codec: link.codec,
    activities: createActivities({ pool, cards, recording: { recorder, ...maskers } }),
    workflowBundle,
    onFailed: (error) => log.fatal({ err: error }, 'the worker failed; approvals wait until one runs again'),
  });
  return {
    name: 'worker',
    url: null,
    stop: async () => {
      stopping.abort();
      await worker.stop();
      await recorder.close();
      await connection.close();
      await link.close();
    },
  };
}
