/**
 * Shows messages and views roughly as Slack does, to look at them in a browser: same order, same fixed-width boxes,
 * same widths. Only what this project uses.
 */

type Json = Record<string, unknown>;

/** Emoji need a font that a test machine may not have: what they look like from afar. */
const emoji: Readonly<Record<string, readonly [string, string]>> = {
  '✅': ['✓', '#2eb67d'],
  '❌': ['×', '#e01e5a'],
  '⛔': ['–', '#e01e5a'],
  '🚫': ['/', '#e01e5a'],
  '⌛': ['…', '#8d6e63'],
  '⚠️': ['!', '#ecb22e'],
};

const escape = (text: unknown): string => drawn(entities(String(text)));

function drawn(text: string): string {
  return Object.entries(emoji).reduce(
    (all, [symbol, [sign, colour]]) =>
      all.replaceAll(symbol, `<span class="emoji" style="background:${colour}">${sign}</span>`),
    text,
  );
}

const entities = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const style = `
  body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/1.46668 Lato, Inter, 'DejaVu Sans', sans-serif; }
  main { padding: 12px 16px; display: grid; gap: 20px; }
  article { max-width: 640px; display: grid; grid-template-columns: 36px 1fr; gap: 8px; min-width: 0; }
  article > div { min-width: 0; }
  .avatar { width: 36px; height: 36px; border-radius: 4px; background: #1d2733; }
  .from { font-weight: 900; } .from small { font-weight: 400; color: #616061; }
  h3 { font-size: 18px; margin: 4px 0 8px; line-height: 1.3; overflow-wrap: anywhere; }
  section { margin: 4px 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
  pre { margin: 4px 0; padding: 8px; font: 12px/1.5 Menlo, 'DejaVu Sans Mono', monospace; background: #f8f8f8;
        border: 1px solid #ddd; border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
  .context { font-size: 12px; color: #616061; margin: 4px 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
  .context code { background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; color: #c01343; padding: 0 2px; }
  .actions { display: flex; gap: 8px; flex-wrap: wrap; margin: 8px 0; }
  button { font: 700 13px inherit; padding: 4px 12px; border-radius: 4px; border: 1px solid #bbb; background: #fff; }
  button.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
  button.danger { background: #e01e5a; border-color: #e01e5a; color: #fff; }
  .select { border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px; margin-top: 4px; max-width: 300px; }
  textarea { width: 100%; box-sizing: border-box; min-height: 60px; }
  .view { border: 1px solid #ddd; border-radius: 8px; padding: 12px 20px; max-width: 520px; }
  .emoji { display: inline-block; width: 1.2em; text-align: center; border-radius: 4px; color: #fff; font-weight: 700; }
  .mention { background: #e8f5fa; color: #1264a3; }
  a { color: #1264a3; } hr { border: 0; border-top: 1px solid #ddd; width: 100%; }
  h2 { font-size: 12px; color: #999; margin: 0; font-weight: 400; }`;

/** A page with each of the given messages and views under its name. */
export function slackPage(
  parts: readonly { readonly name: string; readonly blocks: readonly unknown[]; readonly view?: object }[],
): string {
  const shown = parts.map(({ name, blocks, view }) => {
    const body = (blocks as Json[]).map(blockHtml).join('');
    const { title = '', submit }: { title?: unknown; submit?: unknown } = view ?? {};
    const content = view
      ? `<div class="view"><h3>${textHtml(title)}</h3>${body}${submit ? `<button class="primary">${textHtml(submit)}</button>` : ''}</div>`
      : `<article><div class="avatar"></div><div><div class="from">Holdpoint <small>APP 10:12 AM</small></div>${body}</div></article>`;
    return `<div data-name="${escape(name)}"><h2>${escape(name)}</h2>${content}</div>`;
  });
  return `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>${style}</style><main>${shown.join('')}</main>`;
}

function blockHtml(block: Json): string {
  switch (block['type']) {
    case 'header':
      return `<h3>${textHtml(block['text'])}</h3>`;
    case 'section':
      return `<section>${textHtml(block['text'])}</section>`;
    case 'context':
      return `<div class="context">${(block['elements'] as unknown[]).map(textHtml).join(' ')}</div>`;
    case 'divider':
      return '<hr>';
    case 'rich_text':
      return (block['elements'] as Json[]).map(richHtml).join('');
    case 'actions':
      return `<div class="actions">${(block['elements'] as Json[]).map(buttonHtml).join('')}</div>`;
    case 'input':
      return `<section><b>${textHtml(block['label'])}</b>${inputHtml(block['element'] as Json)}</section>`;
    default:
      throw new Error(`no picture of a ${String(block['type'])} block`);
  }
}

function inputHtml(element: Json): string {
  if (element['type'] !== 'static_select') return '<textarea></textarea>';
  const initial = element['initial_option'] as { text: unknown } | undefined;
  return `<div class="select">${initial ? textHtml(initial.text) : 'Choose'} ▾</div>`;
}

function buttonHtml(button: Json): string {
  if (button['type'] === 'overflow') return '<button aria-label="more">⋯</button>';
  return `<button class="${escape(button['style'] ?? '')}">${textHtml(button['text'])}</button>`;
}

function richHtml(part: Json): string {
  const inside = (part['elements'] as Json[]).map((element) => {
    const style = element['style'] as { bold?: boolean } | undefined;
    const text = richText(element);
    return style?.bold ? `<b>${text}</b>` : text;
  });
  return part['type'] === 'rich_text_preformatted'
    ? `<pre>${inside.join('')}</pre>`
    : `<section>${inside.join('')}</section>`;
}

function richText(element: Json): string {
  if (element['type'] === 'usergroup')
    return `<span class="mention">@${escape(element['usergroup_id'])}</span>`;
  if (element['type'] === 'link') return `<a href="${escape(element['url'])}">${escape(element['text'])}</a>`;
  if (element['type'] === 'date') return dateText(Number(element['timestamp']), String(element['format']));
  return escape(element['text']);
}

function textHtml(value: unknown): string {
  if (typeof value === 'string') return escape(value);
  const { type, text } = value as { type: string; text: string };
  return type === 'mrkdwn' ? mrkdwnHtml(text) : escape(text);
}

/** Slack's text arrives with entities already written. */
function mrkdwnHtml(text: string): string {
  return text
    .replace(/<!date\^(\d+)\^([^|>]*)\|[^>]*>/g, (_, seconds: string, format: string) =>
      dateText(Number(seconds), format),
    )
    .replace(
      /<(https?:[^|>]*)\|([^>]*)>/g,
      (_, url: string, label: string) => `<a href="${escape(url)}">${label}</a>`,
    )
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*([^*]+)\*/g, '<b>$1</b>');
}

function dateText(seconds: number, format: string): string {
  const at = new Date(seconds * 1000);
  const time = at.toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' });
  return escape(
    format.replace('{time}', time).replace('{date_short_pretty}', 'today').replace('{ago}', '2 minutes ago'),
  );
}
