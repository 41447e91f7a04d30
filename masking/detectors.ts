import { nearRules, prefixRules } from './detect/vendor-tokens.ts';
import { nationalIds } from './rules/national-ids.ts';

/** Groups of detectors that policy switches together. */
export type Family = 'secrets' | 'pii' | 'payment';

const secrets = [
  'private-key',
  'jwt',
  'url-password',
  'password',
  'credential',
  'service-key',
  'password-hash',
];
const personal = [
  'email',
  'phone',
  'ip',
  'mac',
  'crypto-wallet',
  'date-of-birth',
  'address',
  'passport',
  'driver-license',
  'national-id',
  'device-id',
  'vehicle-id',
  'health-id',
];
const payment = ['payment-card', 'iban', 'card-code', 'pin', 'bank-account'];

function listed(): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const name of secrets) families.set(name, 'secrets');
  for (const rule of prefixRules) families.set(rule.name, 'secrets');
  for (const rule of nearRules) families.set(rule.name, 'secrets');
  for (const name of personal) families.set(name, 'pii');
  for (const id of nationalIds) families.set(id.name, 'pii');
  for (const name of payment) families.set(name, 'payment');
  return families;
}

/** Every built-in detector and its family. */
export const builtinDetectors: ReadonlyMap<string, Family> = listed();

export const families: readonly Family[] = ['secrets', 'pii', 'payment'];
