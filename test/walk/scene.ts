import { startCountingUpstream, type CountingUpstream } from '../support/counting-upstream.ts';
import { createSite, type Process, type Site } from '../support/site.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';
import {
  type Held,
  installStops,
  startStoppingProxy,
  stopInPostgres,
  type StoppingProxy,
} from './barriers.ts';
import { type Step, steps, type Victim } from './steps.ts';

/** Every role a process of its own, one Slack, one upstream, one approver; all of which can be stopped anywhere. */
export interface Scene extends AsyncDisposable {
  readonly site: Site;
  readonly slack: SlackStandIn;
  readonly upstream: CountingUpstream;
  readonly channel: string;
  readonly alice: string;
  /** Whoever comes to this step waits there. */
  stopAt(step: Step): Promise<Held | null>;
  /** SIGKILL. */
  kill(victim: Victim): Promise<void>;
  revive(victim: Victim): Promise<void>;
}

const roles = ['worker', 'slack', 'gateway'] as const;

/** Starts it. */
export async function startScene(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const slack = stack.use(await startSlack());
  // Where the app may read the channel, a card whose place got lost is found again.
  slack.scopes.add('channels:history');
  const upstream = stack.use(await startCountingUpstream());
  const toSlack = stack.use(await startStoppingProxy(new URL(slack.apiUrl).origin));
  const toUpstream = stack.use(await startStoppingProxy(new URL(upstream.url).origin));
  const alice = slack.addUser({ name: 'alice', email: 'alice@example.com' });
  const channel = slack.addChannel({ name: 'approvals' });
  const { botToken, appToken } = slack;
  const site = stack.use(
    await createSite({
      connections: { box: { url: `${toUpstream.origin}/mcp` } },
      policy: policyFor(channel),
      slack: { botToken, appToken, apiUrl: `${toSlack.origin}/api/` },
    }),
  );
  const running = new Map<string, Process>();
  await Promise.all(roles.map(async (role) => running.set(role, await site.start(role))));
  await installStops(site.pool, steps);
  return {
    site,
    slack,
    upstream,
    channel,
    alice,
    stopAt: (step) => stopAt(site, { toSlack, toUpstream }, step),
    kill: async (victim) => {
      if (victim === 'temporal' || victim === 'postgres') await site[victim].kill();
      else await running.get(victim)?.kill();
    },
    revive: async (victim) => {
      if (victim === 'temporal' || victim === 'postgres') await site[victim].start();
      else running.set(victim, await site.start(victim));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function stopAt(
  site: Site,
  { toSlack, toUpstream }: { toSlack: StoppingProxy; toUpstream: StoppingProxy },
  { name, stop }: Step,
): Promise<Held | null> {
  switch (stop?.at) {
    case 'PostgreSQL':
      return stopInPostgres(site.databaseUrl, name);
    case 'Slack': {
      const { method, shows } = stop;
      const text = (body: string): string => decodeURIComponent(body.replaceAll('+', ' '));
      return toSlack.stop(
        (path, body) => path.endsWith(`/${method}`) && (!shows || shows.test(text(body))),
        'before',
      );
    }
    case 'upstream':
      return toUpstream.stop((_, body) => stop.says.test(body), stop.answered ? 'after' : 'before');
    default:
      return null;
  }
}

function policyFor(channel: string): unknown {
  return {
    default: { then: 'pass' },
    approvers: { ops: { slackChannel: channel, people: ['alice@example.com'] } },
    rules: [
      {
        name: 'running',
        match: { connection: 'box', tool: 'run' },
        then: 'hold',
        approvers: ['ops'],
        preview: { tool: 'echo', args: { text: 'call.args.command' }, timeout: '15s' },
      },
    ],
  };
}
