import type { KnownBlock, RichTextElement } from '@slack/types';
import { visible } from './text.ts';

/**
 * Slack's limits, from its Block Kit reference; where it has none, the largest value that is known to be taken.
 * The sum over a message's blocks is not published: posts fail with `msg_blocks_too_long` from about 13,000, so the
 * blocks' JSON with everything but ASCII escaped is kept below that (the strictest of the ways to count).
 */
export const limits = {
  preformattedLength: 3000,
  messageBlocks: 50,
  viewBlocks: 100,
  messageWeight: 12_000,
  viewWeight: 100_000,
} as const;

/** A part of a line: text in one style (or as a link, to places of our own only), a time in the reader's own time zone, or a user group that is notified. */
export type Span =
  | { readonly text: string; readonly bold?: boolean; readonly link?: string }
  | { readonly atMs: number }
  | { readonly userGroup: string };

/** The words of a line, where there is nothing but text. */
export function wordsOf(line: readonly Span[]): string {
  return line
    .map((span) => ('text' in span ? span.text : 'atMs' in span ? utc(span.atMs) : `@${span.userGroup}`))
    .join('');
}

/** A time in words that hold everywhere: `2026-11-21 10:14 UTC`. */
function utc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function richText(span: Span): RichTextElement[] {
  if ('userGroup' in span) return [{ type: 'usergroup', usergroup_id: span.userGroup }];
  if ('atMs' in span)
    return [
      {
        type: 'date',
        timestamp: Math.floor(span.atMs / 1000),
        format: '{date_short_pretty} at {time}',
        fallback: utc(span.atMs),
      },
    ];
  if (span.text === '') return [];
  if (span.link !== undefined) return [{ type: 'link', url: span.link, text: span.text }];
  return [{ type: 'text', text: span.text, ...(span.bold === true ? { style: { bold: true } } : {}) }];
}

/** Plain text: Slack interprets nothing in it. `text` is made visible here. */
export function header(text: string): KnownBlock {
  return { type: 'header', text: { type: 'plain_text', text: visible(text), emoji: false } };
}

/** Lines of spans. Text in rich text is shown as it is: no mrkdwn, no mentions, no links. */
export function lines(blockId: string, all: readonly (readonly Span[])[]): KnownBlock {
  const elements = all.flatMap((spans, index): RichTextElement[] => [
    ...(index === 0 ? [] : [{ type: 'text' as const, text: '\n' }]),
    ...spans.flatMap(richText),
  ]);
  return { type: 'rich_text', block_id: blockId, elements: [{ type: 'rich_text_section', elements }] };
}

/** Text set in a fixed-width box, exactly as it stands. Must not be empty. */
export function boxed(blockId: string, text: string): KnownBlock {
  return {
    type: 'rich_text',
    block_id: blockId,
    elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }],
  };
}

/** Small print in mrkdwn. Only for our own words: the caller escapes whatever else is in it. */
export function smallPrint(blockId: string, mrkdwn: string): KnownBlock {
  return { type: 'context', block_id: blockId, elements: [{ type: 'mrkdwn', text: mrkdwn, verbatim: true }] };
}

/** How much the blocks weigh against `limits.messageWeight` and `limits.viewWeight`. */
export function weight(blocks: readonly unknown[]): number {
  const json = JSON.stringify(blocks);
  let size = json.length;
  // Each unit beyond ASCII would be \uXXXX, and `& < >` are entities of up to five characters on Slack's side.
  for (const { length } of json.match(/[^ -~]+/g) ?? []) size += length * 5;
  for (const { length } of json.match(/[&<>]+/g) ?? []) size += length * 4;
  return size;
}
