import { AwsClient } from 'aws4fetch';
import type { AwsCredentials } from '../../recording/keys/aws-credentials.ts';
import { azureToken } from '../../recording/keys/azure-key-vault.ts';
import { gcpToken } from '../../recording/keys/gcp-kms.ts';
import { askService, expiringToken, KeyServiceError, textIn } from '../../recording/keys/key-service.ts';
import { vaultToken } from '../../recording/keys/vault.ts';
import type { SecretStoreSettings } from './settings.ts';

/** A secret as its store gave it. */
export interface StoredSecret {
  /** The whole text, or JSON of its members. */
  readonly text: string;
  /** Its members, where it has some. */
  readonly fields: Readonly<Record<string, string>>;
  /** For how long it may be used without asking again. */
  readonly livesMs: number;
  /** A lease that can be renewed; null for what simply is there. */
  readonly leaseId: string | null;
}

/** Somewhere secrets are kept. */
export interface SecretStore {
  /** @throws KeyServiceError when the store cannot be asked, or refuses */
  read(path: string): Promise<StoredSecret>;
  /** Makes a lease last longer. @returns for how long it does now @throws KeyServiceError */
  renew(leaseId: string): Promise<number>;
}

/** What has no lease is read again after this long, so that a rotated secret is noticed. */
const rereadMs = 60_000;

/** @param machineAws the machine's own AWS credentials */
export function secretStore(
  settings: SecretStoreSettings,
  machineAws: () => Promise<AwsCredentials>,
): SecretStore {
  if (settings.kind === 'vault') return vaultStore(settings);
  if (settings.kind === 'aws') return awsStore(settings, machineAws);
  return settings.kind === 'gcp' ? gcpStore(settings) : azureStore(settings);
}

type Of<K extends SecretStoreSettings['kind']> = Extract<SecretStoreSettings, { kind: K }>;

/** HashiCorp Vault or OpenBao: KV version 2 (`secret/data/…`) and leased secrets (`database/creds/…`). */
function vaultStore({ address, namespace, login }: Of<'vault'>): SecretStore {
  const base = `${address.replace(/\/+$/, '')}/v1`;
  const shared: Record<string, string> = {
    'content-type': 'application/json',
    'x-vault-request': 'true',
    ...(namespace !== null && { 'x-vault-namespace': namespace }),
  };
  const tokens = expiringToken(async () => vaultToken(base, shared, login));
  const ask = async (path: string, body: object | null): Promise<Record<string, unknown>> => {
    const once = async (): Promise<Record<string, unknown>> =>
      askService('Vault', {
        url: `${base}/${path.split('/').map(encodeURIComponent).join('/')}`,
        method: body === null ? 'GET' : 'POST',
        headers: { ...shared, 'x-vault-token': await tokens.get() },
        ...(body !== null && { body: JSON.stringify(body) }),
      });
    try {
      return await once();
    } catch (error) {
      // The token may have been revoked, or have run out, before its time.
      if (!(error instanceof KeyServiceError) || !error.message.includes('answered 403')) throw error;
      tokens.forget();
      return once();
    }
  };
  return {
    async read(path) {
      const answer = await ask(path, null);
      const leaseId = typeof answer['lease_id'] === 'string' ? answer['lease_id'] : '';
      const seconds = Number(answer['lease_duration']);
      const data = memberMap(answer['data']);
      // Version 2 of the KV engine wraps the members once more, beside their metadata.
      const members = data && 'metadata' in data ? memberMap(data['data']) : data;
      if (!members) throw new KeyServiceError('key_service_refused', 'Vault answered without data');
      return {
        ...fieldsOf(members),
        livesMs: leaseId !== '' && seconds > 0 ? seconds * 1000 : rereadMs,
        leaseId: leaseId !== '' && answer['renewable'] === true ? leaseId : null,
      };
    },
    async renew(leaseId) {
      const answer = await ask('sys/leases/renew', { lease_id: leaseId });
      return Number(answer['lease_duration']) * 1000 || 0;
    },
  };
}

/** AWS Secrets Manager: `GetSecretValue`. */
function awsStore(settings: Of<'aws'>, machine: () => Promise<AwsCredentials>): SecretStore {
  const { region, credentials } = settings;
  const url = settings.endpoint ?? `https://secretsmanager.${region}.amazonaws.com/`;
  return unleased(async (path) => {
    const client = new AwsClient({
      ...(credentials ?? (await machine())),
      region,
      service: 'secretsmanager',
      retries: 0,
    });
    const answer = await askService(
      'AWS Secrets Manager',
      {
        url,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'secretsmanager.GetSecretValue',
        },
        body: JSON.stringify({ SecretId: path }),
      },
      async (to, init) => client.fetch(to, init),
    );
    return textIn('AWS Secrets Manager', answer, 'SecretString');
  });
}

/** Google Secret Manager: `projects/P/secrets/S/versions/latest`. */
function gcpStore({ endpoint, serviceAccount }: Of<'gcp'>): SecretStore {
  const tokens = expiringToken(async () =>
    gcpToken(serviceAccount, 'https://www.googleapis.com/auth/cloud-platform'),
  );
  return unleased(async (path) => {
    const answer = await askService('Google Secret Manager', {
      url: `${endpoint.replace(/\/+$/, '')}/v1/${path}:access`,
      method: 'GET',
      headers: { authorization: `Bearer ${await tokens.get()}` },
    });
    const data = textIn('Google Secret Manager', answer['payload'], 'data');
    return Buffer.from(data, 'base64').toString('utf8');
  });
}

/** Azure Key Vault secrets: the name of a secret, or `NAME/VERSION`. */
function azureStore({ vaultUrl, client }: Of<'azure'>): SecretStore {
  const base = vaultUrl.replace(/\/+$/, '');
  const tokens = expiringToken(async () => azureToken({ vaultUrl, client }));
  return unleased(async (path) => {
    const answer = await askService('Azure Key Vault', {
      url: `${base}/secrets/${path.split('/').map(encodeURIComponent).join('/')}?api-version=7.4`,
      method: 'GET',
      headers: { authorization: `Bearer ${await tokens.get()}` },
    });
    return textIn('Azure Key Vault', answer, 'value');
  });
}

/** A store whose secrets are texts, perhaps of JSON, and have no leases. */
function unleased(read: (path: string) => Promise<string>): SecretStore {
  return {
    async read(path) {
      const text = await read(path);
      const members = memberMap(parsed(text));
      const { fields } = members ? fieldsOf(members) : { fields: {} };
      return { text, fields, livesMs: rereadMs, leaseId: null };
    },
    renew: async () => 0,
  };
}

function fieldsOf(members: Readonly<Record<string, unknown>>): Pick<StoredSecret, 'text' | 'fields'> {
  const fields = Object.entries(members).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
  );
  return { text: JSON.stringify(members), fields: Object.fromEntries(fields) as Record<string, string> };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function memberMap(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
