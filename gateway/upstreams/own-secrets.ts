/** What stands where an upstream echoed one of Holdpoint's own credentials. */
const removed = '[credential removed by Holdpoint]';

/** Shorter values would be found in innocent text. */
const minLength = 8;
/** Secrets that one session remembers: the present one, and those before it. */
const mostKnown = 16;

/** Takes Holdpoint's own secrets out of what upstream sends. */
export interface SecretRemover {
  (json: string): string;
  /** The forms in which they are looked for now, the longest first; see {@link withoutForms}. */
  forms(): readonly string[];
  /** From now on this one is taken out as well; of `Bearer x`, x alone is found too. */
  know(secret: string): void;
}

/**
 * Makes a function that takes Holdpoint's own secrets out of what upstream sends: an upstream that echoes its
 * credential (a debugging tool, an error message) must not hand it to the agent; neither as it is nor escaped for JSON
 * (also twice), encoded for URLs, in Base64 (also within a longer text that was encoded), or in hexadecimal.
 * @param secrets header values and environment values; of `Bearer x`, x alone is found as well
 */
export function secretRemover(secrets: readonly string[]): SecretRemover {
  const bySecret = new Map<string, readonly string[]>();
  let needles: readonly string[] = [];
  const learn = (secret: string): void => {
    if (bySecret.has(secret)) return;
    if (bySecret.size >= mostKnown) bySecret.delete(bySecret.keys().next().value ?? '');
    const parts = [secret, secret.slice(secret.indexOf(' ') + 1)].filter((part) => part.length >= minLength);
    bySecret.set(secret, parts.flatMap(formsOf));
    needles = [...new Set([...bySecret.values()].flat())].sort((a, b) => b.length - a.length);
  };
  for (const secret of secrets) learn(secret);
  const remove = (json: string): string => withoutForms(json, needles);
  return Object.assign(remove, { know: learn, forms: () => needles });
}

/** The text without secrets that stand in it in one of these forms. */
export function withoutForms(json: string, forms: readonly string[]): string {
  let text = json;
  for (const form of forms) if (text.includes(form)) text = text.replaceAll(form, removed);
  return text;
}

/** How a secret may stand inside JSON text. */
function formsOf(secret: string): string[] {
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  const once = inJson(secret);
  const url = encodeURIComponent(secret);
  const everyByte = [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const hex = Buffer.from(secret).toString('hex');
  return [
    once,
    inJson(once),
    once.replaceAll('/', '\\/'),
    asciiOnly(once),
    ...bothCases(url),
    ...bothCases(url.replaceAll('%20', '+')),
    ...bothCases(everyByte),
    hex,
    hex.toUpperCase(),
    ...base64Forms(secret),
  ];
}

/** Percent escapes in lower and in upper case. */
function bothCases(url: string): string[] {
  const upper = (escape: string): string => escape.toUpperCase();
  const lower = (escape: string): string => escape.toLowerCase();
  return [url.replace(/%[0-9a-f]{2}/gi, upper), url.replace(/%[0-9a-f]{2}/gi, lower)];
}

/** As encoders write it that escape whatever is not ASCII. */
function asciiOnly(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The secret in Base64, wherever it begins within the text that was encoded: the characters at both ends that also
 * hold bits of its neighbours are left out.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const start = Math.ceil((offset * 8) / 6);
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    const core = encoded.slice(start, end);
    const web = core.replaceAll('+', '-').replaceAll('/', '_');
    // A slash may stand escaped in JSON.
    return core.length < minLength ? [] : [core, web, core.replaceAll('/', '\\/')];
  });
}
