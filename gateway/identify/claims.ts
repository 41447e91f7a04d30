import { createHash } from 'node:crypto';
import type { Caller, CallerProof, CredentialKind } from '../../policy/caller.ts';
import { claimAt, type Claims, groupsInClaims, isMap, UnusableClaims } from '../../policy/claims.ts';
import { globMatches } from '../../policy/globs.ts';
import { scopesClaim } from './scopes.ts';
import type { IssuerSettings, WorkloadSettings } from './settings.ts';

/** More people acting for one another than any honest token has. */
const maxActors = 8;

/**
 * Turns verified claims into a caller.
 * @param scopes what the token may be used for; null where it is not limited
 * @throws UnusableClaims when a claim that decisions rest on is missing or has another shape than it must have:
 *   left out in silence, it could make a rule not match that should
 */
export function callerOf(
  claims: Claims,
  token: string,
  settings: Pick<IssuerSettings, 'issuer' | 'groupsClaim'>,
  scopes: readonly string[] | null,
): Caller {
  const subject = requiredText(claims, 'sub');
  return {
    key: `oidc:${settings.issuer}#${subject}`,
    subject,
    issuer: settings.issuer,
    email: claims['email_verified'] === true ? optionalText(claims, 'email') : null,
    name: optionalText(claims, 'name'),
    groups: groupsInClaims(claims, settings.groupsClaim),
    actors: actorsOf(claims['act']),
    client: clientOf(claims),
    credentialId: credentialIdOf(claims, token),
    claims,
    proof: proofOf(claims, 'oauth', scopes),
  };
}

/**
 * The caller of a token of the built-in authorization server: the person who signed in there, under the key that they
 * have wherever they sign in.
 * @throws UnusableClaims
 */
export function ownCallerOf(claims: Claims): Caller {
  return {
    key: requiredText(claims, 'sub'),
    subject: requiredText(claims, 'subject'),
    issuer: requiredText(claims, 'idp'),
    email: optionalText(claims, 'email'),
    name: optionalText(claims, 'name'),
    groups: groupsInClaims(claims, 'groups'),
    actors: [],
    client: clientOf(claims),
    credentialId: `oauth:${requiredText(claims, 'grant')}`,
    claims,
    proof: proofOf(claims, 'oauth', scopesClaim(claims)),
  };
}

/** The caller that a machine's token makes under a workload that it matches. @throws UnusableClaims */
export function workloadCallerOf(claims: Claims, token: string, workload: WorkloadSettings): Caller {
  return {
    key: `workload:${workload.issuer}#${workload.subject}`,
    subject: workload.subject,
    issuer: workload.issuer,
    email: null,
    name: null,
    groups: workload.groups,
    actors: actorsOf(claims['act']),
    client: clientOf(claims),
    credentialId: credentialIdOf(claims, token),
    claims,
    proof: proofOf(claims, 'workload', workload.scopes),
  };
}

/** Whether claims are those of a workload: every claim that it names is a text (or a list with one) that matches. */
export function matchesWorkload(claims: Claims, { match, audience }: WorkloadSettings): boolean {
  return (
    hasAudience(claims, audience) &&
    Object.entries(match).every(([name, glob]) =>
      [claimAt(claims, name)]
        .flat()
        .some(
          (value) =>
            (typeof value === 'string' || typeof value === 'number') && globMatches(glob, `${value}`),
        ),
    )
  );
}

/** Whether one of the audiences is among the token's. */
export function hasAudience(claims: Claims, audience: readonly string[]): boolean {
  return [claims['aud']].flat().some((said) => typeof said === 'string' && audience.includes(said));
}

/**
 * The thumbprint of the key that a token is bound to (RFC 9449 section 6), or null when it is a plain bearer token.
 * @throws UnusableClaims when it is bound in a way that cannot be checked here
 */
export function boundKeyOf(claims: Claims): string | null {
  const { cnf } = claims;
  if (cnf === undefined) return null;
  const jkt = isMap(cnf) && Object.keys(cnf).length === 1 ? cnf['jkt'] : undefined;
  if (typeof jkt !== 'string' || jkt === '')
    throw new UnusableClaims('the token is bound to a key (cnf) in a way that cannot be checked here');
  return jkt;
}

function proofOf(claims: Claims, kind: CredentialKind, scopes: readonly string[] | null): CallerProof {
  const { amr, auth_time: authTime } = claims;
  const methods: readonly unknown[] = amr === undefined || amr === null ? [] : [amr].flat();
  if (!methods.every((method): method is string => typeof method === 'string'))
    throw new UnusableClaims("the token's `amr` is not a list of texts");
  if (authTime !== undefined && (typeof authTime !== 'number' || !Number.isFinite(authTime)))
    throw new UnusableClaims("the token's `auth_time` is not a number");
  return {
    kind,
    scopes,
    acr: optionalText(claims, 'acr'),
    amr: methods,
    authenticatedAtMs: authTime === undefined ? null : authTime * 1000,
  };
}

function clientOf(claims: Claims): string | null {
  return optionalText(claims, 'client_id') ?? optionalText(claims, 'azp');
}

function credentialIdOf(claims: Claims, token: string): string {
  const jti = optionalText(claims, 'jti');
  return jti === null ? `sha256:${hashPrefix(token)}` : `jti:${jti}`;
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
