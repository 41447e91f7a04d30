import { App, type Receiver, type ReceiverEvent } from '@slack/bolt';
import { type WebClient, WebAPIPlatformError } from '@slack/web-api';
import type { ListedCall } from '../db/card-facts.ts';
import type { Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { Approvals } from '../workflows/client.ts';
import { registerCommands, showHome } from './commands.ts';
import { registerBatches } from './batching.ts';
import { startDecisionQueue } from './decision-queue.ts';
import { eligibility } from './eligibility.ts';
import { registerExtending } from './extending.ts';
import { registerGranting } from './granting.ts';
import { startHttpMode } from './http-mode.ts';
import { registerInteractions } from './interactions.ts';
import { registerJudging } from './judging.ts';
import { createMembership } from './membership.ts';
import { startRefreshing } from './refreshing.ts';
import type { Containment } from './revoking.ts';
import { startSocketMode, type Transport } from './socket-mode.ts';
import { clientOptions, type Log, slackLogger } from './web-client.ts';
import { lookUpUser, workspaceOf } from './workspace.ts';

/** What the Slack app is started with. */
export interface SlackAppDeps {
  readonly settings: SlackSettings;
  readonly pool: Pool;
  /** See `createSlackClient`. */
  readonly client: WebClient;
  /** Public URL of the console, without a slash at the end. */
  readonly consoleUrl: string;
  /** Signs what people decide and brings it to the approval workflow (workflows/client.ts). */
  readonly approvals: Pick<Approvals, 'decide' | 'extend'>;
  /** Brings every card of a call up to date (activities/cards.ts, `refresh`). */
  readonly refreshCards: (callId: string) => Promise<void>;
  /** Masks what people write (a denial's reason) before it is stored or goes anywhere. */
  readonly maskText: (text: string) => Masked<string>;
  /** Who may cut something off from Slack, and what that needs. */
  readonly containment: Containment;
  readonly log: Log;
}

/** The `slack` part of the configuration. At least one of the two ways in must be set. */
export interface SlackSettings {
  readonly botToken: string;
  /** For Socket Mode. */
  readonly appToken: string | null;
  /** For HTTP, with `listen`. */
  readonly signingSecret: string | null;
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly apiUrl: string;
}

/** Two connections: one goes on while Slack renews the other. */
const socketConnections = 2;

/**
 * Starts the Slack app: Socket Mode when there is an app token, HTTP when there are a signing secret and a listener,
 * both when both are set. When Slack cannot be reached it starts nevertheless and goes on trying.
 * @throws Error when Slack refuses a token, or when there is no way in
 */
export async function startSlackApp(
  deps: SlackAppDeps,
): Promise<{ readonly url: string | null; stop(): Promise<void> }> {
  const { settings, client, pool, log } = deps;
  const workspace = workspaceOf(client);
  await checkToken(workspace, log);
  const membership = createMembership({ db: pool, client });
  const userNow = async (user: string) => lookUpUser(client, await workspace(), user);
  const queue = startDecisionQueue({ ...deps, userNow, membership });
  const app = new App({
    receiver: noReceiver,
    authorize: async () => {
      const { botId, botUser } = await workspace();
      return { botToken: settings.botToken, botId, botUserId: botUser };
    },
    clientOptions: clientOptions(settings.apiUrl, log),
    logger: slackLogger(log),
    convoStore: false,
  });
  // What a handler throws goes on to the transport, which then does not acknowledge.
  app.error(async (error) => {
    throw error;
  });
  const common = { db: pool, client, consoleUrl: deps.consoleUrl, workspace };
  const forCommands = {
    ...common,
    pool,
    maskText: deps.maskText,
    membership,
    containment: deps.containment,
    eligibility: (facts: ListedCall, who: { team: string; user: string }) =>
      eligibility({ pool, userNow, membership }, facts, who),
  };
  const interactions = {
    ...common,
    pool,
    queue,
    eligibility: forCommands.eligibility,
    log,
    maskText: deps.maskText,
    showHome: (user: string) => showHome(forCommands, user),
  };
  registerInteractions(app, interactions);
  registerBatches(app, interactions);
  registerExtending(app, { ...interactions, approvals: deps.approvals });
  registerGranting(app, interactions);
  registerJudging(app, interactions);
  registerCommands(app, forCommands);
  const refreshing = startRefreshing({ db: pool, refreshCards: deps.refreshCards, log });

  const transports: Transport[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(transports.map((transport) => transport.stop()));
    await refreshing.stop();
    await queue.stop();
  };
  try {
    const deliver = (event: ReceiverEvent) => app.processEvent(event);
    const url = await startTransports(settings, { log, deliver }, transports);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startTransports(
  { appToken, signingSecret, listen, apiUrl }: SlackSettings,
  common: { log: Log; deliver: (event: ReceiverEvent) => Promise<void> },
  started: Transport[],
): Promise<string | null> {
  let url: string | null = null;
  if (signingSecret !== null && listen !== null) {
    const http = await startHttpMode({ signingSecret, listen, ...common });
    started.push(http);
    url = http.url;
  }
  if (appToken !== null)
    started.push(await startSocketMode({ appToken, apiUrl, connections: socketConnections, ...common }));
  if (started.length === 0)
    throw new Error(
      'slack: set appToken for Socket Mode, or signingSecret and listen for HTTP; without either, no click can arrive',
    );
  return url;
}

/** A wrong token is told at start; Slack being away is not a reason not to start. */
async function checkToken(workspace: () => Promise<unknown>, log: Log): Promise<void> {
  try {
    await workspace();
  } catch (error) {
    if (error instanceof WebAPIPlatformError)
      throw new Error(`Slack refused slack.botToken: ${error.data.error}`, { cause: error });
    log.warn({ err: error }, 'Slack cannot be reached; trying again when it is needed');
  }
}

/** Payloads come in over the transports, which hand them to the app themselves. */
const noReceiver: Receiver = {
  init: () => {},
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};
