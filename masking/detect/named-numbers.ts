import type { NameVerdict } from '../rules/name-verdict.ts';

/**
 * Whether a value under the name of a number – a person's, an account's, a device's, a telephone's, a day of birth – has
 * the form of one. Null where the name promises something else.
 * @param digits how many the value has
 */
export function isNamedNumber(value: string, name: NameVerdict, digits: number): boolean | null {
  switch (name.detector) {
    case 'card-code':
      return /^\d{3,4}$/.test(value);
    case 'pin':
      return /^\d{4,8}$/.test(value);
    case 'us-ssn':
    case 'national-id':
    case 'passport':
    case 'driver-license':
      if (name.strength === 'weak' && digits < 8 && !/^[A-Z]{2}[ \d]{6,10}[A-Z]$/.test(value)) return false;
      return digits >= 4 && value.length <= 24 && !/\s{2}|[\^~<>=*]/.test(value);
    case 'device-id':
      return digits >= 10 && /^[0-9A-F .-]{14,24}$/i.test(value);
    case 'vehicle-id':
      return (
        digits >= 1 && value.length >= 4 && value.length <= 17 && /^[A-Z0-9ÄÖÜ][A-Z0-9ÄÖÜ ·.-]+$/.test(value)
      );
    case 'health-id':
      return digits >= 5 && /^[A-Z0-9 ./-]{5,24}$/i.test(value);
    case 'bank-account':
    case 'payment-card':
      if (name.strength === 'weak') return digits >= 12 && /^[\d .-]{12,28}$/.test(value);
      return digits >= 6 && value.length <= 42;
    case 'phone':
      return (
        digits >= (name.strength === 'strong' ? 5 : 7) &&
        digits <= 17 &&
        value.length <= 32 &&
        /^[\d\s()+./x-]+(?:ext\.? ?\d{1,6})?$/i.test(value)
      );
    case 'date-of-birth':
      return digits >= 4 && value.length <= 40;
    default:
      return null;
  }
}
