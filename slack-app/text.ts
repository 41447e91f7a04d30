/**
 * Text from agents, upstreams and people on its way into Slack. Nothing here interprets it: it is made visible,
 * then escaped, then measured, in this order, so that neither a control character nor an escape sequence can
 * carry anything past a length check.
 */

/** Everything that shows as nothing, or as a space that is not one, or changes the order of what follows. */
const unseen =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|\u034f|[\u17b4-\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0e]|[\u{e0100}-\u{e01ef}]|(?! )\p{Zs}/gu;
/** Marks stacked on one letter can paint over the lines around it: four are enough for any language. */
const stacked = /(?<=\p{M}{4})\p{M}/gu;

const named = (character: string): string =>
  `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** Makes every invisible or order-changing character visible as `⟨U+202E⟩`; line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text
    .replace(unseen, (character) => (character === '\n' || character === '\t' ? character : named(character)))
    .replace(stacked, named);
}

/** As {@link visibleLines}, for text that must stay on one line: line breaks become `↵`, tabs `⇥`. */
export function visible(text: string): string {
  return text.replace(/\r?\n/g, '↵').replaceAll('\t', '⇥').replace(unseen, named).replace(stacked, named);
}

/**
 * Escapes for mrkdwn and for a message's fallback text: no entity, mention or link can be formed any more
 * (Slack, "Formatting text for app surfaces"). Format characters (`*_~` and backtick) stay: where they would matter,
 * the text belongs into a `plain_text` or `rich_text` object instead.
 */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Text that was fitted into a place of limited length. */
export interface Fitted {
  readonly text: string;
  /** False when something was left out; the text then ends by saying how much. */
  readonly whole: boolean;
}

/**
 * Fits one-line text into `maxLength` UTF-16 units, never silently: what is left out is counted at the end.
 * Cuts between code points.
 */
export function fitted(text: string, maxLength: number): Fitted {
  const shown = visible(text);
  if (shown.length <= maxLength) return { text: shown, whole: true };
  // Room for the note, whose number has at most as many digits as the length itself.
  const room = maxLength - ` … (+${shown.length} more characters)`.length;
  const head = cut(shown, Math.max(room, 0));
  return { text: `${head} … (+${shown.length - head.length} more characters)`, whole: false };
}

/** The first `maxLength` UTF-16 units, fewer rather than half a code point. */
export function cut(text: string, maxLength: number): string {
  const last = text.charCodeAt(maxLength - 1);
  const inPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, inPair ? maxLength - 1 : maxLength);
}

/**
 * Slack's own date entity, shown in the reader's time zone; only ever made of our own numbers.
 * @param format Slack's date tokens, for example `{time}`
 */
export function slackDate(atMs: number, format: string): string {
  const seconds = Math.floor(atMs / 1000);
  return `<!date^${seconds}^${format}|${new Date(seconds * 1000).toISOString().replace('.000Z', ' UTC').replace('T', ' ')}>`;
}
