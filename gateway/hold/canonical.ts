import { createHash, createHmac } from 'node:crypto';
import type { Bound } from '../../workflows/contract.ts';
import { skipSpace } from '../mcp/parse-json.ts';
import { elements, JsonTextError, members, valueEnd } from './json-text.ts';

const maxDepth = 256;

/**
 * One text for all JSON texts that mean the same: RFC 8785 (JCS) with one difference. RFC 8785 sends numbers
 * through a double, which makes 9007199254740993 the same as 9007199254740992; an approval of the one must not
 * release the other. So a number is written the RFC 8785 way when that names exactly the same decimal value, and
 * otherwise exactly, as `<integer>e<exponent>` with the shortest integer. Equal canonical texts mean equal values
 * to any reader, however many digits it keeps; negative zero stays apart.
 * @param text one JSON value
 * @throws JsonTextError on a key that occurs twice, a lone surrogate, nesting over 256, or what is not JSON
 */
export function canonicalJson(text: string): string {
  const start = skipSpace(text, 0);
  const end = valueEnd(text, start);
  if (skipSpace(text, end) !== text.length) throw new JsonTextError('text follows the JSON value');
  return canonicalValue(text, start, end, 0);
}

function canonicalValue(text: string, start: number, end: number, depth: number): string {
  if (depth > maxDepth) throw new JsonTextError(`the JSON value is nested deeper than ${maxDepth}`);
  switch (text[start]) {
    case '{':
      return canonicalObject(text, start, depth);
    case '[':
      return `[${elements(text, start)
        .map((element) => canonicalValue(text, element.start, element.end, depth + 1))
        .join(',')}]`;
    case '"':
      return canonicalString(JSON.parse(text.slice(start, end)) as string);
    case 't':
    case 'f':
    case 'n':
      return text.slice(start, end);
    default:
      return canonicalNumber(text.slice(start, end));
  }
}

function canonicalObject(text: string, start: number, depth: number): string {
  // Comparing with < orders by UTF-16 code units, as RFC 8785 section 3.2.3 wants.
  const sorted = members(text, start).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const twice = sorted.find((member, index) => member.key === sorted[index + 1]?.key);
  if (twice) throw new JsonTextError('an object has the same key twice');
  const written = sorted.map(
    (member) => `${canonicalString(member.key)}:${canonicalValue(text, member.start, member.end, depth + 1)}`,
  );
  return `{${written.join(',')}}`;
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new JsonTextError('a string has a lone surrogate');
  // ECMAScript's JSON.stringify escapes exactly as RFC 8785 section 3.2.2.2 wants.
  return JSON.stringify(value);
}

function canonicalNumber(written: string): string {
  const exact = decimal(written);
  const asDouble = Number(written);
  if (Number.isFinite(asDouble) && !Object.is(asDouble, -0)) {
    const jcs = String(asDouble);
    if (decimal(jcs) === exact) return jcs;
  }
  return exact;
}

/** A number's exact value as `[-]<integer>e<exponent>`, the integer without trailing zeros; zero is `0e0`. */
function decimal(written: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written);
  if (!parts) throw new JsonTextError('a number is not one of JSON');
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const digits = (whole + fraction).replace(/^0+/, '');
  const integer = digits.replace(/0+$/, '');
  if (integer === '') return `${sign}0e0`;
  if (exponent.length > 20) throw new JsonTextError('a number has an exponent of more than 19 digits');
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - integer.length);
  return `${sign}${integer}e${power}`;
}

/**
 * A commitment to the arguments: HMAC-SHA-256 over their canonical form under a key of the call's own. Stands
 * where `Bound` wants the arguments' hash: whoever reads the database or Temporal cannot try out short values
 * (a PIN, an amount) against it, and once the call's key is destroyed nobody can.
 * @param argsJson the arguments as they were sent; null when there were none, which differs from `{}`
 */
export function commitToArgs(key: Uint8Array, argsJson: string | null): string {
  const canonical = argsJson === null ? '' : canonicalJson(argsJson);
  return createHmac('sha256', key).update('holdpoint args\0').update(canonical).digest('hex');
}

/** What an approval is given for: `sha256:` and the hex SHA-256 over the RFC 8785 form of `bound`. */
export function digestOf(bound: Bound): string {
  const hash = createHash('sha256').update(canonicalJson(JSON.stringify(bound)));
  return `sha256:${hash.digest('hex')}`;
}

/** The hash of a tool's whole definition, as a server lists it: `sha256:` and the hex SHA-256 of its canonical form. */
export function definitionHashOf(definitionJson: string): string {
  return `sha256:${createHash('sha256').update(canonicalJson(definitionJson)).digest('hex')}`;
}

/** What makes two calls the identical call. */
export interface CallIdentity {
  readonly callerKey: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly argsJson: string | null;
  readonly policyVersion: string;
}

/**
 * The key under which the identical call finds the open request, or the outcome that waits for it.
 * @param secret 32 bytes that all gateways share, so that the stored key gives nothing away
 */
export function attachKey(secret: Uint8Array, call: CallIdentity): Buffer {
  const { callerKey, connection, method, tool, argsJson, policyVersion } = call;
  const identity = JSON.stringify([callerKey, connection, method, tool, policyVersion]);
  return createHmac('sha256', secret)
    .update(`holdpoint attach\0${identity}\0`)
    .update(argsJson === null ? '' : canonicalJson(argsJson))
    .digest();
}
