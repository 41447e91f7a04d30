import {
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import {
  giveChallenge,
  notePasskeyUse,
  type Passkey,
  passkeysOf,
  storePasskey,
  takeChallenge,
} from '../db/passkeys.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { ownKey } from './identity.ts';

/** What an answer to a challenge is for. */
export const enrolling = 'enrol';

/** An approval, bound to exactly what it approves. */
export function approving(call: { readonly callId: string; readonly digest: string }): string {
  return `approve ${call.callId} ${call.digest}`;
}

const challengeLifeMs = 5 * 60_000;

/** What a browser needs to make a new passkey for whoever is signed in. */
export async function enrolmentOptions(
  context: ConsoleContext,
  visit: Visit,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { person } = visit.identity;
  const known = await passkeysOf(context.pool, person.keys);
  const options = await generateRegistrationOptions({
    rpName: 'Holdpoint',
    rpID: rpIdOf(context),
    userName: person.name,
    attestationType: 'none',
    excludeCredentials: known.map(descriptor),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
  });
  const { challenge } = options;
  await giveChallenge(
    context.pool,
    { challenge, session: visit.secret, purpose: enrolling },
    challengeLifeMs,
  );
  return options;
}

/** Takes a new passkey in. @returns false when what the browser sent is no answer to a challenge of this session */
export async function enrol(
  context: ConsoleContext,
  visit: Visit,
  { name, response }: { readonly name: string; readonly response: string },
): Promise<boolean> {
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: JSON.parse(response) as RegistrationResponseJSON,
    expectedChallenge: (challenge) =>
      takeChallenge(context.pool, { challenge, session: visit.secret, purpose: enrolling }),
    expectedOrigin: context.origin(),
    expectedRPID: rpIdOf(context),
    requireUserVerification: true,
  }).catch(() => ({ verified: false, registrationInfo: undefined }));
  if (!verified || !registrationInfo) return false;
  const { credential } = registrationInfo;
  return storePasskey(context.pool, ownKey(visit.identity), {
    credentialId: credential.id,
    name,
    publicKey: credential.publicKey,
    counter: credential.counter,
    transports: credential.transports ?? [],
  });
}

/** What a browser needs to prove its person for one purpose; null when they have no passkey. */
export async function proofOptions(
  context: ConsoleContext,
  visit: Visit,
  purpose: string,
): Promise<PublicKeyCredentialRequestOptionsJSON | null> {
  const known = await passkeysOf(context.pool, visit.identity.person.keys);
  if (known.length === 0) return null;
  const options = await generateAuthenticationOptions({
    rpID: rpIdOf(context),
    allowCredentials: known.map(descriptor),
    userVerification: 'required',
  });
  const { challenge } = options;
  await giveChallenge(context.pool, { challenge, session: visit.secret, purpose }, challengeLifeMs);
  return options;
}

/** Whether a browser has proven its person for this purpose, just now and for the first time. */
export async function isProven(
  context: ConsoleContext,
  visit: Visit,
  { purpose, response }: { readonly purpose: string; readonly response: string },
): Promise<boolean> {
  const answer = readAnswer(response);
  const known = await passkeysOf(context.pool, visit.identity.person.keys);
  const passkey = known.find(({ credentialId }) => credentialId === answer?.id);
  if (!answer || !passkey) return false;
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: (challenge) =>
      takeChallenge(context.pool, { challenge, session: visit.secret, purpose }),
    expectedOrigin: context.origin(),
    expectedRPID: rpIdOf(context),
    credential: {
      id: passkey.credentialId,
      publicKey: new Uint8Array(passkey.publicKey),
      counter: passkey.counter,
    },
    requireUserVerification: true,
  }).catch(() => ({ verified: false, authenticationInfo: undefined }));
  if (!verified || !authenticationInfo) return false;
  return notePasskeyUse(context.pool, passkey.credentialId, authenticationInfo.newCounter);
}

function readAnswer(text: string): AuthenticationResponseJSON | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as AuthenticationResponseJSON) : null;
  } catch {
    return null;
  }
}

function descriptor({ credentialId, transports }: Passkey) {
  return { id: credentialId, transports: [...transports] as AuthenticatorTransport[] };
}

/** Passkeys are bound to the console's host. */
function rpIdOf({ origin }: ConsoleContext): string {
  return new URL(origin()).hostname;
}
