import type { NameVerdict } from '../rules/name-verdict.ts';
import { ownCopy } from '../own-copy.ts';
import { aboutSecrets, innocentEndings, secretWords, sensitiveEndings } from '../rules/sensitive-names.ts';

/**
 * Judges names: keys of JSON, columns, variables, flags, XML elements. A name is cut into words (camel, snake and
 * kebab case alike) and compared as words, so that `next_page_token` and `max_tokens` are told from `apiToken`.
 */

const numbered = /^(?:.*\D)?(\d+)$/;

/** Cuts a name into lower-case words joined by one space: `X-Api-Key`, `xApiKey`, `x_api_key` → `x api key`. */
export function normalName(name: string): string {
  if (/^[a-z0-9]*$/.test(name)) return name;
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9\u0080-\uffff]+/g, ' ')
    .trim()
    .toLowerCase();
}

const faint: NameVerdict = { detector: 'credential', strength: 'faint' };

/** `secret_for_staging`, `apiKeyProd`: a secret is spoken of, and the last word does not turn it into something else. */
function speaksOfSecret(words: readonly string[]): boolean {
  if (words.length < 2 || aboutSecrets.has(words.at(-1) ?? '')) return false;
  return words.some(
    (word, at) =>
      at < words.length - 1 &&
      (secretWords.has(word) ||
        (word === 'key' && /^(?:api|access|auth|app|secret)$/.test(words[at - 1] ?? ''))),
  );
}

function judge(name: string): NameVerdict | null {
  let normal = normalName(name);
  if (numbered.test(normal)) normal = normal.replace(/(?: v)? ?\d+$/, '');
  if (normal.length < 2 || normal.length > 80) return null;
  const words = normal.split(' ');
  const verdict = endingVerdict(words) ?? tailVerdict(normal, words);
  return verdict === null || isInnocent(words) ? null : verdict;
}

const isInnocent = (words: readonly string[]): boolean =>
  innocentEndings.has(words.slice(-2).join(' ')) || innocentEndings.has(words.slice(-3).join(' '));

/** Last words of {@link sensitiveEndings}: nearly all names end otherwise. */
const lastWords = new Set([...sensitiveEndings.keys()].map((name) => name.slice(name.lastIndexOf(' ') + 1)));

/** What the last words of a name say. */
function endingVerdict(words: readonly string[]): NameVerdict | null {
  const lastWord = words.at(-1) ?? '';
  const single = lastWord.endsWith('s') && lastWord.length > 3 ? lastWord.slice(0, -1) : null;
  if (!lastWords.has(lastWord) && (single === null || !lastWords.has(single))) return null;
  for (let length = Math.min(6, words.length); length > 0; length -= 1) {
    const ending = words.slice(-length);
    const found = sensitiveEndings.get(ending.join(' '));
    if (found !== undefined) return found;
    if (single === null) continue;
    // A plural names several values only for passwords and secrets; `tokens` and `keys` mostly count or list.
    const one = sensitiveEndings.get([...ending.slice(0, -1), single].join(' '));
    if (one !== undefined && (one.strength === 'strong' || length > 1 || single.endsWith('secret')))
      return one;
  }
  return null;
}

/** What the end of a name says that is written as one word, or a secret that the name speaks of. */
function tailVerdict(normal: string, words: readonly string[]): NameVerdict | null {
  const squeezed = words.length > 1 ? normal.replaceAll(' ', '') : normal;
  const tail = /pass|pwd|secret|apikey|token/.test(squeezed)
    ? /(?:^|[a-z0-9])(password|passwd|passphrase|secret|apikey|token|pwd)(?:value|string|base64|hash|raw|plain|text|enc|old|new)?$/.exec(
        squeezed,
      )
    : null;
  if (tail === null || /(?:page|max|next|cursor|num|count|bypass)token$/.test(squeezed))
    return joinedVerdict(words.at(-1) ?? '') ?? (speaksOfSecret(words) ? faint : null);
  return sensitiveEndings.get(tail[1] ?? '') ?? { detector: 'credential', strength: 'weak' };
}

/** Names of several words that some write as one: `secretaccesskey`. */
const joined: ReadonlyMap<string, NameVerdict> = new Map(
  [...sensitiveEndings]
    .filter(([name]) => name.length >= 9 && name.includes(' '))
    .map(([name, verdict]) => [name.replaceAll(' ', ''), verdict] as const),
);

/** How such names end. */
const joinedEnds = new Set([...joined.keys()].map((name) => name.slice(-4)));

/** The verdict of the longest such name that a word ends with. */
function joinedVerdict(word: string): NameVerdict | null {
  if (!joinedEnds.has(word.slice(-4))) return null;
  for (let from = Math.max(0, word.length - 40); from <= word.length - 8; from += 1) {
    const found = joined.get(word.slice(from));
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * A judge of names that remembers what it has seen: keys repeat. The memory is bounded.
 * @param numbers judges what is no secret's name and no common one, by the names of identity numbers
 */
export function createNameJudge(
  numbers: (name: string) => NameVerdict | null,
): (name: string) => NameVerdict | null {
  const seen = new Map<string, NameVerdict | null>();
  return (name) => {
    if (name.length > 120) return null;
    const known = seen.get(name);
    if (known !== undefined) return known;
    const verdict = judge(name) ?? numbers(name);
    if (seen.size >= 4_096) seen.clear();
    seen.set(ownCopy(name), verdict);
    return verdict;
  };
}
