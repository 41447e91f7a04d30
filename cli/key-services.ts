import { readFile } from 'node:fs/promises';
import { type KeyRing, type KeySource, localKeyRing } from '../recording/key-ring.ts';
import { machineCredentials } from '../recording/keys/aws-credentials.ts';
import { awsKmsKeys } from '../recording/keys/aws-kms.ts';
import { azureKeys } from '../recording/keys/azure-key-vault.ts';
import { composedKeyRing, rememberingKeyRing } from '../recording/keys/composed.ts';
import { gcpKmsKeys } from '../recording/keys/gcp-kms.ts';
import { vaultKeys } from '../recording/keys/vault.ts';
import type { KeyServiceConfig } from './config/config.ts';

/**
 * The key ring of the configured services, the local keys behind them; or the local keys alone. Services are asked
 * for each key, and each answer is remembered for a moment.
 */
export function keyRingOf(services: readonly KeyServiceConfig[], localKeys: readonly Uint8Array[]): KeyRing {
  const local = localKeyRing(localKeys);
  return services.length === 0
    ? local
    : rememberingKeyRing(composedKeyRing([...services.map(keySourceOf), local]));
}

/** One configured service. */
export function keySourceOf(service: KeyServiceConfig): KeySource {
  if (service.kind === 'vault') return vaultKeys(service.settings);
  if (service.kind === 'gcp') return gcpKmsKeys(service.settings);
  if (service.kind === 'azure') return azureKeys(service.settings);
  const { credentials } = service;
  const machine = machineCredentials(process.env, (path) => readFile(path, 'utf8'));
  return awsKmsKeys(service.settings, credentials === null ? machine : async () => credentials);
}
