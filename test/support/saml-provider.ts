import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { signXml } from '@node-saml/node-saml/lib/xml.js';
import samlp from 'samlp';
import type { LoginSettings } from '../../console/deps.ts';

/** What an answer says; every member may be set to something wrong. */
export interface SamlAnswer {
  subject: string;
  groups: string[];
  inResponseTo: string;
  recipient: string;
  destination: string;
  audience: string;
  issuer: string;
  signResponse: boolean;
  signAssertion: boolean;
  nameIdentifierFormat: string;
  lifetimeInSeconds: number;
  signatureAlgorithm: string;
  digestAlgorithm: string;
  key: string;
  cert: string;
  /** Changes the response before it is signed. */
  edit: ((xml: string) => string) | null;
}

/** A SAML 2.0 identity provider (samlp) with a form: whoever types a name is signed in as that name. */
export interface SamlProvider extends AsyncDisposable {
  readonly entityId: string;
  readonly entryPoint: string;
  readonly cert: string;
  /** Groups by name. */
  readonly groups: Map<string, string[]>;
  /** What the provider would answer to the request in a redirect address, base64. */
  answer(redirect: string, more?: Partial<SamlAnswer>): Promise<string>;
  /** How the console is told of it. */
  login(consoleUrl: string): Extract<LoginSettings, { mode: 'saml' }>;
}

/** A fresh RSA key with a certificate. */
export function selfSigned(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-saml-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const name = ['-subj', '/CN=idp.test', '-days', '2'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...name],
    {
      stdio: 'ignore',
    },
  );
  const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return pair;
}

export async function samlProvider(): Promise<SamlProvider> {
  const pair = selfSigned();
  const groups = new Map<string, string[]>();
  const entityId = 'https://idp.test/metadata';
  const answer = async (redirect: string, more: Partial<SamlAnswer> = {}): Promise<string> => {
    const request = inflateRawSync(
      Buffer.from(new URL(redirect).searchParams.get('SAMLRequest') ?? '', 'base64'),
    ).toString();
    const acs = /AssertionConsumerServiceURL="([^"]+)"/.exec(request)?.[1] ?? '';
    const audience = /<(?:saml:)?Issuer[^>]*>([^<]+)</.exec(request)?.[1] ?? '';
    const subject = more.subject ?? 'erin';
    const facts: SamlAnswer = {
      subject,
      groups: groups.get(subject) ?? [],
      inResponseTo: /\bID="([^"]+)"/.exec(request)?.[1] ?? '',
      recipient: acs,
      destination: acs,
      audience,
      issuer: entityId,
      signResponse: true,
      signAssertion: true,
      nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      lifetimeInSeconds: 300,
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      edit: null,
      ...pair,
      ...more,
    };
    const xml = facts.edit
      ? signed(facts.edit(await responseOf({ ...facts, signResponse: false, signAssertion: false })), facts)
      : await responseOf(facts);
    return Buffer.from(xml).toString('base64');
  };
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', provider.entryPoint);
      response.setHeader('content-type', 'text/html');
      const name = url.searchParams.get('name');
      if (name === null) {
        const asked = url.searchParams.get('SAMLRequest') ?? '';
        response.end(
          `<form><input type="hidden" name="SAMLRequest" value="${asked}"><label>Name <input name="name"></label><button>Sign in</button></form>`,
        );
        return;
      }
      const made = await answer(url.toString(), { subject: name });
      const asked = inflateRawSync(
        Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64'),
      ).toString();
      const acs = /AssertionConsumerServiceURL="([^"]+)"/.exec(asked)?.[1] ?? '';
      response.end(
        `<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${made}"></form><script>document.forms[0].submit()</script>`,
      );
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: SamlProvider = {
    entityId,
    entryPoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sso`,
    cert: pair.cert,
    groups,
    answer,
    login: (consoleUrl) => ({
      mode: 'saml',
      idpEntityId: entityId,
      entryPoint: provider.entryPoint,
      idpCerts: [pair.cert],
      entityId: `${consoleUrl}/login/saml/metadata`,
      groupsAttribute: 'groups',
      emailAttribute: 'email',
      nameAttribute: 'name',
      subjectAttribute: null,
      clockSkewMs: 0,
      privateKey: null,
      publicCert: null,
    }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}

/** The assertion signed, and then the response around it. */
function signed(xml: string, { key, cert }: SamlAnswer): string {
  const options = {
    privateKey: key,
    publicCert: cert,
    signatureAlgorithm: 'sha256' as const,
    digestAlgorithm: 'sha256',
  };
  const sign = (text: string, element: string): string => {
    const path = `//*[local-name(.)='${element}']`;
    return signXml(text, path, { reference: `${path}/*[local-name(.)='Issuer']`, action: 'after' }, options);
  };
  return sign(sign(xml, 'Assertion'), 'Response');
}

function responseOf(facts: SamlAnswer): Promise<string> {
  const { subject, groups, edit: _, ...options } = facts;
  const profileMapper = () => ({
    getClaims: () => ({ groups, email: `${subject}@example.com`, name: subject }),
    getNameIdentifier: () => ({
      nameIdentifier: subject,
      nameIdentifierFormat: options.nameIdentifierFormat,
    }),
  });
  return new Promise((resolve, reject) => {
    samlp.getSamlResponse(
      {
        ...options,
        profileMapper,
        authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
        includeAttributeNameFormat: true,
      },
      {},
      (error, xml) => (error ? reject(error) : resolve(xml)),
    );
  });
}
