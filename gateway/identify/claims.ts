import { createHash } from 'node:crypto';
import type { Caller } from '../../policy/caller.ts';
import type { IssuerSettings } from './settings.ts';

/** A verified token whose claims cannot be turned into a caller. */
export class UnusableClaims extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnusableClaims';
  }
}

type Claims = Readonly<Record<string, unknown>>;

/** More people acting for one another than any honest token has. */
const maxActors = 8;
const maxGroups = 2_000;

/**
 * Turns verified claims into a caller.
 * @throws UnusableClaims when a claim that decisions rest on is missing or has another shape than it must have:
 *   left out in silence, it could make a rule not match that should
 */
export function callerOf(claims: Claims, token: string, settings: IssuerSettings): Caller {
  const subject = requiredText(claims, 'sub');
  if (claims['cnf'] !== undefined)
    throw new UnusableClaims('the token is bound to a key (cnf), and cannot be used as a plain bearer token');
  const jti = optionalText(claims, 'jti');
  return {
    key: `oidc:${settings.issuer}#${subject}`,
    subject,
    issuer: settings.issuer,
    email: claims['email_verified'] === true ? optionalText(claims, 'email') : null,
    name: optionalText(claims, 'name'),
    groups: groupsOf(claims, settings.groupsClaim),
    actors: actorsOf(claims['act']),
    client: optionalText(claims, 'client_id') ?? optionalText(claims, 'azp'),
    credentialId: jti === null ? `sha256:${hashPrefix(token)}` : `jti:${jti}`,
    claims,
  };
}

function hashPrefix(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16);
}

function requiredText(claims: Claims, name: string): string {
  const value = optionalText(claims, name);
  if (value === null) throw new UnusableClaims(`the token has no \`${name}\``);
  return value;
}

function optionalText(claims: Claims, name: string): string | null {
  const value = claims[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value === '' || value.length > 1_000)
    throw new UnusableClaims(`the token's \`${name}\` is not a text of 1 to 1000 characters`);
  return value;
}

/** Groups by a claim, whose name may itself contain dots or lead into nested claims. */
function groupsOf(claims: Claims, claim: string): readonly string[] {
  const elsewhere = claims['_claim_names'];
  if (isMap(elsewhere) && Object.hasOwn(elsewhere, claim))
    throw new UnusableClaims(
      `the token does not carry \`${claim}\` itself (too many groups); have the issuer send only the groups assigned to this application`,
    );
  const value = Object.hasOwn(claims, claim) ? claims[claim] : claim.split('.').reduce<unknown>(step, claims);
  if (value === undefined || value === null) return [];
  const groups: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (groups.length > maxGroups || !groups.every((group): group is string => typeof group === 'string'))
    throw new UnusableClaims(`the token's \`${claim}\` is not a list of at most ${maxGroups} texts`);
  return groups;
}

function step(at: unknown, key: string): unknown {
  return isMap(at) && Object.hasOwn(at, key) ? at[key] : undefined;
}

/** RFC 8693 section 4.1: the outermost `act` is who acts now, the nested ones acted before. */
function actorsOf(act: unknown): readonly string[] {
  const actors: string[] = [];
  for (let at = act; at !== undefined; at = at['act']) {
    if (!isMap(at)) throw new UnusableClaims("the token's `act` is not a map");
    if (actors.length === maxActors)
      throw new UnusableClaims(`the token's \`act\` is nested deeper than ${maxActors}`);
    actors.push(requiredText(at, 'sub'));
  }
  return actors;
}

function isMap(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
