import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';

/** A file in an archive, as the archive's directory says. */
export interface Packed {
  readonly path: string;
  readonly crc: number;
  readonly packed: number;
  readonly length: number;
  /** Where it begins, with its own header. */
  readonly at: number;
}

/** An archive that is not whole, or not one that Holdpoint makes. */
export class BrokenArchiveError extends Error {}

const endLength = 22;
const end64Length = 56;
const locatorLength = 20;
const deflated = 8;
const sliceBytes = 65_536;
const most16 = 0xffff;
const most32 = 0xffff_ffff;

/**
 * What is in a ZIP archive (PKWARE APPNOTE 6.3) as `zipped` makes them: deflated, without a comment at the end. An
 * archive that was cut off has no directory.
 * @throws BrokenArchiveError
 */
export async function packedIn(file: FileHandle): Promise<Packed[]> {
  const { size } = await file.stat();
  const end = await read(file, size - endLength, endLength);
  if (end.readUInt32LE(0) !== 0x0605_4b50 || end.readUInt16LE(20) !== 0) throw cutOff();
  const small = { count: end.readUInt16LE(10), size: end.readUInt32LE(12), at: end.readUInt32LE(16) };
  const large = small.count === most16 || small.size === most32 || small.at === most32;
  const directory = large ? await largeEnd(file, size - endLength - locatorLength) : small;
  if (directory.at + directory.size > size) throw cutOff();
  const bytes = await read(file, directory.at, directory.size);
  const found: Packed[] = [];
  for (let from = 0; found.length < directory.count; ) {
    if (from + 46 > bytes.length || bytes.readUInt32LE(from) !== 0x0201_4b50) throw cutOff();
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(from + offset)) as [
      number,
      number,
      number,
    ];
    const next = from + 46 + name + extra + comment;
    if (next > bytes.length) throw cutOff();
    if (bytes.readUInt16LE(from + 10) !== deflated)
      throw new BrokenArchiveError('it packs files in another way');
    const path = bytes.toString('utf8', from + 46, from + 46 + name);
    const fields = bytes.subarray(from + 46 + name, from + 46 + name + extra);
    found.push({
      path,
      crc: bytes.readUInt32LE(from + 16),
      ...sizesOf(bytes.subarray(from, from + 46), fields),
    });
    from = next;
  }
  return found;
}

/** The end of an archive that is too large for the usual one. */
async function largeEnd(file: FileHandle, locatorAt: number) {
  const locator = await read(file, locatorAt, locatorLength);
  if (locator.readUInt32LE(0) !== 0x0706_4b50) throw cutOff();
  const end = await read(file, Number(locator.readBigUInt64LE(8)), end64Length);
  if (end.readUInt32LE(0) !== 0x0606_4b50) throw cutOff();
  const [count, size, at] = [32, 40, 48].map((offset) => Number(end.readBigUInt64LE(offset))) as [
    number,
    number,
    number,
  ];
  return { count, size, at };
}

/** Of 8 bytes, in the extra fields, where one does not fit into 4. */
function sizesOf(entry: Buffer, extra: Buffer): Pick<Packed, 'packed' | 'length' | 'at'> {
  const small = {
    length: entry.readUInt32LE(24),
    packed: entry.readUInt32LE(20),
    at: entry.readUInt32LE(42),
  };
  if (small.length !== most32 && small.packed !== most32 && small.at !== most32) return small;
  let from = 4;
  if (extra.length < 4 || extra.readUInt16LE(0) !== 1) throw cutOff();
  const sized = (value: number): number => {
    if (value !== most32) return value;
    if (from + 8 > extra.length) throw cutOff();
    from += 8;
    return Number(extra.readBigUInt64LE(from - 8));
  };
  return { length: sized(small.length), packed: sized(small.packed), at: sized(small.at) };
}

/** The content of a file in an archive. @throws BrokenArchiveError when it is not what the directory says */
export async function* contentOf(file: FileHandle, entry: Packed): AsyncGenerator<Buffer> {
  const header = await read(file, entry.at, 30);
  if (header.readUInt32LE(0) !== 0x0403_4b50) throw altered(entry);
  const start = entry.at + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const plain = createInflateRaw();
  // What fails there fails the reading below.
  const fed = pipeline(Readable.from(slicesOf(file, start, entry.packed)), plain).catch(() => {});
  let [crc, length] = [0, 0];
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      length += chunk.length;
      if (length > entry.length) break;
      yield chunk;
    }
  } catch (error) {
    throw altered(entry, error);
  } finally {
    plain.destroy();
    // The file is not closed under what still reads of it.
    await fed;
  }
  if (length !== entry.length || crc !== entry.crc) throw altered(entry);
}

async function* slicesOf(file: FileHandle, at: number, length: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < length; from += sliceBytes)
    yield await read(file, at + from, Math.min(sliceBytes, length - from));
}

async function read(file: FileHandle, at: number, length: number): Promise<Buffer> {
  if (at < 0) throw cutOff();
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead !== length) throw cutOff();
  return buffer;
}

function cutOff(): BrokenArchiveError {
  return new BrokenArchiveError('it was cut off, or is no archive of Holdpoint');
}

function altered({ path }: Packed, cause?: unknown): BrokenArchiveError {
  return new BrokenArchiveError(`${path} in it is not what was sent`, { cause });
}
