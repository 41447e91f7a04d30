import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { Caller } from '../../policy/caller.ts';
import { type Claims, UnusableClaims } from '../../policy/claims.ts';
import {
  boundKeyOf,
  callerOf,
  hasAudience,
  matchesWorkload,
  ownCallerOf,
  workloadCallerOf,
} from './claims.ts';
import { IssuerUnavailable, issuerKeys, type IssuerKeysDeps } from './issuer-keys.ts';
import { scopesClaim } from './scopes.ts';
import type { IdentitySettings, IssuerSettings, WorkloadSettings } from './settings.ts';
import { userInfo } from './user-info.ts';

/** A token that proves nothing. The message may be shown to whoever presented it. */
export class UnacceptableToken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnacceptableToken';
  }
}

/** The built-in authorization server, as the gateway trusts it: its name, and its keys without a way over the network. */
export interface OwnIssuer {
  readonly issuer: string;
  readonly keys: JWTVerifyGetKey;
  /** Whether the sign-in that gave a token still stands. */
  readonly signedIn: (grantId: string) => Promise<boolean>;
}

/** A caller, and the thumbprint of the key that their token is bound to. */
export interface Verified {
  readonly caller: Caller;
  /** null: a plain bearer token. */
  readonly boundTo: string | null;
}

/** What a token is presented for. */
export interface Presented {
  /** The URL of the connection. */
  readonly resource: string;
  readonly connection: string;
}

/** A checked token is trusted again for this long, and never beyond its expiry. */
const trustMs = 60_000;
const maxTrusted = 10_000;
const ownAlgorithms = ['ES256'];
const workloadAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const workloadClockSkewMs = 30_000;

/** Everything that is known of one issuer. */
interface Issuer {
  readonly name: string;
  readonly keys: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  /** Whoever its claims prove; throws UnusableClaims or UnacceptableToken. */
  readonly callerOf: (claims: Claims, token: string, presented: Presented) => Promise<Caller>;
}

interface Trusted extends Verified {
  readonly untilMs: number;
}

/**
 * Verifies JWT access tokens (RFC 9068, RFC 7519): issuer, signature by a key of that issuer and an allowed
 * algorithm, audience, expiry and not-before with the issuer's clock skew.
 * @returns a function that gives the caller
 * @throws UnacceptableToken, IssuerUnavailable (from the returned function)
 */
export function tokenVerifier(
  settings: IdentitySettings,
  deps: IssuerKeysDeps & { readonly own: OwnIssuer | null },
): (token: string, presented: Presented) => Promise<Verified> {
  const byName = issuersOf(settings, deps);
  const trusted = new Map<string, Trusted>();
  return async (token, presented) => {
    const handle = createHash('sha256')
      .update(presented.resource)
      .update('\n')
      .update(token)
      .digest('base64');
    const known = trusted.get(handle);
    if (known && deps.now() < known.untilMs) return known;
    trusted.delete(handle);
    const { expiresAtMs, ...verified } = await verify(token, presented, issuerOf(token, byName), deps.now());
    if (trusted.size >= maxTrusted) trusted.delete(trusted.keys().next().value ?? '');
    trusted.set(handle, { ...verified, untilMs: Math.min(deps.now() + trustMs, expiresAtMs) });
    return verified;
  };
}

function issuersOf(
  settings: IdentitySettings,
  deps: IssuerKeysDeps & { readonly own: OwnIssuer | null },
): ReadonlyMap<string, Issuer> {
  const workloads = Map.groupBy(settings.workloads ?? [], ({ issuer }) => issuer);
  const people = new Map(settings.issuers.map((issuer) => [issuer.issuer, issuer]));
  const names = new Set([...people.keys(), ...workloads.keys()]);
  const issuers = new Map<string, Issuer>();
  for (const name of names) {
    const person = people.get(name) ?? null;
    const machines = workloads.get(name) ?? [];
    const jwksUrl = person?.jwksUrl ?? machines.find((machine) => machine.jwksUrl !== null)?.jwksUrl ?? null;
    issuers.set(name, {
      name,
      keys: issuerKeys({ issuer: name, jwksUrl }, deps),
      algorithms: person?.algorithms ?? workloadAlgorithms,
      clockSkewMs: person?.clockSkewMs ?? workloadClockSkewMs,
      callerOf: foreignCaller(person, machines, settings, deps),
    });
  }
  if (deps.own) issuers.set(deps.own.issuer, ownIssuer(deps.own));
  return issuers;
}

/** Tokens of the built-in authorization server: good while the sign-in that gave them stands. */
function ownIssuer({ issuer, keys, signedIn }: OwnIssuer): Issuer {
  return {
    name: issuer,
    keys,
    algorithms: ownAlgorithms,
    clockSkewMs: workloadClockSkewMs,
    callerOf: async (claims, _, { resource }) => {
      if (!hasAudience(claims, [resource])) throw anotherAudience();
      const stands = await signedIn(String(claims['grant'])).catch((error: unknown) => {
        throw new IssuerUnavailable(issuer, error);
      });
      if (!stands) throw new UnacceptableToken('the sign-in that gave the token has ended; sign in again');
      return ownCallerOf(claims);
    },
  };
}

/** Tokens of a configured issuer: a workload that matches goes first, then whoever the token is for. */
function foreignCaller(
  person: IssuerSettings | null,
  machines: readonly WorkloadSettings[],
  { toolClasses = {} }: IdentitySettings,
  { fetch }: IssuerKeysDeps,
): Issuer['callerOf'] {
  const ask = person?.groupsFrom === 'userinfo' ? userInfo(person.issuer, fetch) : null;
  return async (claims, token, { resource, connection }) => {
    const workload = machines.find((machine) => matchesWorkload(claims, machine));
    if (workload) return workloadCallerOf(claims, token, workload);
    if (!person) throw new UnacceptableToken('the token matches no workload that may call here');
    const audience = person.audience.length > 0 ? person.audience : [resource];
    if (!hasAudience(claims, audience)) throw anotherAudience();
    refuseOtherPurpose(claims);
    const limited = Object.hasOwn(toolClasses, connection);
    const scopes = limited ? scopesClaim(claims) : null;
    const caller = callerOf(claims, token, person, scopes);
    if (!ask) return caller;
    const said = await ask(token, caller.subject);
    const { groups } = callerOf({ ...said, sub: caller.subject }, token, person, scopes);
    return { ...caller, groups };
  };
}

/** The issuer that the token names, unverified: it only chooses whose keys the token is checked with. */
function issuerOf(token: string, issuers: ReadonlyMap<string, Issuer>): Issuer {
  let named: string | undefined;
  try {
    named = decodeJwt(token).iss;
    checkType(decodeProtectedHeader(token).typ);
  } catch (error) {
    if (error instanceof UnacceptableToken) throw error;
    throw new UnacceptableToken('the token is no JWT; this connection takes JWT access tokens');
  }
  const issuer = issuers.get(named ?? '');
  if (!issuer) throw new UnacceptableToken('the token is from an issuer that this connection does not trust');
  return issuer;
}

/** Tokens made for something else (logout, DPoP proofs, ID-JAG…) say so in `typ` (RFC 8725 section 3.11). */
function checkType(type: unknown): void {
  const plain =
    type === undefined || (typeof type === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(type));
  if (!plain) throw new UnacceptableToken('the token is of another type than an access token');
}

/**
 * What a client learns of its person (an ID token), or keeps to itself, is no access token, whatever its audience: an ID
 * token may name the hash of one beside it, and Keycloak, which signs all of them alike, has a claim that says which is
 * which.
 */
function refuseOtherPurpose(claims: Claims): void {
  const { typ, at_hash: besideAccess, c_hash: besideCode } = claims;
  if (besideAccess !== undefined || besideCode !== undefined)
    throw new UnacceptableToken('the token is an ID token; present the access token that came with it');
  if (typeof typ === 'string' && /^(?:id|refresh|offline|logout)$/i.test(typ))
    throw new UnacceptableToken('the token is of another type than an access token');
}

async function verify(
  token: string,
  presented: Presented,
  issuer: Issuer,
  nowMs: number,
): Promise<Verified & { expiresAtMs: number }> {
  try {
    const { payload } = await jwtVerify(token, issuer.keys, {
      issuer: issuer.name,
      algorithms: [...issuer.algorithms],
      clockTolerance: issuer.clockSkewMs / 1000,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'sub', 'aud'],
    });
    const boundTo = boundKeyOf(payload);
    const caller = await issuer.callerOf(payload, token, presented);
    return { caller, boundTo, expiresAtMs: (payload.exp ?? 0) * 1000 + issuer.clockSkewMs };
  } catch (error) {
    if (error instanceof IssuerUnavailable || error instanceof UnacceptableToken) throw error;
    throw new UnacceptableToken(explain(error));
  }
}

function anotherAudience(): UnacceptableToken {
  return new UnacceptableToken(
    'the token is meant for another audience; ask for one with this connection as its resource',
  );
}

function explain(error: unknown): string {
  if (error instanceof UnusableClaims) return error.message;
  if (error instanceof errors.JWTExpired) return 'the token has expired; sign in again';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'the token is not valid yet';
    return `the token's \`${error.claim}\` is missing or not acceptable`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return 'the token is signed with an algorithm that is not allowed here';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'the token is signed with a key that its issuer does not publish';
  return 'the token cannot be verified';
}
