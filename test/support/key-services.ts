import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';

/** A key service as its published HTTP API says; keys never leave it, versions rotate, access is checked. */
export interface KeyServiceStandIn extends AsyncDisposable {
  readonly url: string;
  /** Every wrap and unwrap that was asked for. */
  readonly calls: string[];
  /** What the service answers everything with, while it is set. */
  failing: number | null;
  rotate(): void;
  /** Tokens given so far count no more. */
  revokeTokens(): void;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}
type Answer = { readonly status: number; readonly body: unknown };
type State = { version: number; token: string; readonly calls: string[]; url: string };

async function standIn(
  answer: (asked: Asked, state: State) => Answer | Promise<Answer>,
): Promise<KeyServiceStandIn> {
  const state: State = { version: 1, token: randomBytes(12).toString('hex'), calls: [], url: '' };
  let failing: number | null = null;
  const serve = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url ?? '', 'http://x');
    const asked: Asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      text,
    };
    const { status, body } =
      failing === null ? await answer(asked, state) : { status: failing, body: { errors: ['sealed'] } };
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, reply) => {
    serve(request, reply).catch((error: Error) => reply.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: state.url,
    calls: state.calls,
    get failing() {
      return failing;
    },
    set failing(status) {
      failing = status;
    },
    rotate: () => void (state.version += 1),
    revokeTokens: () => void (state.token = randomBytes(12).toString('hex')),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Keys by version, made when they are first used. */
function versions(): (version: number) => Buffer {
  const keys = new Map<number, Buffer>();
  return (version) => {
    const key = keys.get(version) ?? randomBytes(32);
    keys.set(version, key);
    return key;
  };
}

function gcmSeal(key: Buffer, plaintext: Buffer, aad: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function gcmOpen(key: Buffer, sealed: Buffer, aad: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    return null;
  }
}

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : '', 'base64');
const ok = (body: unknown): Answer => ({ status: 200, body });
const refused = (status: number, why: string): Answer => ({ status, body: { errors: [why] } });

/** Vault with an AppRole and a transit engine mounted at `transit`, key `holdpoint`. */
export function startVault(role: { roleId: string; secretId: string }): Promise<KeyServiceStandIn> {
  const keys = versions();
  return standIn(({ path, text, headers }, state) => {
    const body = JSON.parse(text) as Record<string, string>;
    if (path === '/v1/auth/approle/login')
      return body['role_id'] === role.roleId && body['secret_id'] === role.secretId
        ? ok({ auth: { client_token: state.token, lease_duration: 3600, renewable: true } })
        : refused(400, 'invalid role or secret ID');
    if (headers['x-vault-token'] !== state.token) return refused(403, 'permission denied');
    const aad = bytes(body['associated_data']);
    if (path === '/v1/transit/encrypt/holdpoint') {
      state.calls.push('wrap');
      const sealed = gcmSeal(keys(state.version), bytes(body['plaintext']), aad);
      return ok({
        data: {
          ciphertext: `vault:v${state.version}:${sealed.toString('base64')}`,
          key_version: state.version,
        },
      });
    }
    if (path !== '/v1/transit/decrypt/holdpoint') return refused(404, 'no handler for route');
    state.calls.push('unwrap');
    const [, version, sealed] = /^vault:v(\d+):(.+)$/.exec(body['ciphertext'] ?? '') ?? [];
    const plaintext = gcmOpen(keys(Number(version)), bytes(sealed), aad);
    return plaintext
      ? ok({ data: { plaintext: plaintext.toString('base64') } })
      : refused(400, 'cipher: message authentication failed');
  });
}

/** AWS KMS with one key, for one access key; signatures (Version 4) are checked. */
export function startAwsKms(access: { id: string; secret: string }, arn: string): Promise<KeyServiceStandIn> {
  const keys = versions();
  return standIn((asked, state) => {
    if (!signedBy(asked, access)) return { status: 400, body: { __type: 'IncompleteSignatureException' } };
    const body = JSON.parse(asked.text) as Record<string, unknown>;
    const aad = Buffer.from(JSON.stringify(body['EncryptionContext']));
    if (body['KeyId'] !== arn && body['KeyId'] !== 'alias/holdpoint')
      return { status: 400, body: { __type: 'NotFoundException' } };
    if (asked.headers['x-amz-target'] === 'TrentService.Encrypt') {
      state.calls.push('wrap');
      const blob = gcmSeal(keys(1), bytes(body['Plaintext']), aad);
      return ok({ CiphertextBlob: blob.toString('base64'), KeyId: arn });
    }
    state.calls.push('unwrap');
    const plaintext = gcmOpen(keys(1), bytes(body['CiphertextBlob']), aad);
    return plaintext
      ? ok({ Plaintext: plaintext.toString('base64'), KeyId: arn })
      : { status: 400, body: { __type: 'InvalidCiphertextException' } };
  });
}

/** Checks an AWS Signature Version 4 from the documentation's description of it. */
function signedBy({ method, path, headers, text }: Asked, access: { id: string; secret: string }): boolean {
  const sha = (value: string): string => createHash('sha256').update(value).digest('hex');
  const [, credential, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (!credential?.startsWith(`${access.id}/`) || !names || !names.includes('x-amz-date')) return false;
  const scope = credential.slice(access.id.length + 1);
  const lines = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, path, '', lines.join(''), names, sha(text)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha(canonical)].join('\n');
  const sign = (key: string | Buffer, value: string): Buffer =>
    createHmac('sha256', key).update(value).digest();
  const key = scope
    .split('/')
    .reduce<string | Buffer>((made, part) => sign(made, part), `AWS4${access.secret}`);
  return sign(key, toSign).toString('hex') === signature;
}

/** Google Cloud KMS with one key, for one service account; its token endpoint is `/token`. */
export function startGcpKms(
  key: string,
  account: { email: string; publicKey: KeyObject },
): Promise<KeyServiceStandIn> {
  const keys = versions();
  return standIn(async ({ path, text, headers }, state) => {
    if (path === '/token') {
      const form = new URLSearchParams(text);
      const { payload } = await jwtVerify(form.get('assertion') ?? '', account.publicKey, {
        issuer: account.email,
        audience: `${state.url}/token`,
      });
      return form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
        payload['scope'] === 'https://www.googleapis.com/auth/cloudkms'
        ? ok({ access_token: state.token, expires_in: 3599, token_type: 'Bearer' })
        : refused(400, 'invalid_grant');
    }
    if (headers.authorization !== `Bearer ${state.token}`) return refused(401, 'UNAUTHENTICATED');
    const body = JSON.parse(text) as Record<string, string>;
    const aad = bytes(body['additionalAuthenticatedData']);
    if (path === `/v1/${key}:encrypt`) {
      state.calls.push('wrap');
      const sealed = gcmSeal(keys(state.version), bytes(body['plaintext']), aad);
      const ciphertext = Buffer.concat([Buffer.from([state.version]), sealed]).toString('base64');
      return ok({ name: `${key}/cryptoKeyVersions/${state.version}`, ciphertext });
    }
    if (path !== `/v1/${key}:decrypt`) return refused(404, 'NOT_FOUND');
    state.calls.push('unwrap');
    const sealed = bytes(body['ciphertext']);
    const plaintext = gcmOpen(keys(sealed[0] ?? 0), sealed.subarray(1), aad);
    return plaintext ? ok({ plaintext: plaintext.toString('base64') }) : refused(400, 'INVALID_ARGUMENT');
  });
}

/** Azure Key Vault with one RSA key, for one client; tokens come from `/TENANT/oauth2/v2.0/token`. */
export function startKeyVault(client: {
  tenantId: string;
  id: string;
  secret: string;
}): Promise<KeyServiceStandIn> {
  const pairs = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();
  const pair = (version: string): { publicKey: KeyObject; privateKey: KeyObject } => {
    const made = pairs.get(version) ?? generateKeyPairSync('rsa', { modulusLength: 2048 });
    pairs.set(version, made);
    return made;
  };
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;
  return standIn(({ method, path, query, text, headers }, state) => {
    if (path === `/${client.tenantId}/oauth2/v2.0/token`) {
      const form = new URLSearchParams(text);
      return form.get('client_id') === client.id &&
        form.get('client_secret') === client.secret &&
        form.get('scope') === 'https://vault.azure.net/.default'
        ? ok({ access_token: state.token, expires_in: 3599, token_type: 'Bearer' })
        : refused(401, 'invalid_client');
    }
    if (headers.authorization !== `Bearer ${state.token}`) return refused(401, 'Unauthorized');
    if (query.get('api-version') !== '7.4') return refused(400, 'BadParameter');
    const latest = `v${state.version}`;
    if (method === 'GET' && path === '/keys/holdpoint')
      return ok({ key: { kid: `${state.url}/keys/holdpoint/${latest}`, kty: 'RSA' } });
    const [, version = '', act] = /^\/keys\/holdpoint\/(v\d+)\/(wrapkey|unwrapkey)$/.exec(path) ?? [];
    const body = JSON.parse(text) as { alg: string; value: string };
    if (!act || body.alg !== 'RSA-OAEP-256') return refused(404, 'KeyNotFound');
    const value = Buffer.from(body.value, 'base64url');
    state.calls.push(act === 'wrapkey' ? 'wrap' : 'unwrap');
    try {
      const done =
        act === 'wrapkey'
          ? publicEncrypt({ key: pair(version).publicKey, ...oaep }, value)
          : privateDecrypt({ key: pair(version).privateKey, ...oaep }, value);
      return ok({ kid: `${state.url}/keys/holdpoint/${version}`, value: done.toString('base64url') });
    } catch {
      return refused(400, 'BadParameter');
    }
  });
}
