declare const masked: unique symbol;

/**
 * A value that has been through the masking engine. Whatever leaves the process (records, Temporal, Slack,
 * the console) takes this type, so that the compiler refuses text that was never masked.
 */
export type Masked<T extends string | Uint8Array> = T & { readonly [masked]: true };

/**
 * Marks a value as masked. Only the masking room may call this (`test/tidy.test.ts` enforces it), and only on
 * the engine's own output.
 */
export function asMasked<T extends string | Uint8Array>(value: T): Masked<T> {
  return value as Masked<T>;
}
