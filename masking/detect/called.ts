import type { NameVerdict } from '../rules/name-verdict.ts';
import type { Span } from '../span.ts';
import { isWord } from './characters.ts';
import { isPlaceholder } from './placeholders.ts';
import { isSensitiveValue } from './values.ts';

const given = /\((["'`])((?:(?!\1)[^\\\n]|\\.){1,400})\1/y;
/** Calls that look something up, check or describe rather than set. */
const asks =
  /^(?:get|is|has|find|fetch|read|load|check|parse|require|import|describe|it|test|expect|assert|validate|verify|compare|hash|encode|decode|remove|delete|lookup|env|getenv|config|i18n|t|translate|log|print|println|printf|error|warn|new|to|from|by|list|show|generate|create|revoke|refresh)/i;
/** Calls whose second argument is a password. */
const logins =
  /(?:NetworkCredential|UsernamePasswordCredential|PasswordAuthentication|UsernamePassword\w*|BasicAuth\w*|basic_?auth|SetBasicAuth|HTTPBasicAuth|auth\s*=\s*|login|authenticate|createUser|setCredentials|connect_?with_?password)$/i;
/** Calls whose third is: an address, a user, a password. */
const connects = /(?:PDO|DirectoryEntry|mysqli_connect|mysql_connect|mysqli|getConnection|createConnection)$/;
const second = /\s{0,12},\s{0,12}(["'`])((?:[^"'`\\\n]|\\.){3,200})\1/y;

/**
 * Looks at a call whose first argument is a quoted text, at its bracket: `setToken("…")`, `login("user", "…")`.
 * @returns the offset to go on from
 */
export function findCall(
  text: string,
  at: number,
  judge: (name: string) => NameVerdict | null,
  out: Span[],
): number {
  let start = at;
  while (
    start > 0 &&
    at - start < 48 &&
    (isWord(text.charCodeAt(start - 1)) || text.charCodeAt(start - 1) === 0x5f)
  )
    start -= 1;
  const name = text.slice(start, at);
  const verdict = name.length < 3 ? null : judge(name);
  const login = logins.test(text.slice(Math.max(0, at - 40), at));
  const connected = connects.test(name);
  if (verdict === null && !login && !connected) return at;
  given.lastIndex = at;
  const first = given.exec(text);
  if (first === null) return at;
  if (login || connected) {
    second.lastIndex = given.lastIndex;
    let match = second.exec(text);
    if (match !== null && connected) match = second.exec(text);
    const value = match?.[2] ?? '';
    if (match !== null && !isPlaceholder(value) && !/\s/.test(value)) {
      const end = second.lastIndex - 1;
      out.push({ start: end - value.length, end, detector: 'password', confidence: 0.75 });
      return end;
    }
  }
  const value = first[2] ?? '';
  if (verdict === null || asks.test(name)) return at;
  if (verdict.detector !== 'password' && verdict.detector !== 'credential') return at;
  // `password("Enter it:")` asks; what is set has a digit in it, or a character that prose does not join.
  if (!/\d|[^\w\s.,:?!'-]/.test(value) || !isSensitiveValue(value, verdict, true)) return at;
  const from = at + 2;
  out.push({ start: from, end: from + value.length, detector: verdict.detector, confidence: 0.75 });
  return from + value.length;
}
