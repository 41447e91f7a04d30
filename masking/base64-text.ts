/** What tells base64 of text from base64 of bytes and from names that only look like it. */

/** A character of base64 or base64url, padding aside. */
export const isBase64 = (code: number): boolean =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === 0x2b ||
  code === 0x2f ||
  code === 0x2d ||
  code === 0x5f;

const sextets = new Uint8Array(128);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;
sextets[0x2d] = 62;
sextets[0x5f] = 63;

/** Whether the first bytes that a base64 run decodes to are no control characters; most runs fail within a few. */
export function mayBeText(text: string, start: number, end: number): boolean {
  for (let at = start; at + 4 <= end && at < start + 24; at += 4) {
    let bytes = 0;
    for (let i = at; i < at + 4; i += 1) bytes = (bytes << 6) | (sextets[text.charCodeAt(i)] ?? 0);
    if (isControl(bytes >> 16) || isControl((bytes >> 8) & 255) || isControl(bytes & 255)) return false;
  }
  return true;
}

const isControl = (byte: number): boolean =>
  (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 127;

/** Whether a text holds no control characters but tabs and line ends. */
export function isPrintable(text: string): boolean {
  return !/(?![\n\r\t])\p{Cc}/u.test(text);
}
