import type { Masked } from './masked.ts';

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
}

/** Makes the masker of a named profile. Unknown names were refused when policy was loaded. */
export interface MaskingEngine {
  masker(profile: string): Masker;
}
