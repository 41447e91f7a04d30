import type { NameVerdict } from '../rules/name-verdict.ts';

/** Members of a JSON Web Key that only its owner has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1). */
export const privateMembers: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']);

/** What stands in such a member. */
export const keyMember: NameVerdict = { detector: 'credential', strength: 'strong' };

/** The same of a key that .NET has written as XML. */
const privateElements: ReadonlySet<string> = new Set(['P', 'Q', 'DP', 'DQ', 'InverseQ', 'D']);

const reach = 1_500;
const member = /[ \t]{0,4}["']?[\w-]{22,}/y;
const element = /\s{0,16}[\w+/]{22,}={0,2}\s{0,16}<\//y;

/** Whether `key`, before the sign at `at`, is such a member of a key that stands in the text around it. */
export function isKeyMember(text: string, at: number, key: string): boolean {
  if (text.charCodeAt(at) === 0x3e) {
    element.lastIndex = at + 1;
    return (
      privateElements.has(key) &&
      element.test(text) &&
      text.slice(Math.max(0, at - 2 * reach), at).includes('RSAKeyValue')
    );
  }
  if (text.charCodeAt(at) !== 0x3a || !privateMembers.has(key)) return false;
  member.lastIndex = at + 1;
  return member.test(text) && text.slice(Math.max(0, at - reach), at + reach).includes('kty');
}
