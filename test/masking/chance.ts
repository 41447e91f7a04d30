/** Chance that falls the same way each time, and values of token shapes made by it: every character of a class may come. */
export interface Chance {
  pick<T>(list: readonly T[]): T;
  /** Characters of a class: `d` digits, `h` hexadecimal, `w` letters and digits, and so on. */
  run(kind: string, length: number): string;
  uuid(): string;
  /** A value of a shape such as `ghp_{w36}`; see `masking/rules/shape.ts`. */
  shape(shape: string): string;
}

const small = 'abcdefghijklmnopqrstuvwxyz';
const capital = small.toUpperCase();
const digits = '0123456789';
const sets: Readonly<Record<string, string>> = {
  d: digits,
  h: `${digits}abcdef`,
  H: `${digits}ABCDEF`,
  a: small,
  A: capital,
  l: small + digits,
  U: capital + digits,
  T: `${capital}234567`,
  w: small + capital + digits,
  u: `${small}${capital}${digits}_-`,
  b: `${small}${capital}${digits}+/`,
};

/** @param seed equal seeds give equal values */
export function chance(seed: number): Chance {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 0x85eb_ca6b);
    mixed ^= mixed >>> 13;
    return (mixed >>> 0) / 4_294_967_296;
  };
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const run = (kind: string, length: number): string => {
    const set = sets[kind] ?? '';
    return Array.from({ length }, () => set.charAt(Math.floor(next() * set.length))).join('');
  };
  const uuid = (): string =>
    `${run('h', 8)}-${run('h', 4)}-4${run('h', 3)}-${pick(['8', '9', 'a', 'b'])}${run('h', 3)}-${run('h', 12)}`;
  const shape = (source: string): string =>
    source.replace(/\{(uuid|[a-zA-Z])(\d+)?\}/g, (_, kind: string, length?: string) => {
      if (kind === 'uuid') return uuid();
      const value = run(kind, Number(length));
      // Generators of base64 make these, too, but what is cut out of a text would not end with them.
      return 'bu'.includes(kind) ? value.replace(/^[^A-Za-z0-9]/, 'k').replace(/[^A-Za-z0-9]$/, 'Z') : value;
    });
  return { pick, run, uuid, shape };
}
