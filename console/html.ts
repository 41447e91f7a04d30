declare const safe: unique symbol;

/** HTML that is safe to send: made only by {@link html} and {@link join}, which escape whatever is put into them. */
export interface Html {
  readonly [safe]: true;
  toString(): string;
}

/** What may stand in a template's hole. `null`, `undefined` and `false` render as nothing. */
export type Hole = string | number | Html | readonly Hole[] | null | undefined | false;

class SafeHtml {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

/**
 * Tagged template for HTML. Every hole is escaped for text and for quoted attributes; there is no way to put in
 * raw text. Attribute values must be quoted in the template, and a hole must not stand in a tag's or an attribute's
 * name, nor in a script or style element (none of our pages has one).
 */
export function html(strings: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  let text = strings[0] ?? '';
  for (const [index, hole] of holes.entries()) text += rendered(hole) + (strings[index + 1] ?? '');
  return new SafeHtml(text) as unknown as Html;
}

function rendered(hole: Hole): string {
  if (hole === null || hole === undefined || hole === false) return '';
  if (typeof hole === 'string') return escapeHtml(hole);
  if (typeof hole === 'number') return String(hole);
  if (hole instanceof SafeHtml) return hole.toString();
  if (Array.isArray(hole)) return hole.map(rendered).join('');
  // A look-alike object from outside must never be taken for safe HTML.
  throw new TypeError('a hole of an HTML template must be a string, a number, HTML, or a list of these');
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Escapes text for element content and quoted attributes; NUL, which HTML cannot carry, becomes U+FFFD. */
export function escapeHtml(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(/[&<>"'`]/g, (character) => escapes[character] ?? '');
}
