import { months } from './glance.ts';
import { tellingWords } from './spoken.ts';

/** Words besides those that speak of secrets at which the finder looks around. */
const looks = ['values', 'by', 'or', 'eyj'];

/**
 * Which words of letters alone nothing can come of, by their first two characters (`first << 7 | second`): no token
 * begins with them and no word that tells of one. Most words of a text are of these.
 * @param begins where tokens begin, likewise
 */
export function dullWords(begins: Uint8Array): Uint8Array {
  const dull = new Uint8Array(128 * 128);
  for (let cell = 0; cell < dull.length; cell += 1) {
    const first = cell >> 7;
    const second = cell & 127;
    const lower = first >= 97 && first <= 122;
    // A word in capitals may be a number's beginning: `X-1234567-L`.
    const written = lower || !(second === 0x2d || (second >= 48 && second <= 90));
    if ((lower || (first >= 65 && first <= 90)) && written && begins[cell] !== 1) dull[cell] = 1;
  }
  for (const word of [...tellingWords, ...looks])
    for (const first of [word.charAt(0), word.charAt(0).toUpperCase()])
      for (const second of [word.charAt(1), word.charAt(1).toUpperCase()])
        dull[(first.charCodeAt(0) << 7) | second.charCodeAt(0)] = 0;
  for (const month of months) dull[(month.charCodeAt(0) << 7) | month.charCodeAt(1)] = 0;
  return dull;
}
