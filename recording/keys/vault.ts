import { readFile } from 'node:fs/promises';
import type { KeySource } from '../key-ring.ts';
import { askService, boundTo, expiringToken, KeyServiceError, textIn, unboundFrom } from './key-service.ts';

/** How Holdpoint shows Vault who it is. */
export type VaultLogin =
  | { readonly kind: 'token'; readonly token: string }
  /** A file that Vault Agent keeps up to date; read again for each call. */
  | { readonly kind: 'tokenFile'; readonly path: string }
  | { readonly kind: 'appRole'; readonly mount: string; readonly roleId: string; readonly secretId: string }
  | { readonly kind: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwtFile: string };

export interface VaultSettings {
  /** `https://vault.example:8200` */
  readonly address: string;
  /** Where the transit engine is mounted. */
  readonly mount: string;
  /** Name of the transit key, of a type with AEAD (`aes256-gcm96` is the engine's default). */
  readonly key: string;
  readonly namespace: string | null;
  readonly login: VaultLogin;
}

const service = 'Vault';
const defaultLeaseMs = 60 * 60_000;

/**
 * Vault's transit engine (developer.hashicorp.com/vault/api-docs/secret/transit), or OpenBao's. Keys rotate there; the
 * version that wrapped is part of the key id, so that re-wrapping finds what an older version wrapped.
 */
export function vaultKeys(settings: VaultSettings): KeySource {
  const { mount, key, namespace, login } = settings;
  const base = `${settings.address.replace(/\/+$/, '')}/v1`;
  const shared: Record<string, string> = {
    'content-type': 'application/json',
    'x-vault-request': 'true',
    ...(namespace !== null && { 'x-vault-namespace': namespace }),
  };
  const prefix = `vault:${mount}/${key}:v`;
  const tokens = expiringToken(async () => vaultToken(base, shared, login));

  const call = async (path: string, body: object): Promise<unknown> => {
    const token = await tokens.get();
    const answer = await askService(service, {
      url: `${base}/${path}`,
      headers: { ...shared, 'x-vault-token': token },
      body: JSON.stringify(body),
    });
    return answer['data'];
  };
  /** A token may have been revoked, or renewed by others, before its time. */
  const callAgain = async (path: string, body: object): Promise<unknown> => {
    try {
      return await call(path, body);
    } catch (error) {
      if (!(error instanceof KeyServiceError) || !error.message.includes('answered 403')) throw error;
      tokens.forget();
      return call(path, body);
    }
  };
  const at = (act: string): string => `${encodePath(mount)}/${act}/${encodeURIComponent(key)}`;
  return {
    owns: (kekId) => kekId.startsWith(prefix),
    async wrap(dataKey, context) {
      const answer = await callAgain(at('encrypt'), {
        plaintext: boundTo(dataKey, context).toString('base64'),
        associated_data: Buffer.from(context).toString('base64'),
      });
      const ciphertext = textIn(service, answer, 'ciphertext');
      const version = /^vault:v(\d{1,9}):/.exec(ciphertext)?.[1];
      if (version === undefined)
        throw new KeyServiceError('key_service_refused', 'Vault answered with a ciphertext of unknown form');
      return { kekId: `${prefix}${version}`, wrapped: Buffer.from(ciphertext) };
    },
    async unwrap({ wrapped }, context) {
      const answer = await callAgain(at('decrypt'), {
        ciphertext: Buffer.from(wrapped).toString('utf8'),
        associated_data: Buffer.from(context).toString('base64'),
      });
      return unboundFrom(Buffer.from(textIn(service, answer, 'plaintext'), 'base64'), context);
    },
  };
}

/** Logs in to Vault. @param base address with `/v1` @throws KeyServiceError */
export async function vaultToken(
  base: string,
  headers: Record<string, string>,
  login: VaultLogin,
): Promise<{ token: string; livesMs: number }> {
  if (login.kind === 'token') return { token: login.token, livesMs: Infinity };
  // Whoever writes the file renews what is in it.
  if (login.kind === 'tokenFile') return { token: (await readFile(login.path, 'utf8')).trim(), livesMs: 0 };
  const body =
    login.kind === 'appRole'
      ? { role_id: login.roleId, secret_id: login.secretId }
      : { role: login.role, jwt: (await readFile(login.jwtFile, 'utf8')).trim() };
  const answer = await askService(service, {
    url: `${base}/auth/${encodePath(login.mount)}/login`,
    headers,
    body: JSON.stringify(body),
  });
  const { auth } = answer;
  const seconds = (auth as { lease_duration?: unknown } | undefined)?.lease_duration;
  const livesMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : defaultLeaseMs;
  return { token: textIn(service, auth, 'client_token'), livesMs };
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
