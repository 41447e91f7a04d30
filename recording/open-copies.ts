import type { KeyObject } from 'node:crypto';
import { decodeHeader } from './header.ts';
import type { Direction } from './event.ts';
import type { KeyRing } from './key-ring.ts';
import type { RecordReader } from './reader.ts';
import { openCopy } from './sealed-copy.ts';
import { walkSession } from './walk.ts';

/** One message as it was before masking. */
export interface OpenedCopy {
  readonly atMicros: number;
  readonly direction: Direction;
  readonly callId: string | null;
  readonly method: string | null;
  readonly tool: string | null;
  /** The unmasked bytes; null when this key does not open them. */
  readonly bytes: Buffer | null;
}

/**
 * Opens the sealed copies of a session, or of one call of it. Takes two keys: the session's own, without which a purged
 * session stays closed, and the one that the copies were sealed to. With a held call go the message that asked for it,
 * and what it did after its client had left, which is recorded apart.
 * @param callId null: of every call
 */
export async function* openCopies(
  deps: Deps,
  privateKey: KeyObject,
  sessionId: string,
  callId: string | null,
): AsyncGenerator<OpenedCopy> {
  const held = (await heldIn(deps, sessionId)).filter((one) => callId === null || one.callId === callId);
  const wanted = callId === null ? null : new Set([callId, ...held.map(({ asked }) => asked)]);
  yield* copiesIn(deps, privateKey, sessionId, wanted);
  for (const one of held) yield* copiesIn(deps, privateKey, `run-${one.callId}`, null);
}

type Deps = { readonly reader: RecordReader; readonly keyRing: KeyRing };

async function* copiesIn(
  deps: Deps,
  privateKey: KeyObject,
  sessionId: string,
  callIds: ReadonlySet<string> | null,
): AsyncGenerator<OpenedCopy> {
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    const header = decodeHeader(record.header);
    if (header.kind !== 'copy') continue;
    const { facts, bytes } = opener.open(record.header, record.sealed);
    if (callIds && !callIds.has(facts.callId ?? '')) continue;
    yield {
      atMicros: header.atMicros,
      direction: header.direction,
      callId: facts.callId ?? null,
      method: facts.method ?? null,
      tool: facts.tool ?? null,
      bytes: opened(privateKey, bytes, header),
    };
  }
}

function opened(privateKey: KeyObject, copy: Buffer, place: Parameters<typeof openCopy>[2]): Buffer | null {
  try {
    return openCopy(privateKey, copy, place);
  } catch {
    return null; // Sealed to another key: the key pair was exchanged since, or this is not it.
  }
}

/** The held calls of a session; each has an id of its own beside that of the message that asked. */
async function heldIn(deps: Deps, sessionId: string): Promise<{ callId: string; asked: string }[]> {
  const held: { callId: string; asked: string }[] = [];
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    if (decodeHeader(record.header).kind !== 'hold') continue;
    const { facts, bytes } = opener.open(record.header, record.sealed);
    const { asked } = JSON.parse(bytes.toString('utf8')) as { asked?: unknown };
    if (facts.callId !== undefined) held.push({ callId: facts.callId, asked: String(asked) });
  }
  return held;
}
