import { entropy } from '../checksums.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import { isNamedNumber } from './named-numbers.ts';
import { isPlaceholder } from './placeholders.ts';

/** Whether a text looks made by a random generator: long enough, mixed, of high entropy. */
export function looksRandom(value: string): boolean {
  if (value.length < 8 || /\s/.test(value)) return false;
  const digits = /\d/.test(value);
  const letters = /[A-Za-z]/.test(value);
  if (!digits && !(value.length >= 16 && isRestless(value))) return false;
  if (!letters) return value.length >= 16 && entropy(value) >= 2.5;
  return entropy(value) >= (value.length >= 20 ? 3 : 2.7);
}

const longestJudged = 600;

/**
 * Whether the value of a sensitively named place is to be hidden.
 * @param quoted whether it stood in quotes or was a whole JSON string: then it is certainly a value
 */
export function isSensitiveValue(value: string, name: NameVerdict, quoted: boolean): boolean {
  // What a value is shows at its head; texts of one name after another would be judged over and over.
  if (value.length > longestJudged && name.detector !== 'password' && name.detector !== 'address')
    return isSensitiveValue(value.slice(0, longestJudged), name, quoted);
  if (isPlaceholder(value)) return false;
  if (name.fits !== undefined) return value.length <= 32 && name.fits(value);
  const digits = digitsIn(value);
  const number = isNamedNumber(value, name, digits);
  if (number !== null) return number;
  switch (name.detector) {
    case 'password':
      if (/\s/.test(value) && (name.strength === 'weak' || value.length > 48 || value.endsWith('.')))
        return false;
      // `pass` also says what a test did: how often, or in which words.
      if (
        name.strength === 'weak' &&
        (/^(?:\d{1,4}|0x[\da-f]{1,8})$/i.test(value) || /[^\x20-\x7e]/.test(value))
      )
        return false;
      return value.length >= 3 && !path.test(value) && (quoted || isPasswordLike(value));
    case 'address':
      return (
        quoted &&
        digits >= 1 &&
        value.length >= 6 &&
        value.length <= 200 &&
        (name.strength === 'strong' || isPlace(value))
      );
    default:
      if (name.strength === 'faint')
        return value.length >= 16 && value.length <= 512 && !isNamed(value) && looksRandom(value);
      if (isAddress(value) || sample.test(value) || counted.test(value) || prose.test(value)) return false;
      if (productKey.test(value) || /^[a-f]{20,}$/i.test(value)) return true;
      // Unquoted, it may be code: a call, a type, a member of something.
      if (!quoted && !isBasicPair(value) && (/[([<{]/.test(value) || !mayBeUnquoted(value, digits)))
        return false;
      return (
        value.length >= 6 &&
        (looksRandom(value) ||
          isBasicPair(value) ||
          (quoted && /^(?:[a-z]{24,}|[A-Z]{24,})$/.test(value) && new Set(value).size >= 5) ||
          (quoted && isSchemed(value)) ||
          (quoted && (looksSecret(value) || seedPhrase.test(value) || isSalt(value))) ||
          isRestless(value))
      );
  }
}

/** A path, an address or a template, unless one of its parts looks like a secret itself. */
function isAddress(value: string): boolean {
  if (/\$\{[^{}\]>#$]*\}|%[sdv]\b|\{\{[^{}]*\}\}/.test(value)) return true;
  if (!/^(?:[a-z][a-z0-9+.-]{1,20}:\/\/|[.~]{0,2}\/)[^?#@]*$/i.test(value)) return false;
  return !value
    .split('/')
    .some((part) => part.length >= 16 && /\d/.test(part) && looksRandom(part) && !isNamed(part));
}

/** Whether a text is a path, an address, a version or words joined, however much like chance its letters look. */
function isNamed(value: string): boolean {
  if (!/\d/.test(value) || /^[\d.:,T+Z-]+$/.test(value)) return true;
  if (/^[a-z]+:\/\/|^[.~]?\/|^[\w.-]+\.[a-z]{2,5}(?:[/:]|$)|[([{<>;,$@]/i.test(value)) return true;
  return /^[A-Za-z]{2,}\d{0,4}(?:[-_./:][A-Za-z]{2,}\d{0,4})*$/.test(value);
}

/** Base64 of `name:password`, as in `Authorization: Basic …` and container registries' `auth`. */
function isBasicPair(value: string): boolean {
  if (value.length < 8 || value.length > 400 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return false;
  return /^[!-9;-~]{1,128}:[ -~]{1,200}$/.test(Buffer.from(value, 'base64').toString('latin1'));
}

/** A quoted value under a secret's name needs no randomness if it is one word with something unlike prose in it. */
function looksSecret(value: string): boolean {
  if (/\s/.test(value)) return false;
  if (/^https?:\/\/[^?#@]*$/i.test(value) || /^[\w.-]+\.[a-z]{2,5}$/.test(value)) return false;
  return value.length >= 6 && (/\d/.test(value) || /[^A-Za-z0-9_.:/-]/.test(value)) && entropy(value) >= 2.3;
}

/** Groups of capitals and digits, as licences are written: `ZAQWS-XCDER-VBGTR-FRTGU-KLMNX`. */
const productKey = /^(?:[A-Z0-9]{4,8}-){3,9}[A-Z0-9]{4,8}$/;

/** A scheme's word and what belongs to it, `FlyV1 fm2_…`. */
function isSchemed(value: string): boolean {
  const rest = /^[A-Za-z][\w-]{1,24} (\S{16,})$/.exec(value)?.[1];
  return rest !== undefined && looksRandom(rest) && !isNamed(rest.replace(/,/g, ''));
}

function isPasswordLike(value: string): boolean {
  // A call, or a member of something: `settings.EMAIL_HOST_PASSWORD`.
  if (/^[A-Za-z_.]+[([]/.test(value) || /^[a-z]{2,}(?:\.[A-Za-z_]{2,})+$/.test(value)) return false;
  return /[^A-Za-z.,:;!?'")\]}-]|[!?][A-Za-z]/.test(value) || isRestless(value);
}

/** Values of examples in code: `key1 = "value1"`. */
const sample =
  /^(?:(?:value|val|key|token|secret|foo|bar|baz|test|string|name|user|item|data)[-_]?\d{0,3}|[a-z]{2,12}(?:-[a-z]{2,12}){1,3}-\d{1,2})$/i;
/** Sentences of languages that put no spaces between words. */
const prose = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}/;
/** Counters that sessions of services have, and code that a quote cuts off. */
const counted = /^-?0x[0-9a-f]{1,16}$|^\d{1,12}_\d{1,12}$|^\+\s?[\w.]+\($/i;
/** Salts of forms and cookies are made of all printable characters, the space among them. */
function isSalt(value: string): boolean {
  return (
    value.length >= 32 &&
    value.length <= 128 &&
    value.replace(/[\w\s.,:;'"/()[\]-]/g, '').length >= 6 &&
    /\d/.test(value) &&
    entropy(value) >= 4.2
  );
}
const seedPhrase = /^(?:[a-z]{3,8} ){11,23}[a-z]{3,8}$/;
/** A way in a file system: `PWD=/home/bob`. */
const path = /^(?:~|[A-Za-z]:)?(?:[/\\][\w. -]+){2,}[/\\]?$/;

/** Whether letters change between small and capital as no camel-case name does: `iuAZvyjGdaSE`. */
export function isRestless(value: string): boolean {
  if (value.length < 10 || !/^[A-Za-z][\w-]+$/.test(value)) return false;
  let turns = 0;
  for (let i = 1; i < value.length; i += 1) {
    const before = value.charCodeAt(i - 1);
    const code = value.charCodeAt(i);
    if (before >= 65 && code >= 65 && ((before ^ code) & 32) !== 0) turns += 1;
  }
  if (turns * 5 >= value.length * 2) return true;
  return turns * 10 >= value.length * 3 && /[b-df-hj-np-tv-xz]{4}/i.test(value);
}

/** Unquoted, a name of code with few digits is taken for code, unless chance has written it. */
function mayBeUnquoted(value: string, digits: number): boolean {
  if (isRestless(value)) return true;
  if (/^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$]{2,}\d{0,4})+$/.test(value)) return false;
  return digits >= (value.length < 24 ? 2 : 1);
}

/** Whether an `address` is one to live at: words, and a number standing alone. */
export function isPlace(value: string): boolean {
  if (/:\/\/|[@(){}[\];=+*"`]|^\d+\.\d|0x|\b(?:port|localhost|bytes|line|offset|range|digits)\b/i.test(value))
    return false;
  return (
    /\p{L}{3}/u.test(value) &&
    /(?:^|[\s,/])\d{1,6}(?:[A-Za-z]|[/-]\d{1,5}[A-Za-z]?)?\.?(?:[\s,(]|$)/.test(value)
  );
}

function digitsIn(value: string): number {
  let count = 0;
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code <= 57 && code >= 48) count += 1;
  }
  return count;
}
