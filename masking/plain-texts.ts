/**
 * The strings of one message in which nothing was found, since replies of many rows repeat themselves: the same
 * string under the same name is searched once. It goes with the message.
 */
export interface PlainTexts {
  /** Whether nothing was found in a text; `bare` when nothing but its own characters was looked at. */
  of(text: string, key: string, depth: number): 'bare' | 'plain' | undefined;
  add(text: string, key: string, depth: number, bare: boolean): void;
}

/** What is shorter is searched sooner than looked up. */
const shortest = 12;

export function createPlainTexts(): PlainTexts {
  const byDepth: Map<string, Map<string, 'bare' | 'plain'>>[] = [];
  return {
    of: (text, key, depth) => (text.length < shortest ? undefined : byDepth[depth]?.get(key)?.get(text)),
    add(text, key, depth, bare) {
      if (text.length < shortest) return;
      const byKey = (byDepth[depth] ??= new Map());
      const texts = byKey.get(key) ?? new Map<string, 'bare' | 'plain'>();
      byKey.set(key, texts);
      texts.set(text, bare ? 'bare' : 'plain');
    },
  };
}
