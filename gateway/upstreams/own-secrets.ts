/** What stands where an upstream echoed one of Holdpoint's own credentials. */
const removed = '[credential removed by Holdpoint]';

/** Shorter values would be found in innocent text. */
const minLength = 8;

/**
 * Makes a function that takes Holdpoint's own secrets out of what upstream sends: an upstream that echoes its
 * credential (a debugging tool, an error message) must not hand it to the agent.
 * @param secrets header values and environment values; of `Bearer x`, x alone is found as well
 */
export function secretRemover(secrets: readonly string[]): (json: string) => string {
  const found = new Set<string>();
  // As it stands inside a JSON string.
  for (const secret of secrets)
    for (const part of [secret, secret.slice(secret.indexOf(' ') + 1)])
      if (part.length >= minLength) found.add(JSON.stringify(part).slice(1, -1));
  const needles = [...found].sort((a, b) => b.length - a.length);
  if (needles.length === 0) return (json) => json;
  return (json) => {
    let text = json;
    for (const needle of needles) if (text.includes(needle)) text = text.replaceAll(needle, removed);
    return text;
  };
}
