/** Five bits for a character of ASCII, for tables over three of them: letters of either case by their place, digits as one. */
export const fives = new Uint8Array(128);
for (let code = 48; code < 123; code += 1) {
  const lower = code | 32;
  if (code < 58) fives[code] = 27;
  else if (lower >= 97 && lower <= 122 && code >= 65) fives[code] = lower - 96;
}
