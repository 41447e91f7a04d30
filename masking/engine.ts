import type { Operator } from './config.ts';
import type { MaskMemory } from './known-values.ts';
import type { Masked } from './masked.ts';
import type { Place, RestorePair } from './places.ts';
import type { TokenScope } from './tokens.ts';

/** One span that was taken out. Never carries the value. */
export interface Finding {
  readonly detector: string;
  /** JSON path of the leaf, with keys themselves masked. */
  readonly path: string;
  readonly operator: string;
  readonly confidence: number;
}

/** Result of masking: `text` differs from the input only inside the findings' spans. */
export interface MaskResult {
  readonly text: Masked<string>;
  readonly findings: readonly Finding[];
}

/** Masks by one profile. Pure and synchronous; throws nothing on any input it is given as a string. */
export interface Masker {
  /**
   * Masks one JSON-RPC message (strictly valid JSON text): every string leaf, key and suspicious number, except
   * what the protocol needs to work (ids, method, cursors, progress tokens). Splices; never re-serialises.
   */
  message(json: string): MaskResult;
  /** Masks any other JSON text (arguments, structured values). */
  json(json: string): MaskResult;
  /** Masks plain text (error texts, log lines, reasons). */
  text(text: string): MaskResult;
  /** The same for texts of any size: large ones are masked in a worker thread, where the engine has one. */
  readonly later: LaterMasker;
  /** What goes upstream of a client's message, by the profile. */
  readonly requests: 'as-sent' | 'masked';
}

/** Masks without holding up the event loop. Rejects with {@link MaskingError} when the text was not masked. */
export interface LaterMasker {
  message(json: string): Promise<MaskResult>;
  json(json: string): Promise<MaskResult>;
  text(text: string): Promise<MaskResult>;
}

/** A large text could not be masked: what it stands in must not be passed on, shown or recorded. */
export class MaskingError extends Error {
  readonly code: 'masking_failed' | 'masking_timeout' | 'masking_busy' | 'masking_closed';
  constructor(code: MaskingError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MaskingError';
    this.code = code;
  }
}

/** What a masker may be given beyond its profile. Both belong to one session. */
export interface MaskerOptions {
  /** Values once judged secret in this session: hidden wherever else they stand. Grows as messages are masked. */
  readonly memory?: MaskMemory;
  /** Values to hide that were put in for tokens, by detector: they must not appear where a token stood. */
  readonly restored?: ReadonlyMap<string, string>;
  /** Told how often each detector found something in a message. */
  readonly onFound?: (detector: string, times: number) => void;
  /** Where the `token` operator takes its key from; without it, that operator redacts. */
  readonly tokens?: TokenScope;
}

export interface MaskingEngine {
  /**
   * Makes the masker of a named profile. Cheap: profiles are compiled once.
   * @throws Error when there is no such profile (policy was checked for this when it was loaded)
   */
  masker(profile: string, options?: MaskerOptions): Masker;
  /**
   * What a profile does with what a detector finds at a path (`$.a.b[0]`) under a key, or null where it lets it through:
   * the detector is off, a field excepts the place, or `marker` is how a text that `allow` names would have been marked
   * (by its hash, its pseudonym or its last four). For `field` and `binary`, whether the profile has that field, or
   * drops bytes.
   */
  treats(profile: string, detector: string, path: string, key: string, marker: string): Operator | null;
  /** The profile for what no rule of policy gave one to. */
  profileFor(place: Place): string;
  /** The same where the caller's groups are not known: every profile that some of them would have. */
  profilesFor(place: Omit<Place, 'groups'>): readonly string[];
  /** Where tokens may be opened beyond the connection they come from. */
  readonly restore: readonly RestorePair[];
}
