import type { KnownBlock } from '@slack/types';
import { header, lines } from './blocks.ts';
import { fitted, visible } from './text.ts';

/** Definitions of one connection's tools that wait for the same approvers. */
export interface WaitingTools {
  readonly connection: string;
  /** Names as they are kept for people: masked. */
  readonly tools: readonly string[];
}

const namedAtMost = 20;

/** Tells a channel that definitions of tools wait. The console shows the difference; Slack decides nothing here. */
export function definitionNotice(
  { connection, tools }: WaitingTools,
  consoleUrl: string,
): { text: string; blocks: KnownBlock[] } {
  const count = tools.length === 1 ? 'One tool' : `${tools.length} tools`;
  const on = fitted(connection, 100).text;
  const title = `${count} of ${on} ${tools.length === 1 ? 'waits' : 'wait'} for somebody to look at`;
  const named = tools.slice(0, namedAtMost).map((tool) => [{ text: fitted(tool, 100).text, bold: true }]);
  const more = tools.length - named.length;
  return {
    text: visible(title),
    blocks: [
      header(fitted(title, 140).text),
      lines('tools', [
        [{ text: 'Agents cannot see or call them until their definitions, new or changed, are accepted.' }],
        ...named,
        ...(more > 0 ? [[{ text: `and ${more} more` }]] : []),
        [{ text: 'See what changed, and decide, in the console', link: `${consoleUrl}/definitions` }],
      ]),
    ],
  };
}
