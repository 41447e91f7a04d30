import { SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import type { SamlPerson } from '../../db/saml-logins.ts';
import type { LoginSettings } from '../deps.ts';

export type SamlSettings = Extract<LoginSettings, { mode: 'saml' }>;

/** A response that proves nobody. The message is for the log, and never quotes the response. */
export class UnacceptableResponse extends Error {}

/** Whom an assertion proves, and what it takes to use it up. */
export interface Proven {
  readonly person: SamlPerson;
  readonly requestId: string;
  readonly assertionId: string;
  readonly expiresAt: Date;
}

const longestResponse = 256 * 1024;
/** An assertion is used at once; one that would be good for longer is not. */
const maxAssertionAgeMs = 10 * 60_000;
const requestLifeMs = 10 * 60_000;

/** Everything that may be signed, digested or transformed with; SHA-1 is not among it. */
const algorithms = new Set([
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512',
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  'http://www.w3.org/2001/10/xml-exc-c14n#',
]);

/** @param waits whether a request was sent from here and still waits */
export function samlOf(
  settings: SamlSettings,
  callbackUrl: string,
  waits: (requestId: string) => Promise<boolean>,
): SAML {
  const config: SamlConfig = {
    callbackUrl,
    issuer: settings.entityId,
    audience: settings.entityId,
    entryPoint: settings.entryPoint,
    idpIssuer: settings.idpEntityId,
    idpCert: [...settings.idpCerts],
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: true,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: requestLifeMs,
    acceptedClockSkewMs: settings.clockSkewMs,
    maxAssertionAgeMs,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    // Requests are kept with the sign-in that sent them (console_logins), and used up with it.
    cacheProvider: {
      saveAsync: async (key, value) => ({ value, createdAt: Date.now(), key }),
      getAsync: async (key) => ((await waits(key)) ? new Date().toISOString() : null),
      removeAsync: async (key) => key,
    },
    ...(settings.privateKey !== null && { privateKey: settings.privateKey }),
  };
  return new SAML(config);
}

/**
 * Reads a SAML response (HTTP-POST binding): both the response and the assertion must be signed by the identity
 * provider, with what is read being exactly what was signed; for this audience and this address, now, in answer to a
 * request of ours.
 * @throws UnacceptableResponse
 */
export async function provenBy(saml: SAML, settings: SamlSettings, response: unknown): Promise<Proven> {
  const checked = preCheck(response);
  const { profile } = await saml
    .validatePostResponseAsync({ SAMLResponse: checked })
    .catch((error: unknown) => {
      throw new UnacceptableResponse(error instanceof Error ? error.message.slice(0, 200) : 'it was refused');
    });
  if (!profile) throw new UnacceptableResponse('it is no assertion');
  if (profile.issuer !== settings.idpEntityId)
    throw new UnacceptableResponse('it is by another issuer than the configured one');
  const assertion = partOf(partOf(profile.getAssertion?.(), 'Assertion'));
  const { callbackUrl } = saml.options;
  const confirmation = bearerOf(assertion, callbackUrl);
  const { inResponseTo: requestId } = profile;
  if (typeof requestId !== 'string' || confirmation['InResponseTo'] !== requestId)
    throw new UnacceptableResponse('its assertion answers another request');
  const assertionId = attributesOf(assertion)['ID'];
  const expiresAt = new Date(confirmation['NotOnOrAfter'] ?? '');
  if (!assertionId || Number.isNaN(expiresAt.getTime()))
    throw new UnacceptableResponse('its assertion has no id, or does not expire');
  return {
    person: personOf(profile, assertion, settings),
    requestId,
    assertionId,
    expiresAt: new Date(expiresAt.getTime() + settings.clockSkewMs + maxAssertionAgeMs),
  };
}

/** What is refused before any of it is parsed: entities, algorithms nobody should use, encryption that is not set up. */
function preCheck(response: unknown): string {
  if (typeof response !== 'string' || response === '') throw new UnacceptableResponse('there is none');
  if (response.length > longestResponse) throw new UnacceptableResponse('it is too long');
  if (!/^[A-Za-z0-9+/=\s]+$/.test(response)) throw new UnacceptableResponse('it is not base64');
  const xml = Buffer.from(response, 'base64').toString('utf8');
  if (/<!(?:DOCTYPE|ENTITY|\[CDATA\[)/i.test(xml))
    throw new UnacceptableResponse('it has a document type, an entity or a CDATA section');
  for (const [, algorithm = ''] of xml.matchAll(/\bAlgorithm\s*=\s*["']([^"']*)["']/g))
    if (!algorithms.has(algorithm))
      throw new UnacceptableResponse(
        'it uses an algorithm that is not allowed (SHA-256 or SHA-512 with RSA are)',
      );
  return response;
}

type Parsed = Readonly<Record<string, unknown>>;

/** The bearer confirmation that is for this address. @throws UnacceptableResponse */
function bearerOf(assertion: Parsed, callbackUrl: string): Readonly<Record<string, string>> {
  const subject = partOf(assertion, 'Subject');
  for (const each of listOf(subject['SubjectConfirmation'])) {
    const confirmation = asMap(each);
    const data = attributesOf(partOf(confirmation, 'SubjectConfirmationData'));
    if (
      attributesOf(confirmation)['Method'] === 'urn:oasis:names:tc:SAML:2.0:cm:bearer' &&
      data['Recipient'] === callbackUrl &&
      data['NotOnOrAfter'] !== undefined
    )
      return data;
  }
  throw new UnacceptableResponse('its assertion is not for whoever brings it to this address');
}

function personOf(
  profile: Parsed & {
    readonly nameID?: string;
    readonly nameIDFormat?: string;
  },
  assertion: Parsed,
  settings: SamlSettings,
): SamlPerson {
  const texts = (name: string | null): readonly string[] =>
    name === null ? [] : attributeTexts(assertion, name);
  const [named] = texts(settings.subjectAttribute);
  if (settings.subjectAttribute === null && profile.nameIDFormat?.endsWith(':transient'))
    throw new UnacceptableResponse(
      'its name id changes with each sign-in; have the provider send a persistent one, or set subjectAttribute',
    );
  const subject = settings.subjectAttribute === null ? profile.nameID : named;
  if (!subject || subject.length > 500) throw new UnacceptableResponse('it names nobody');
  const [authn] = listOf(assertion['AuthnStatement']);
  const at = Date.parse(attributesOf(asMap(authn))['AuthnInstant'] ?? '');
  const context = partOf(partOf(asMap(authn), 'AuthnContext'), 'AuthnContextClassRef');
  return {
    subject,
    email: texts(settings.emailAttribute)[0]?.toLowerCase() ?? null,
    name: texts(settings.nameAttribute)[0] ?? null,
    groups: texts(settings.groupsAttribute),
    acr: typeof context['_'] === 'string' ? context['_'] : null,
    authenticatedAtMs: Number.isNaN(at) ? null : at,
  };
}

/**
 * All values of an attribute: providers put several into one attribute, or write one attribute for each (Keycloak's
 * roles and groups), of which the library keeps the last alone.
 */
function attributeTexts(assertion: Parsed, name: string): readonly string[] {
  return listOf(assertion['AttributeStatement'])
    .flatMap((statement) => listOf(asMap(statement)['Attribute']))
    .filter((attribute) => attributesOf(asMap(attribute))['Name'] === name)
    .flatMap((attribute) => listOf(asMap(attribute)['AttributeValue']))
    .map((value) => {
      const { _: text = '', $: _attributes, ...children } = asMap(value);
      if (typeof text !== 'string' || Object.keys(children).length > 0)
        throw new UnacceptableResponse(`its attribute ${name} is no text`);
      return text;
    })
    .filter((text) => text !== '');
}

/** The first element of a name, as xml2js gives it: a list of maps, whose attributes are in `$` and text in `_`. */
function partOf(value: unknown, name?: string): Parsed {
  const map = asMap(listOf(value)[0]);
  return name === undefined ? map : asMap(listOf(map[name])[0]);
}

function attributesOf(element: Parsed): Readonly<Record<string, string>> {
  return asMap(element['$']) as Readonly<Record<string, string>>;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function asMap(value: unknown): Parsed {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Parsed) : {};
}
