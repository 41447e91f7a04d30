import type { App, SlashCommand } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type { ListedCall } from '../db/card-facts.ts';
import type { Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import { newLinkCode, slackKey } from '../db/people.ts';
import { lines, smallPrint } from './blocks.ts';
import type { Eligible, Refused } from './eligibility.ts';
import { freezeFromSlack, liftFromSlack } from './freezing.ts';
import { listedGrant } from './grant-blocks.ts';
import { revokeAs } from './granting.ts';
import { type Containment, isRevocationKind, revokeFromSlack } from './revoking.ts';
import { homeView } from './home.ts';
import { Barred, grantsOf, type InboxDeps, inboxOf, visibleCall } from './inbox.ts';
import { detailsModal } from './modals.ts';
import { cardRequest } from './request.ts';
import { escaped, fitted, slackDate, visible } from './text.ts';
import { foreignWorkspace } from './workspace.ts';

/** What the command and the App Home need. */
export interface CommandDeps extends InboxDeps {
  readonly pool: Pool;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
  /** Whether someone may decide on a call now. */
  readonly eligibility: (
    facts: ListedCall,
    who: { team: string; user: string },
  ) => Promise<Eligible | Refused>;
  readonly consoleUrl: string;
  readonly containment: Containment;
}

/** Slack waits three seconds for a command's answer. */
const answerWithinMs = 2500;
const linkCodeValidMs = 10 * 60_000;
const listedAtMost = 10;

interface Answer {
  readonly text: string;
  readonly blocks?: KnownBlock[];
}

/** Registers `/holdpoint` and the App Home. */
export function registerCommands(app: App, deps: CommandDeps): void {
  app.command('/holdpoint', async ({ command, ack }) => {
    const answer = await inTime(answerTo(deps, command));
    await ack({ response_type: 'ephemeral', ...answer });
  });
  app.event('app_home_opened', async ({ event }) => {
    if (event.tab === 'home') await showHome(deps, event.user);
  });
}

/** Publishes a person's App Home. */
export async function showHome(deps: CommandDeps, user: string): Promise<void> {
  const view = await inboxOf(deps, user).then(
    (inbox) => homeView(inbox, deps),
    (error: unknown) => {
      if (error instanceof Barred) return null;
      throw error;
    },
  );
  if (view) await deps.client.views.publish({ user_id: user, view });
}

async function answerTo(deps: CommandDeps, command: SlashCommand): Promise<Answer> {
  const { team } = await deps.workspace();
  if (command.team_id !== team) return { text: foreignWorkspace };
  const [verb = 'pending', ...rest] = command.text.trim().split(/\s+/).filter(Boolean);
  try {
    if (verb === 'pending' && rest.length === 0) return await pending(deps, command.user_id);
    if (verb === 'show' && rest.length === 1) return await show(deps, command, rest[0] ?? '');
    if (verb === 'grants' && rest.length === 0) return await grants(deps, command.user_id);
    if (verb === 'revoke' && rest.length === 1)
      return asText(await revokeAs(deps, { team, user: command.user_id }, rest[0] ?? ''));
    const [kind = '', value = '', ...because] = rest;
    if (verb === 'revoke' && isRevocationKind(kind) && because.length > 0)
      return asText(await revokeFromSlack(deps, command.user_id, { kind, value, reason: because.join(' ') }));
    if (verb === 'freeze') return asText((await freezeFromSlack(deps, command.user_id, rest.join(' '))).text);
    if (verb === 'unfreeze' && rest.length === 0)
      return asText((await liftFromSlack(deps, command.user_id)).text);
    if (verb === 'link' && rest.length === 0) return await link(deps, command, team);
    return usage();
  } catch (error) {
    if (error instanceof Barred) return { text: error.message };
    throw error;
  }
}

/** Words that may hold other people's names: text, never markup. */
function asText(text: string): Answer {
  return { text: escaped(visible(text)) };
}

function usage(): Answer {
  return {
    text: [
      '`/holdpoint pending`: what waits for your decision',
      '`/holdpoint show CALL`: everything that is known about a call',
      '`/holdpoint grants`: what somebody approved ahead, and how far it is used',
      '`/holdpoint revoke GRANT`: end such a grant at once',
      '`/holdpoint revoke person|credential|client|session|connection VALUE REASON`: cut that off everywhere at once',
      '`/holdpoint freeze REASON`: stop all calls at once; `/holdpoint unfreeze` by two people lifts it',
      '`/holdpoint link`: let your directory groups count for decisions that you make in Slack',
    ].join('\n'),
  };
}

async function pending(deps: CommandDeps, user: string): Promise<Answer> {
  const { waiting, others } = await inboxOf(deps, user);
  if (waiting.length === 0) return { text: 'Nothing waits for your decision.' };
  const shown = waiting.slice(0, listedAtMost);
  const more = others + waiting.length - shown.length;
  const title = `${waiting.length + others} waiting for your decision`;
  return {
    text: title,
    blocks: [
      lines('title', [[{ text: title, bold: true }]]),
      ...shown.flatMap((request, index) => [
        lines(`call-${index}`, [
          [
            {
              text: `${fitted(request.tool || request.method, 100).text} on ${fitted(request.connection, 100).text}`,
              bold: true,
            },
            { text: ` · ${request.risk} risk · ${fitted(request.subject, 100).text} asks` },
          ],
        ]),
        smallPrint(
          `until-${index}`,
          `expires ${slackDate(request.expiresAtMs, '{time}')} · \`/holdpoint show ${escaped(request.callId)}\``,
        ),
      ]),
      ...(more > 0 ? [smallPrint('more', `${more} more in the <${deps.consoleUrl}/|console>`)] : []),
    ],
  };
}

async function grants(deps: CommandDeps, user: string): Promise<Answer> {
  const open = await grantsOf(deps, user);
  if (open.length === 0) return { text: 'No grant of yours to look after is open.' };
  const title = `${open.length} open ${open.length === 1 ? 'grant' : 'grants'}`;
  return {
    text: title,
    blocks: [
      lines('title', [[{ text: title, bold: true }]]),
      ...open.slice(0, listedAtMost).flatMap((grant, index) => listedGrant(grant, index)),
      ...(open.length > listedAtMost
        ? [
            smallPrint(
              'more',
              `${open.length - listedAtMost} more in the <${deps.consoleUrl}/grants|console>`,
            ),
          ]
        : []),
    ],
  };
}

async function show(deps: CommandDeps, command: SlashCommand, callId: string): Promise<Answer> {
  const facts = await visibleCall(deps, command.user_id, callId);
  if (!facts) return { text: 'There is no such call, or it is not yours to decide on.' };
  await deps.client.views.open({
    trigger_id: command.trigger_id,
    view: detailsModal(cardRequest(facts), deps.consoleUrl),
  });
  return { text: 'Opened.' };
}

async function link(deps: CommandDeps, command: SlashCommand, team: string): Promise<Answer> {
  const key = slackKey(team, command.user_id);
  const code = await newLinkCode(deps.db, { key, name: command.user_name, validMs: linkCodeValidMs });
  const until = slackDate(Date.now() + linkCodeValidMs, '{time}');
  return {
    text: `<${deps.consoleUrl}/link?code=${code}|Log in to the console> to link your Slack account to your directory account. The link is for you alone; it works once, until ${until}.`,
  };
}

async function inTime(work: Promise<Answer>): Promise<Answer> {
  const tooLate = Promise.withResolvers<Answer>();
  const timer = setTimeout(
    () =>
      tooLate.resolve({
        text: 'That takes longer than Slack waits. It may still happen: look in the console before you try again.',
      }),
    answerWithinMs,
  );
  try {
    return await Promise.race([work, tooLate.promise]);
  } finally {
    clearTimeout(timer);
  }
}
