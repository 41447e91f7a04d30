/** One value that differs between two calls' masked arguments. */
export interface Change {
  /** `limit`, `where[0].column`; empty for the arguments as a whole. */
  readonly path: string;
  /** JSON text, masked and perhaps shortened; null where there was nothing. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between two calls' masked arguments. */
export interface Changes {
  readonly list: readonly Change[];
  /** How many further values differ. */
  readonly more: number;
}

/** What a companion call answered, as approvers see it. */
export interface ShownPreview {
  readonly tool: string;
  /** False when there is no answer to show; `text` then says why. */
  readonly ok: boolean;
  /** Masked. */
  readonly text: string;
  /** How many characters were left out at the end. */
  readonly leftOut: number;
}

/** What helps to decide on a call, as it was known when the call was held. All of it masked; none of it is what runs. */
export interface CallContext {
  /** The last approved call of the same tool in the same session. */
  readonly previous: { readonly callId: string; readonly atMs: number; readonly changes: Changes } | null;
  /** The denied call of the same tool in the same session that this one follows. */
  readonly resubmits: {
    readonly callId: string;
    readonly by: string | null;
    readonly reason: string | null;
    readonly bounds: string | null;
    readonly changes: Changes;
  } | null;
  /** An earlier, identical call that may have happened and that nobody has judged yet. */
  readonly unclear: { readonly callId: string; readonly atMs: number } | null;
  /** How calls of this caller that the same rule held for the same tool were decided lately. */
  readonly history: { readonly approved: number; readonly denied: number; readonly days: number };
  /** The session's requests before this one, latest first, whichever gateway saw them. */
  readonly recent: readonly { readonly tool: string; readonly verdict: string; readonly atMs: number }[];
  readonly preview: ShownPreview | null;
}
