import { randomBytes } from 'node:crypto';
import type { MaskingConfig, Operator, ProfileConfig } from './config.ts';
import { builtinDetectors } from './detectors.ts';
import { createNameJudge } from './detect/field-names.ts';
import { createFinder } from './detect/find.ts';
import { createNumberNames, createPersonNumberFinder } from './detect/person-numbers.ts';
import { createVendorTokens } from './detect/vendor-tokens.ts';
import type { Finding, LaterMasker, MaskerOptions, MaskingEngine, MaskResult, Masker } from './engine.ts';
import { createFieldRules } from './field-rules.ts';
import type { FieldRules } from './field-rules.ts';
import { applyEdits } from './json-tree.ts';
import { createKeyNames } from './key-names.ts';
import type { KeyNames } from './key-names.ts';
import { createKnownFinder, isDistinct, knownIn, remember } from './known-values.ts';
import type { MaskMemory } from './known-values.ts';
import { isLarge } from './large.ts';
import type { MaskPool } from './large.ts';
import { asMasked } from './masked.ts';
import { profileAt, profilesAt } from './places.ts';
import { letsThrough } from './replace.ts';
import { scanJson } from './scan.ts';
import type { JsonTape } from './scan.ts';
import { createPlainTexts } from './plain-texts.ts';
import type { PlainTexts } from './plain-texts.ts';
import type { Span } from './span.ts';
import { textEdits } from './text-edits.ts';
import type { LeafEdit, TextParts } from './text-edits.ts';
import { createUserFinder } from './user-detectors.ts';
import { jsonEdits } from './walk-json.ts';
import type { WalkParts } from './walk-leaf.ts';

/** How deep a text may be nested for the walk; the gateway refuses deeper messages before. */
const maxDepth = 512;

/**
 * Makes the engine for a checked config.
 * @param pseudonymKey key of hashes and pseudonyms; equal values look alike under equal keys. Random when absent.
 * @param pool threads of the same config and key for large texts; without it they are masked at once
 */
export function createMaskingEngine(
  config: MaskingConfig,
  pseudonymKey: Uint8Array = randomBytes(32),
  pool: MaskPool | null = null,
): MaskingEngine {
  const ready = new Map<string, Prepared>();
  const preparedOf = (name: string): Prepared => {
    const profile = config.profiles[name];
    if (profile === undefined) throw new Error(`there is no masking profile named ${JSON.stringify(name)}`);
    const prepared = ready.get(name) ?? prepare(config, profile);
    ready.set(name, prepared);
    return prepared;
  };
  return {
    masker(name, options = {}) {
      const prepared = preparedOf(name);
      const { profile } = prepared;
      const masker = createMasker(prepared, options, pseudonymKey);
      const off = (kind: keyof LaterMasker) => async (text: string) =>
        pool === null || !isLarge(text) ? masker[kind](text) : await pool.mask(kind, name, text, options);
      return {
        ...masker,
        requests: profile.requests,
        later: { message: off('message'), json: off('json'), text: off('text') },
      };
    },
    treats(name, detector, path, key, marker) {
      const { profile, text, fields } = preparedOf(name);
      if (detector === 'binary') return profile.images === 'drop' ? 'drop' : null;
      const field = fields.operatorFor(path, key);
      if (field === 'keep') return null;
      if (detector === 'field' || field !== null) return field;
      const own = config.detectors.some(({ name: user }) => user === detector);
      const on = own ? !profile.except.includes(detector) : text.enabled(detector);
      if (!on || letsThrough(profile.allow, detector, marker, pseudonymKey)) return null;
      return text.operatorOf(detector);
    },
    profileFor: (place) => profileAt(config.uses, place),
    profilesFor: (place) => profilesAt(config.uses, place),
    restore: config.restore,
  };
}

/** What is compiled once per profile. */
interface Prepared {
  readonly profile: ProfileConfig;
  readonly text: Omit<TextParts, 'keys' | 'known' | 'nested' | 'unfolded'>;
  readonly addressFind: TextParts['find'];
  readonly fields: FieldRules;
  readonly keys: KeyNames;
}

function prepare(config: MaskingConfig, profile: ProfileConfig): Prepared {
  const on = (name: string): boolean => {
    if (profile.except.includes(name)) return false;
    const family = builtinDetectors.get(name);
    return (
      profile.detect.includes(name) ||
      (family !== undefined && profile.detect.includes(family) && !profile.except.includes(family))
    );
  };
  const enabled = (name: string): boolean => name === 'field' || on(name);
  const secretsOnly = (name: string): boolean => builtinDetectors.get(name) === 'secrets' && enabled(name);
  const judge = createNameJudge(createNumberNames(enabled));
  const finder = (chosen: (name: string) => boolean): TextParts['find'] =>
    createFinder({
      enabled: chosen,
      judge,
      vendors: createVendorTokens(chosen),
      persons: createPersonNumberFinder(chosen),
    });
  const users = config.detectors.filter((detector) => !profile.except.includes(detector.name));
  return {
    profile,
    text: {
      profile,
      find: finder(enabled),
      judge,
      enabled,
      plainKeys: new Set(),
      operatorOf: (detector): Operator =>
        profile.operators[detector] ?? profile.operators[builtinDetectors.get(detector) ?? ''] ?? 'redact',
      allow: new Set(profile.allow),
      extra: users.length === 0 ? null : createUserFinder(users),
    },
    addressFind: finder(secretsOnly),
    fields: createFieldRules(profile.fields),
    keys: createKeyNames(),
  };
}

function createMasker(
  prepared: Prepared,
  options: MaskerOptions,
  pseudonymKey: Uint8Array,
): Omit<Masker, 'later' | 'requests'> {
  const partsWith = (known: ReadonlyMap<string, string>, earlier: PlainTexts | null): WalkParts => {
    const parts: { walk?: WalkParts } = {};
    const text: TextParts = {
      ...prepared.text,
      keys: { pseudonymKey, tokens: options.tokens },
      known: known.size === 0 ? null : createKnownFinder(known),
      unfolded: { times: 0 },
      nested: (inner, key, depth) => {
        const tape = tryScan(inner);
        return tape === null || parts.walk === undefined
          ? null
          : jsonEdits(parts.walk, tape, false, key, depth);
      },
    };
    const walk = {
      text,
      addresses: { ...text, find: prepared.addressFind, extra: null, nested: () => null },
      fields: prepared.fields,
      keys: prepared.keys,
      plain: createPlainTexts(),
      earlier,
    };
    parts.walk = walk;
    return walk;
  };

  /** Runs once, and again with what it found when the found values stand elsewhere too. */
  const run = (text: string, edits: (parts: WalkParts) => LeafEdit[]): MaskResult => {
    const memory = options.memory;
    const present = memory === undefined || memory.values.size === 0 ? empty : presentIn(text, memory);
    const before = options.restored === undefined ? present : new Map([...present, ...options.restored]);
    const first = partsWith(before, null);
    let found = edits(first);
    const values = new Map(before);
    for (const edit of found) if (spreads(edit)) values.set(edit.value, edit.detector);
    if (values.size > before.size && standElsewhere(text, values, found))
      found = edits(partsWith(values, first.plain));
    if (options.memory !== undefined)
      for (const [value, detector] of values) remember(options.memory, value, detector);
    return resultOf(text, found);
  };

  const json = (text: string, protocol: boolean): MaskResult => {
    const tape = tryScan(text);
    if (tape === null) return run(text, (parts) => textEdits(parts.text, text, '', 4));
    return run(text, (parts) => jsonEdits(parts, tape, protocol, '', 0));
  };
  return {
    message(text) {
      const result = json(text, true);
      if (options.onFound !== undefined)
        for (const [detector, times] of countsOf(result.findings)) options.onFound(detector, times);
      return result;
    },
    json: (text) => json(text, false),
    text: (text) => run(text, (parts) => textEdits(parts.text, text, '', 0)),
  };
}

const empty: ReadonlyMap<string, string> = new Map();

const formless = new Set(['field', 'passport', 'driver-license', 'national-id', 'bank-account']);

/** Secrets and values known by their name are looked for elsewhere; what has a form of its own is found anyway. */
function spreads(edit: LeafEdit): boolean {
  return (
    (formless.has(edit.detector) || builtinDetectors.get(edit.detector) === 'secrets') &&
    isDistinct(edit.value)
  );
}

function presentIn(text: string, memory: MaskMemory): ReadonlyMap<string, string> {
  const found: Span[] = [];
  knownIn(memory)(text, found);
  const present = new Map<string, string>();
  for (const span of found) present.set(text.slice(span.start, span.end), span.detector);
  // What JSON writes with escapes is not seen in the raw text: such values always count as present.
  const mayEscape = escapableIn(text);
  for (const [value, detector] of memory.values) if (mayEscape(value)) present.set(value, detector);
  return present;
}

/** Whether JSON may write a value in more than one way. */
function isEscapable(value: string): boolean {
  return /["\\/]|[^ -~]/.test(value);
}

/** The same for a text's own writer: several (Go's, .NET's) escape `&`, `<`, `'` or `+` too, and only marks. */
function escapableIn(text: string): (value: string) => boolean {
  return text.includes('\\u00') ? (value) => /[^0-9A-Za-z]/.test(value) : isEscapable;
}

/** Whether found values stand more often in the text than they were found. */
function standElsewhere(
  text: string,
  values: ReadonlyMap<string, string>,
  found: readonly LeafEdit[],
): boolean {
  let times = 0;
  for (const edit of found) if (values.has(edit.value)) times += 1;
  const mayEscape = escapableIn(text);
  const escapable = [...values.keys()].filter(mayEscape);
  if (mayEscape !== isEscapable && escapable.length > 0) return true;
  const slashes = escapable.length > 0 && text.includes('\\/');
  if (slashes || escapable.some((value) => !/^[ -~]*$/.test(value) || /["\\]/.test(value))) return true;
  let seen = 0;
  createKnownFinder(values)(text, { push: () => (seen += 1) });
  return seen > times;
}

/** The masked text; what was found is told only if somebody asks, since a large text may hold very much. */
function resultOf(text: string, edits: readonly LeafEdit[]): MaskResult {
  let findings: readonly Finding[] | null = null;
  return {
    text: asMasked(applyEdits(text, edits)),
    get findings() {
      return (findings ??= edits.map(({ detector, path, operator, confidence }) => ({
        detector,
        path: path === '' ? '$' : path,
        operator,
        confidence,
      })));
    },
  };
}

/** How often each detector found something. */
export function countsOf(findings: readonly Finding[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { detector } of findings) counts.set(detector, (counts.get(detector) ?? 0) + 1);
  return [...counts];
}

function tryScan(text: string): JsonTape | null {
  try {
    return scanJson(text, maxDepth, 'allow');
  } catch {
    return null;
  }
}
