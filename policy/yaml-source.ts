import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
  type Node,
} from 'yaml';

export type KeyPath = readonly (string | number)[];

/** Something wrong at a place in a YAML text. Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A YAML text read once: its plain value, and where each part of it stands. */
export interface YamlSource {
  readonly document: Document;
  /** Plain data. `undefined` when the text is empty. */
  readonly value: unknown;
  /** Where the value at `path` stands; for a key that is not there, the nearest parent that is. */
  placeOf(path: KeyPath): Place;
  /** Where the key itself stands (for unknown keys). */
  placeOfKey(path: KeyPath): Place;
}

export interface YamlProblem extends Place {
  readonly message: string;
}

/**
 * Reads YAML 1.2 strictly: duplicate keys, unknown tags, several documents and anchors that unfold without bound
 * are problems, and so are the parser's own warnings. Never throws.
 */
export function readYaml(text: string): YamlSource | { problems: readonly YamlProblem[] } {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
    const found = [...document.errors, ...document.warnings];
    if (found.length > 0)
      return {
        problems: found.map(({ pos, code, message }) => ({
          ...at(lines, pos[0]),
          message: inWords(code, message),
        })),
      };
    const reserved = reservedKey(document);
    if (reserved !== null)
      return { problems: [{ ...at(lines, reserved), message: '`__proto__` cannot be used as a key' }] };
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const placeOf = (path: KeyPath): Place => at(lines, startOf(nearest(document, path)));
    const placeOfKey = (path: KeyPath): Place => at(lines, keyStart(document, path));
    return { document, value: value ?? undefined, placeOf, placeOfKey };
  } catch (error) {
    const unfolds = error instanceof ReferenceError;
    const message = unfolds ? 'the aliases unfold into too much' : 'cannot be read as YAML';
    return { problems: [{ line: 1, column: 1, message }] };
  }
}

/** Where a key stands that JavaScript's objects treat in a way of their own; null when there is none. */
function reservedKey(document: Document): number | null {
  let found: number | null = null;
  visit(document, {
    Pair: (_, { key }) => {
      if (!isScalar(key) || key.value !== '__proto__') return undefined;
      found = startOf(key);
      return visit.BREAK;
    },
  });
  return found;
}

function at(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The parser's words, but where they would repeat what stands in the file, which might be a secret. */
function inWords(code: ErrorCode, message: string): string {
  const own = ownWords[code];
  if (own !== undefined) return own;
  return quietCodes.has(code)
    ? (message.split('\n', 1)[0] ?? message)
    : 'is not valid YAML here; check quotes and indentation';
}

const ownWords: Partial<Readonly<Record<ErrorCode, string>>> = {
  BAD_ALIAS: 'there is no such anchor; a text that begins with `*` goes in quotes',
  BAD_DIRECTIVE: 'there is no such directive; a text that begins with `%` goes in quotes',
  BAD_DQ_ESCAPE: 'there is no such escape in a text in double quotes; single quotes take everything as it is',
  DUPLICATE_KEY: 'this key stands here twice',
  NON_STRING_KEY: 'a key must be a text; put it in quotes',
  TAG_RESOLVE_FAILED: 'there is no such tag; a text that begins with `!` goes in quotes',
};

/** Codes whose messages only ever name YAML's own punctuation. */
const quietCodes: ReadonlySet<ErrorCode> = new Set([
  'ALIAS_PROPS',
  'BAD_INDENT',
  'BAD_PROP_ORDER',
  'BAD_SCALAR_START',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'KEY_OVER_1024_CHARS',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_DOCS',
  'MULTIPLE_TAGS',
  'TAB_AS_INDENT',
]);

function nearest(document: Document, path: KeyPath): Node | null {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return isNode(document.contents) ? document.contents : null;
}

function keyStart(document: Document, path: KeyPath): number {
  const parent = document.getIn(path.slice(0, -1), true) ?? document.contents;
  if (isMap(parent))
    for (const pair of parent.items)
      if (isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(path.at(-1)))
        return pair.key.range?.[0] ?? 0;
  if (isSeq(parent) && typeof path.at(-1) === 'number') return startOf(nearest(document, path));
  return startOf(nearest(document, path));
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
