/**
 * Slack's published rules for blocks, as far as they can be broken by a message, a modal or a home view of this
 * project: types by surface, required parts, lengths and counts (docs.slack.dev, Block Kit reference).
 */
export type Surface = 'message' | 'modal' | 'home';

type Json = Record<string, unknown>;

const surfaces: Record<string, readonly Surface[]> = {
  header: ['message', 'modal', 'home'],
  section: ['message', 'modal', 'home'],
  rich_text: ['message', 'modal', 'home'],
  context: ['message', 'modal', 'home'],
  actions: ['message', 'modal', 'home'],
  divider: ['message', 'modal', 'home'],
  input: ['message', 'modal', 'home'],
};
/** Not published; posts fail from about 13,000 characters over all blocks. */
const messageTextAtMost = 12_000;
const viewBytesAtMost = 250_000;

/** @returns what is wrong, in the style of `response_metadata.messages`; empty when nothing is */
export function problemsOf(blocks: unknown, surface: Surface): string[] {
  const problems: string[] = [];
  const say = (path: string, what: string): void =>
    void problems.push(`[ERROR] ${what} [json-pointer:${path}]`);
  if (!Array.isArray(blocks)) return ['[ERROR] blocks must be an array'];
  const most = surface === 'message' ? 50 : 100;
  if (blocks.length > most) say('/blocks', `no more than ${most} items allowed`);
  const ids = new Set<string>();
  for (const [index, block] of (blocks as Json[]).entries()) {
    const path = `/blocks/${index}`;
    const type = String(block['type']);
    if (!surfaces[type]?.includes(surface)) say(path, `unsupported type: ${type}`);
    const id = block['block_id'];
    if (id !== undefined && (typeof id !== 'string' || id.length > 255 || id === ''))
      say(path, 'bad block_id');
    if (typeof id === 'string' && ids.has(id)) say(path, `block_id ${id} is not unique`);
    if (typeof id === 'string') ids.add(id);
    checks[type]?.(block, path, say);
  }
  return problems;
}

/** Whether Slack would refuse the whole as too long. */
export function isTooLong(blocks: unknown, surface: Surface): boolean {
  if (surface !== 'message') return Buffer.byteLength(JSON.stringify(blocks)) > viewBytesAtMost;
  return textLength(blocks) > messageTextAtMost;
}

function textLength(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + textLength(item), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) =>
      sum + (key === 'text' && typeof item === 'string' ? entityLength(item) : textLength(item)),
    0,
  );
}

/** Slack counts `& < >` as entities. */
function entityLength(text: string): number {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').length;
}

type Say = (path: string, what: string) => void;
type Check = (block: Json, path: string, say: Say) => void;

const checks: Record<string, Check> = {
  header: (block, path, say) => textObject(block['text'], `${path}/text`, say, ['plain_text'], 150),
  divider: () => {},
  section: (block, path, say) => {
    const fields = block['fields'] as unknown[] | undefined;
    if (block['text'] === undefined && fields === undefined) say(path, 'section needs text or fields');
    if (block['text'] !== undefined)
      textObject(block['text'], `${path}/text`, say, ['plain_text', 'mrkdwn'], 3000);
    if (fields && (fields.length === 0 || fields.length > 10)) say(path, 'section takes 1 to 10 fields');
    for (const field of fields ?? [])
      textObject(field, `${path}/fields`, say, ['plain_text', 'mrkdwn'], 2000);
    if (block['accessory'] !== undefined) element(block['accessory'] as Json, `${path}/accessory`, say);
  },
  context: (block, path, say) => {
    const elements = block['elements'] as unknown[];
    if (elements.length === 0 || elements.length > 10) say(path, 'context takes 1 to 10 elements');
    for (const item of elements) textObject(item, `${path}/elements`, say, ['plain_text', 'mrkdwn'], 3000);
  },
  actions: (block, path, say) => {
    const elements = block['elements'] as Json[];
    if (elements.length === 0 || elements.length > 25) say(path, 'actions takes 1 to 25 elements');
    const ids = elements.map((item) => item['action_id']);
    if (new Set(ids).size !== ids.length) say(path, 'action_id is not unique');
    for (const item of elements) element(item, `${path}/elements`, say);
  },
  input: (block, path, say) => {
    textObject(block['label'], `${path}/label`, say, ['plain_text'], 2000);
    element(block['element'] as Json, `${path}/element`, say);
  },
  rich_text: (block, path, say) => {
    const elements = block['elements'] as Json[];
    if (!Array.isArray(elements) || elements.length === 0) say(path, 'rich_text needs elements');
    for (const part of elements ?? []) richText(part, path, say);
  },
};

function richText(part: Json, path: string, say: Say): void {
  const types = ['rich_text_section', 'rich_text_preformatted', 'rich_text_list', 'rich_text_quote'];
  if (!types.includes(String(part['type']))) say(path, `unsupported rich text: ${String(part['type'])}`);
  const elements = part['elements'] as Json[];
  if (!Array.isArray(elements) || elements.length === 0) return say(path, 'rich text part needs elements');
  const inside =
    part['type'] === 'rich_text_preformatted'
      ? ['text', 'link']
      : ['text', 'link', 'emoji', 'user', 'usergroup', 'date', 'channel'];
  for (const item of elements) {
    if (!inside.includes(String(item['type'])))
      say(path, `unsupported rich text element: ${String(item['type'])}`);
    if (item['type'] === 'text' && (typeof item['text'] !== 'string' || item['text'] === ''))
      say(path, 'must be more than 0 characters');
    if (
      item['type'] === 'date' &&
      (!Number.isInteger(item['timestamp']) || typeof item['format'] !== 'string')
    )
      say(path, 'date needs timestamp and format');
  }
}

function textObject(value: unknown, path: string, say: Say, types: readonly string[], most: number): void {
  const object = value as Json | undefined;
  const text = object?.['text'];
  if (!object || !types.includes(String(object['type'])) || typeof text !== 'string')
    return say(path, `must be one of ${types.join(', ')}`);
  if (text.length === 0) say(path, 'must be more than 0 characters');
  if (entityLength(text) > most && text.length > most) say(path, `must be less than ${most + 1} characters`);
  if (object['type'] === 'mrkdwn' && object['emoji'] !== undefined) say(path, 'emoji is for plain_text only');
}

function element(item: Json, path: string, say: Say): void {
  const id = item['action_id'];
  if (typeof id !== 'string' || id === '' || id.length > 255) say(path, 'bad action_id');
  if (item['type'] === 'button') return button(item, path, say);
  if (item['type'] === 'plain_text_input') {
    const most = Number(item['max_length'] ?? 3000);
    if (most < 1 || most > 3000) say(path, 'max_length must be 1 to 3000');
    return;
  }
  if (item['type'] === 'static_select') return select(item, path, say, 100);
  if (item['type'] === 'overflow') return select(item, path, say, 5);
  say(path, `unsupported element: ${String(item['type'])}`);
}

function select(item: Json, path: string, say: Say, most: number): void {
  const options = item['options'] as Json[] | undefined;
  if (!options || options.length === 0 || options.length > most) return say(path, `options: 1 to ${most}`);
  for (const option of options) {
    textObject(option['text'], `${path}/options/text`, say, ['plain_text'], 75);
    const value = option['value'];
    if (typeof value !== 'string' || value === '' || value.length > 150) say(path, 'bad option value');
  }
  const values = options.map(({ value }) => value);
  if (new Set(values).size !== values.length) say(path, 'option values are not unique');
  const initial = item['initial_option'] as Json | undefined;
  if (initial && !values.includes(initial['value'])) say(path, 'initial_option is not among the options');
}

function button(item: Json, path: string, say: Say): void {
  textObject(item['text'], `${path}/text`, say, ['plain_text'], 75);
  const { value, style, url, accessibility_label: label } = item as Record<string, string | undefined>;
  if (value !== undefined && value.length > 2000) say(path, 'value: at most 2000 characters');
  if (url !== undefined && (url.length > 3000 || !/^https?:/.test(url))) say(path, 'bad url');
  if (label !== undefined && label.length > 75) say(path, 'accessibility_label: at most 75 characters');
  if (style !== undefined && style !== 'primary' && style !== 'danger') say(path, 'bad style');
  const confirm = item['confirm'] as Json | undefined;
  if (!confirm) return;
  textObject(confirm['title'], `${path}/confirm/title`, say, ['plain_text'], 100);
  textObject(confirm['text'], `${path}/confirm/text`, say, ['plain_text', 'mrkdwn'], 300);
  textObject(confirm['confirm'], `${path}/confirm/confirm`, say, ['plain_text'], 30);
  textObject(confirm['deny'], `${path}/confirm/deny`, say, ['plain_text'], 30);
}

/** What is wrong with a view besides its blocks. */
export function viewProblems(view: Json): string[] {
  const surface = view['type'] === 'home' ? 'home' : 'modal';
  const problems = problemsOf(view['blocks'], surface);
  const say: Say = (path, what) => void problems.push(`[ERROR] ${what} [json-pointer:/view${path}]`);
  if (surface === 'modal') {
    textObject(view['title'], '/title', say, ['plain_text'], 24);
    for (const part of ['submit', 'close'])
      if (view[part] !== undefined) textObject(view[part], `/${part}`, say, ['plain_text'], 24);
    const inputs = (view['blocks'] as Json[]).some((block) => block['type'] === 'input');
    if (inputs && view['submit'] === undefined) say('/submit', 'a view with inputs needs submit');
  }
  if (JSON.stringify(view['private_metadata'] ?? '').length - 2 > 3000)
    say('/private_metadata', 'at most 3000 characters');
  if (JSON.stringify(view['callback_id'] ?? '').length - 2 > 255)
    say('/callback_id', 'at most 255 characters');
  return problems;
}
