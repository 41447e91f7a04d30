import { html, type Html } from './html.ts';

/** Characters that people cannot see or that move other characters about, by what to call them. */
const names: Readonly<Record<string, string>> = {
  '\t': 'tab',
  '\r': 'carriage return',
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'end of directional formatting',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u2060': 'word joiner',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first strong isolate',
  '\u2069': 'end of isolate',
  '\ufeff': 'byte order mark',
};

/**
 * Control, format, private, unassigned and lone surrogate characters; every separator but U+0020; and whatever else
 * renders as nothing (fillers, variation selectors, joiners, the empty Braille cell).
 */
const hidden = /(?! )[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;

/**
 * How a masked span looks in text that has been through the masking engine: `[masked:<detector>]`.
 */
const pieces = new RegExp(`(\\[masked:[\\w.:-]{1,80}\\])|(${hidden.source})`, 'gu');

/**
 * Hostile text as people must see it: each invisible or direction-changing character as its code point and name, each
 * line end marked, each masked span labelled. Nothing is left out and nothing is shortened.
 */
export function visible(text: string): Html {
  const parts: Html[] = [];
  let at = 0;
  for (const match of text.matchAll(pieces)) {
    if (match.index > at) parts.push(html`${text.slice(at, match.index)}`);
    parts.push(match[1] === undefined ? marked(match[0]) : maskedSpan(match[1]));
    at = match.index + match[0].length;
  }
  parts.push(html`${text.slice(at)}`);
  return html`${parts}`;
}

/** As {@link visible}, without markup: for titles, option labels and the command line. */
export function visibleText(text: string): string {
  return text.replace(new RegExp(hidden.source, 'gu'), (character) => `⟨${codePoint(character)}⟩`);
}

function maskedSpan(span: string): Html {
  return html`<mark class="masked" title="Masked before it was stored or shown">${span}</mark>`;
}

function marked(character: string): Html {
  if (character === '\n') return html`<span class="newline" title="line feed">↵</span>${'\n'}`;
  const point = codePoint(character);
  const name = names[character];
  return html`<span class="control" title="${name ?? 'invisible character'}">${name ? `${point} ${name}` : point}</span>`;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
