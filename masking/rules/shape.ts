/**
 * Token shapes: the small language in which secret rules are written. A shape is literal text with runs in braces,
 * `ghp_{w36}` or `xoxb-{d10-13}-{w20-40}`; `<…>` marks the part to hide when the rest may stay readable. One shape
 * gives both the matcher and sample values, so a rule and its examples cannot drift apart.
 */

const classes: Readonly<Record<string, { readonly set: string; readonly sample: string }>> = {
  d: { set: '0-9', sample: '8203947516' },
  h: { set: '0-9a-f', sample: '3f9a0c7e5b1d8246' },
  H: { set: '0-9A-F', sample: '3F9A0C7E5B1D8246' },
  x: { set: '0-9a-fA-F', sample: '3f9A0c7E5b1D8246' },
  a: { set: 'a-z', sample: 'qxvkzjwmtphs' },
  A: { set: 'A-Z', sample: 'QXVKZJWMTPHS' },
  l: { set: 'a-z0-9', sample: 'q7x4vk9z2jw8mt5p' },
  U: { set: 'A-Z0-9', sample: 'Q7X4VK9Z2JW8MT5P' },
  T: { set: 'A-Z2-7', sample: 'Q7X4VKZ2JWMT5P3R' },
  w: { set: 'A-Za-z0-9', sample: 'q7X4vK9z2Jw8Mt5PhB3n' },
  s: { set: 'A-Za-z0-9_', sample: 'q7X4vK9z2_Jw8Mt5PhB3n' },
  u: { set: 'A-Za-z0-9_-', sample: 'q7X4vK9z_2Jw8-Mt5PhB3n' },
  b: { set: 'A-Za-z0-9+/', sample: 'q7X4vK9z+2Jw8/Mt5PhB3n' },
  e: { set: 'A-Za-z0-9+/=_-', sample: 'q7X4vK9z-2Jw8_Mt5PhB3n' },
  c: { set: 'A-Za-z0-9+/=_,-', sample: 'q7X4vK9z-2Jw8,Mt5PhB3n' },
  v: { set: 'A-Za-z0-9/-', sample: 'q7X4vK9z/2Jw8-Mt5PhB3n' },
  q: { set: 'A-Za-z0-9_~.-', sample: 'q7X4vK9z.2Jw8~Mt5PhB3n' },
  p: { set: 'A-Za-z0-9._~+/=-', sample: 'q7X4vK9z.2Jw8-Mt5PhB3n' },
};

const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
const part = /\{(uuid|[a-zA-Z])(\d+)?(?:-(\d+))?\}|[<>]|[^{<>]+/g;

interface Piece {
  readonly literal: string;
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** A shape made ready: `pattern` is the source of a bounded regular expression, `hidden` its group, or 0 for all. */
export interface Shape {
  /** Literal text that every match starts with; empty when the shape starts with a run. */
  readonly prefix: string;
  readonly pattern: string;
  readonly hidden: 0 | 1;
  /** How many letters and digits a match begins with, at least and at most. */
  readonly runMin: number;
  readonly runMax: number;
  /** A made-up value of this shape; different for different seeds. */
  sample(seed: number): string;
}

/**
 * Reads a shape. Every run has an upper bound, so a sticky match looks at a bounded window only: that is what
 * keeps built-in rules linear.
 * @throws Error when the shape is written wrongly (found at start, since rules are data)
 */
export function readShape(shape: string): Shape {
  const pieces: Piece[] = [];
  let pattern = '';
  let consumed = 0;
  for (const match of shape.matchAll(part)) {
    const [whole, name, low, high] = match;
    consumed += whole.length;
    if (name === undefined) {
      if (whole === '<') pattern += '(';
      else if (whole === '>') pattern += ')';
      else pattern += whole.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
      if (whole !== '<' && whole !== '>') pieces.push({ literal: whole, name: '', min: 0, max: 0 });
    } else if (name === 'uuid') {
      pattern += uuid;
      pieces.push({ literal: '', name, min: 36, max: 36 });
    } else {
      const set = classes[name]?.set;
      if (set === undefined || low === undefined) throw new Error(`shape ${shape}: unknown run ${whole}`);
      const min = Number(low);
      const max = high === undefined ? min : Number(high);
      pattern += `[${set}]{${min},${max}}`;
      pieces.push({ literal: '', name, min, max });
    }
  }
  if (consumed !== shape.length) throw new Error(`shape ${shape} is not closed`);
  const first = pieces[0]?.literal ?? '';
  return {
    prefix: first,
    pattern,
    hidden: shape.includes('<') ? 1 : 0,
    ...firstRun(pieces),
    sample: (seed) => pieces.map((piece, i) => piece.literal || sampleOf(piece, seed + i * 7)).join(''),
  };
}

function firstRun(pieces: readonly Piece[]): { runMin: number; runMax: number } {
  let runMin = 0;
  let runMax = 0;
  for (const piece of pieces) {
    const plain = piece.literal === '' ? '' : (/^[0-9A-Za-z]*/.exec(piece.literal)?.[0] ?? '');
    // A run that may hold punctuation, as a UUID does, may end the letters and digits anywhere.
    const loose = piece.literal === '' && /[subepvqcU]/.test(piece.name) && piece.name !== 'U';
    if (piece.name === 'uuid') return { runMin: runMin + 8, runMax: runMax + 8 };
    runMin += piece.literal === '' ? (loose ? 0 : piece.min) : plain.length;
    runMax += piece.literal === '' ? piece.max : plain.length;
    if (loose || (piece.literal !== '' && plain.length < piece.literal.length)) break;
  }
  return { runMin, runMax };
}

function sampleOf(piece: Piece, seed: number): string {
  const alphabet = classes[piece.name === 'uuid' ? 'h' : piece.name]?.sample ?? '';
  let state = (seed * 2_654_435_761) >>> 0;
  let out = '';
  const length = piece.min + (piece.max > piece.min ? seed % Math.min(4, piece.max - piece.min + 1) : 0);
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out += alphabet.charAt((state >>> 16) % alphabet.length);
  }
  if (piece.name !== 'uuid') return out;
  return `${out.slice(0, 8)}-${out.slice(8, 12)}-4${out.slice(13, 16)}-a${out.slice(17, 20)}-${out.slice(20, 32)}`;
}
