import { setTimeout as sleep } from 'node:timers/promises';
import { handshake, wire, type WireReply } from '../gateway/wire.ts';
import type { StandInMessage } from '../support/slack.ts';
import type { Scene } from './scene.ts';

/** What an agent was told of its call, one entry a try. */
export type Told = 'result' | 'connection lost' | `refused (${string})` | `answered ${string}`;

const patienceMs = 180_000;

/**
 * An agent that calls until it knows how its call ended, as the answers tell it to.
 * @param ready awaited once it has a session, before its first call
 */
export async function askUntilTold(
  scene: Scene,
  command: string,
  ready: () => Promise<void>,
  told: Told[],
): Promise<void> {
  const lateMs = Date.now() + patienceMs;
  const url = scene.site.url('box');
  let session: Record<string, string> | null = await handshake(url);
  await ready();
  for (;;) {
    const last = session && (await ask(url, command, session));
    if (last !== null) told.push(last);
    if (last === 'result' || last === 'answered OUTCOME_UNKNOWN') return;
    if (Date.now() > lateMs) throw new Error(`the agent was never told: ${told.join(', ')}`);
    await sleep(250);
    session = await handshake(url).catch(() => null);
  }
}

async function ask(url: string, command: string, session: Record<string, string>): Promise<Told> {
  const params = { name: 'run', arguments: { command } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return wire(url, body, session).then(toldBy, () => 'connection lost' as const);
}

function toldBy({ json, status, text }: WireReply): Told {
  if (json?.error) return `refused (${codeOf(json.error)})`;
  if (!json?.result) return text === '' || status === 200 ? 'connection lost' : `refused (${status})`;
  const { isError, content } = json.result as { isError?: boolean; content: { text: string }[] };
  return isError === true ? `answered ${content[0]?.text.split(' ')[0]?.replace('.', '')}` : 'result';
}

function codeOf({ code, data }: { code: number; data?: Record<string, unknown> }): string {
  return typeof data?.['code'] === 'string' ? data['code'] : String(code);
}

/** What an approver had to do. */
export interface Decided {
  /** Clicks that Slack was told had arrived. */
  readonly clicks: number;
  /** Clicks of which Slack said that they did not arrive. */
  readonly lost: number;
  /** How often the app asked to look again. */
  readonly lookedAgain: number;
}

/** Somebody who approves each card of the call once, and again when Slack or the app says so. */
export async function approveAll(scene: Scene, command: string, done: AbortSignal): Promise<Decided> {
  const { slack, channel, alice } = scene;
  const clicked = new Set<string>();
  const told = (): number => slack.ephemerals(alice).filter(({ text }) => text.includes('Look again')).length;
  const toldBefore = told();
  let [clicks, lost, lookedAgain] = [0, 0, 0];
  while (!done.aborted) {
    if (told() - toldBefore > lookedAgain) {
      lookedAgain += 1;
      clicked.clear();
    }
    const card = cardsOf(scene, command).find(({ ts, open }) => open && !clicked.has(ts));
    if (card) {
      const delivery = await slack
        .click(alice, { channel, ts: card.ts }, 'hold_approve')
        .catch(() => ({ acknowledged: false }));
      if (delivery.acknowledged) {
        clicked.add(card.ts);
        clicks += 1;
      } else lost += 1;
    }
    await sleep(100);
  }
  return { clicks, lost, lookedAgain };
}

/** The cards of a call as they stand. */
export function cardsOf(
  { slack, channel }: Scene,
  command: string,
): { ts: string; open: boolean; text: string }[] {
  const shown = ({ blocks }: StandInMessage): string => JSON.stringify(blocks);
  return slack
    .messages(channel)
    .filter((message) => message.threadTs === null && shown(message).includes(command))
    .map((message) => ({
      ts: message.ts,
      open: shown(message).includes('hold_approve'),
      text: message.text,
    }));
}
