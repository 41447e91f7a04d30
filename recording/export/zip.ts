import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw } from 'node:zlib';
import { type PackageFile, seen } from './package-files.ts';

/** A file to be put in. */
export type Named = Pick<PackageFile, 'path' | 'content'>;

/** A file that stands in the archive already. */
interface Entry {
  readonly path: string;
  readonly crc: number;
  readonly packed: number;
  readonly length: number;
  readonly at: number;
}

/** 1 January 1980: the same package twice is the same bytes. */
const dosDate = 0x0021;
/** Sizes follow the content; names are UTF-8. */
const flags = 0x0808;
const deflated = 8;
const most32 = 0xffff_ffff;
const most16 = 0xffff;

/**
 * Files as one ZIP archive (PKWARE APPNOTE 6.3), made while it is read: nothing of it is kept. Each file's content is
 * read to its end before the next file is asked for.
 */
export async function* zipped(files: AsyncIterable<Named>): AsyncGenerator<Uint8Array> {
  const entries: Entry[] = [];
  let at = 0;
  for await (const { path, content } of files) {
    const name = Buffer.from(path);
    const start = at;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x0403_4b50, 0);
    local.writeUInt16LE(45, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(deflated, 8);
    local.writeUInt16LE(dosDate, 12);
    local.writeUInt16LE(name.length, 26);
    yield Buffer.concat([local, name]);
    at += local.length + name.length;
    let crc = 0;
    let length = 0;
    let packed = 0;
    const plain = seen(content, (chunk) => {
      crc = crc32(chunk, crc);
      length += chunk.length;
    });
    for await (const chunk of deflate(plain)) {
      packed += chunk.length;
      yield chunk;
    }
    const sizes = dataDescriptor(crc, packed, length);
    yield sizes;
    at += packed + sizes.length;
    entries.push({ path: name.toString(), crc, packed, length, at: start });
  }
  yield directoryOf(entries, at);
}

async function* deflate(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const packing = createDeflateRaw({ level: 1 });
  const fed = pipeline(Readable.from(plain), packing);
  fed.catch(() => {}); // What fails there fails the reading below.
  try {
    for await (const chunk of packing) yield chunk as Buffer;
    await fed;
  } finally {
    packing.destroy();
  }
}

/** Of 8 bytes a size where one does not fit into 4. */
function dataDescriptor(crc: number, packed: number, length: number): Buffer {
  const large = packed > most32 || length > most32;
  const bytes = Buffer.alloc(large ? 24 : 16);
  bytes.writeUInt32LE(0x0807_4b50, 0);
  bytes.writeUInt32LE(crc, 4);
  if (large) {
    bytes.writeBigUInt64LE(BigInt(packed), 8);
    bytes.writeBigUInt64LE(BigInt(length), 16);
  } else {
    bytes.writeUInt32LE(packed, 8);
    bytes.writeUInt32LE(length, 12);
  }
  return bytes;
}

/** The central directory and its end, with the fields of ZIP64 where something does not fit. */
function directoryOf(entries: readonly Entry[], at: number): Buffer {
  const parts = entries.map(centralEntry);
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(entries.length, most16), 8);
  end.writeUInt16LE(Math.min(entries.length, most16), 10);
  end.writeUInt32LE(Math.min(size, most32), 12);
  end.writeUInt32LE(Math.min(at, most32), 16);
  if (entries.length >= most16 || at + size >= most32) parts.push(end64(entries.length, size, at));
  return Buffer.concat([...parts, end]);
}

function centralEntry({ path, crc, packed, length, at }: Entry): Buffer {
  const name = Buffer.from(path);
  const large = [length, packed, at].some((value) => value >= most32);
  const extra = Buffer.alloc(large ? 28 : 0);
  if (large) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    for (const [index, value] of [length, packed, at].entries())
      extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  }
  const size = (value: number): number => (large ? most32 : value);
  const fixed = Buffer.alloc(46);
  fixed.writeUInt32LE(0x0201_4b50, 0);
  fixed.writeUInt16LE(45, 4);
  fixed.writeUInt16LE(45, 6);
  fixed.writeUInt16LE(flags, 8);
  fixed.writeUInt16LE(deflated, 10);
  fixed.writeUInt16LE(dosDate, 14);
  fixed.writeUInt32LE(crc, 16);
  fixed.writeUInt32LE(size(packed), 20);
  fixed.writeUInt32LE(size(length), 24);
  fixed.writeUInt16LE(name.length, 28);
  fixed.writeUInt16LE(extra.length, 30);
  fixed.writeUInt32LE(size(at), 42);
  return Buffer.concat([fixed, name, extra]);
}

function end64(entries: number, size: number, at: number): Buffer {
  const bytes = Buffer.alloc(76);
  bytes.writeUInt32LE(0x0606_4b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE(45, 12);
  bytes.writeUInt16LE(45, 14);
  bytes.writeBigUInt64LE(BigInt(entries), 24);
  bytes.writeBigUInt64LE(BigInt(entries), 32);
  bytes.writeBigUInt64LE(BigInt(size), 40);
  bytes.writeBigUInt64LE(BigInt(at), 48);
  // Where the record above is.
  bytes.writeUInt32LE(0x0706_4b50, 56);
  bytes.writeBigUInt64LE(BigInt(at + size), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}
