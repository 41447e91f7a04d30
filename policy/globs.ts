/**
 * Globs as policy writes them: `*` stands for any run of characters (also none), `?` for exactly one, anything
 * else for itself. Case-sensitive, like MCP's names.
 */
export function compileGlobs(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)));
  const wild = patterns.filter((pattern) => /[*?]/.test(pattern));
  if (wild.includes('*')) return () => true;
  return (text) => exact.has(text) || wild.some((pattern) => globMatches(pattern, text));
}

/**
 * Linear in practice and never worse than pattern × text, whatever the text: on a mismatch only the last star is
 * tried again, which suffices for globs.
 */
export function globMatches(pattern: string, text: string): boolean {
  return walk(pattern, text, (wanted, got) => wanted === '?' || wanted === got);
}

/**
 * Whether every text that `inner` matches is matched by `outer` too. Sound: `true` is always right; a few exotic
 * containments (`?*` in `*?`) may be answered `false`.
 */
export function globContains(outer: string, inner: string): boolean {
  return walk(outer, inner, (wanted, got) => got !== '*' && (wanted === '?' || wanted === got));
}

function walk(pattern: string, text: string, same: (wanted: string, got: string) => boolean): boolean {
  let at = 0;
  let on = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern[on];
    if (wanted === '*') {
      star = on++;
      resume = at;
    } else if (wanted !== undefined && same(wanted, text[at] ?? '')) {
      on++;
      at++;
    } else if (star >= 0) {
      on = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[on] === '*') on++;
  return on === pattern.length;
}
