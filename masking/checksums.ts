/**
 * Check digits of cards, accounts and identity numbers. Arguments are digit strings without separators unless said
 * otherwise; the caller has checked length and alphabet.
 */

const digit = (text: string, at: number): number => text.charCodeAt(at) - 48;

/** Sum of digits times weights. */
export function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i += 1) sum += digit(digits, i) * (weights[i] ?? 0);
  return sum;
}

/** ISO/IEC 7812-1 annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, even = false; i >= 0; i -= 1, even = !even) {
    const value = digit(digits, i) * (even ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

/** ISO/IEC 7064 MOD 97-10 as IBANs use it: the first four characters move to the end, letters count from 10. */
export function mod97(text: string): number {
  let rest = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    const value = char <= 57 ? char - 48 : (char | 32) - 87;
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
  }
  return rest;
}

/** ISO/IEC 7064 MOD 11,10 (German tax number, Croatian OIB); the last digit is the check digit. */
export function mod11of10(digits: string): boolean {
  let product = 10;
  for (let i = 0; i < digits.length - 1; i += 1) {
    const sum = (digit(digits, i) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === digit(digits, digits.length - 1);
}

const dihedral = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
  [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
  [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
  [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
  [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
  [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
  [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
  [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];
const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** Verhoeff's scheme (Aadhaar). */
export function verhoeff(digits: string): boolean {
  let check = 0;
  for (let i = 0; i < digits.length; i += 1) {
    let value = digit(digits, digits.length - 1 - i);
    for (let times = i % 8; times > 0; times -= 1) value = permutation[value] ?? 0;
    check = dihedral[check]?.[value] ?? 0;
  }
  return check === 0;
}

/** Whether a day of a month exists; the year is not looked at, so 29 February always does. */
export function isDay(month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= (month === 2 ? 29 : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31);
}

const logs = Float64Array.from({ length: 257 }, (_, n) => (n === 0 ? 0 : Math.log2(n)));

/** Counts of {@link entropy}: all zero again when it returns, so that no call needs an array of its own. */
const counts = new Uint16Array(128);

/** Shannon entropy of a text in bits a character; only the first 256 characters count. */
export function entropy(text: string): number {
  // Characters beyond ASCII share cells: they are rare here, and sharing only lowers the result.
  const length = Math.min(text.length, 256);
  for (let i = 0; i < length; i += 1) {
    const cell = text.charCodeAt(i) & 127;
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  let sum = 0;
  for (let i = 0; i < length; i += 1) {
    const cell = text.charCodeAt(i) & 127;
    const count = counts[cell] ?? 0;
    if (count > 0) sum += count * (logs[count] ?? 0);
    counts[cell] = 0;
  }
  return length === 0 ? 0 : (logs[length] ?? 0) - sum / length;
}

/** Whether an IBAN's check digits hold; compact, upper case. */
export function ibanHolds(compact: string): boolean {
  return mod97(compact.slice(4) + compact.slice(0, 4)) === 1;
}
