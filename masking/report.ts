import type { Operator } from './config.ts';
import type { MaskingEngine, Masker } from './engine.ts';
import { createMaskMemory } from './known-values.ts';
import { markerPattern } from './replace.ts';

/** One recorded message, as masking left it. */
export interface RecordedText {
  readonly session: string;
  readonly connection: string;
  /** Empty where there is none. */
  readonly tool: string;
  /** The profile that a changed policy has for it. */
  readonly profile: string;
  /** JSON. */
  readonly text: string;
}

/** What would change for one detector at one connection and tool. Counts and places, never values. */
export interface ReportRow {
  /**
   * `added` would be masked too; `gone` was masked, and would not be by the changed profile; `otherwise` would be
   * masked in another way than it was.
   */
  readonly change: 'added' | 'gone' | 'otherwise';
  readonly detector: string;
  /** What the changed profile writes instead; null where it masks no more. */
  readonly operator: string | null;
  readonly connection: string;
  readonly tool: string;
  readonly times: number;
  readonly messages: number;
  /** Where, with elements of lists as `[*]`; some of them when there are many. */
  readonly places: readonly string[];
  readonly morePlaces: boolean;
}

/** Compares recorded messages with what a changed policy's profiles would make of them. */
export interface MaskReport {
  /** @throws MaskingError where the engine has threads and they do not answer */
  add(recorded: RecordedText): Promise<void>;
  rows(): ReportRow[];
}

const shownPlaces = 5;
const mostRows = 5_000;
/** A reversible token, whose key may be gone: its type says what it stands for. */
const tokenPattern = /\[\[([a-z][a-z0-9-]{0,40}):[A-Za-z0-9_-]{16,}\]\]/g;
/** An e-mail address as `format` writes it. */
const formattedMail = /(?<![\w.+-])x{1,64}@masked\.invalid/g;
/** Base64 of `[dropped `: bytes that `images: drop` took out. */
const droppedStart = 'W2Ryb3BwZWQg';

interface Counted {
  readonly row: Omit<ReportRow, 'times' | 'messages' | 'places' | 'morePlaces'>;
  times: number;
  messages: number;
  readonly places: Set<string>;
  morePlaces: boolean;
}

/**
 * @param engine of the changed policy. What it would mask in addition is found by masking the recorded text again;
 * what it would no longer mask, or in another way, by the markers in it. Values are not there any more: what `drop`
 * took out left nothing, what `format` wrote is known again for e-mail only, and texts that `allow` names are known by
 * their hashes, pseudonyms and last four, where markers have them and the engine has the deployment's key.
 */
export function createMaskReport(engine: MaskingEngine): MaskReport {
  const counts = new Map<string, Counted>();
  const sessions = new Map<
    string,
    { memory: ReturnType<typeof createMaskMemory>; maskers: Map<string, Masker> }
  >();
  const maskerOf = (session: string, profile: string): Masker => {
    const kept = sessions.get(session) ?? { memory: createMaskMemory(), maskers: new Map<string, Masker>() };
    // Sessions come one after the other: an earlier one is done.
    if (!sessions.has(session)) sessions.clear();
    sessions.set(session, kept);
    const masker = kept.maskers.get(profile) ?? engine.masker(profile, { memory: kept.memory });
    kept.maskers.set(profile, masker);
    return masker;
  };
  const count = (seen: Set<string>, row: Counted['row'], path: string): void => {
    const key = `${row.change} ${row.detector} ${row.operator} ${row.connection} ${row.tool}`;
    let counted = counts.get(key);
    if (counted === undefined) {
      if (counts.size >= mostRows) return;
      counted = { row, times: 0, messages: 0, places: new Set(), morePlaces: false };
      counts.set(key, counted);
    }
    counted.times += 1;
    if (!seen.has(key)) counted.messages += 1;
    seen.add(key);
    const place = path.replaceAll(/\[\d+\]/g, '[*]');
    if (counted.places.size < shownPlaces) counted.places.add(place);
    else if (!counted.places.has(place)) counted.morePlaces = true;
  };
  return {
    async add({ session, connection, tool, profile, text }) {
      const seen = new Set<string>();
      const at = { connection, tool };
      const masker = maskerOf(session, profile);
      for (const { detector, path, operator } of (await masker.later.message(text)).findings)
        count(seen, { change: 'added', detector, operator, ...at }, path);
      for (const { detector, path, key, written, marker, inKey } of marksIn(text)) {
        const operator = engine.treats(profile, detector, path, key, marker);
        if (operator === written) continue;
        // A plain marker is also what keys, values too short for their last four and tokens of ended sessions become.
        if (written === 'redact' && (inKey || operator === 'token' || operator === 'partial')) continue;
        const change = operator === null ? 'gone' : 'otherwise';
        // Names on the way are shown as this policy would have them.
        count(seen, { change, detector, operator, ...at }, masker.text(path).text);
      }
    },
    rows: () =>
      [...counts.values()]
        .map(({ row, times, messages, places, morePlaces }) => ({
          ...row,
          times,
          messages,
          places: [...places],
          morePlaces,
        }))
        .sort((a, b) => a.change.localeCompare(b.change) || b.times - a.times),
  };
}

interface Mark {
  readonly detector: string;
  readonly path: string;
  readonly key: string;
  /** The operator that wrote it. */
  readonly written: Operator;
  readonly marker: string;
  /** It stands in a member's name, where every operator writes the same. */
  readonly inKey: boolean;
}

/** What masking took out of a recorded text, by its markers. */
function marksIn(text: string): Mark[] {
  const marks: Mark[] = [];
  const value = parsed(text);
  if (value === undefined) addMarks(text, '$', '', marks);
  else walk(value, '$', '', 0, marks);
  return marks;
}

function walk(value: unknown, path: string, key: string, depth: number, marks: Mark[]): void {
  if (typeof value === 'string') {
    const inner = depth < 8 && /^\s*[[{]/.test(value) ? parsed(value) : undefined;
    if (inner !== undefined) walk(inner, `${path}→$`, key, depth + 1, marks);
    else if (value.startsWith(droppedStart))
      marks.push({ detector: 'binary', path, key, written: 'drop', marker: '', inKey: false });
    else addMarks(value, path, key, marks);
  } else if (Array.isArray(value)) {
    value.forEach((item, at) => walk(item, `${path}[${at}]`, key, depth, marks));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      addMarks(name, `${path}.${name}`, '', marks, true);
      walk(member, `${path}.${name}`, name, depth, marks);
    }
  }
}

function addMarks(text: string, path: string, key: string, marks: Mark[], inKey = false): void {
  const place = { path, key, inKey };
  for (const match of text.matchAll(markerPattern)) {
    const [, detector = '', sign = ''] = /^\[masked:([a-z0-9-]+)(?: ([…#~]))?/.exec(match[0]) ?? [];
    marks.push({ detector, written: writers[sign] ?? 'redact', marker: match[0], ...place });
  }
  for (const match of text.matchAll(tokenPattern))
    marks.push({ detector: match[1] ?? '', written: 'token', marker: match[0], ...place });
  for (const match of text.matchAll(formattedMail))
    marks.push({ detector: 'email', written: 'format', marker: match[0], ...place });
}

const writers: Readonly<Record<string, Operator>> = { '…': 'partial', '#': 'hash', '~': 'pseudonym' };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
