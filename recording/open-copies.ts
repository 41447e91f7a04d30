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
 * session stays closed, and the one that the copies were sealed to.
 * @param callId null: of every call; the message that asked for a held call goes with it
 */
export async function* openCopies(
  deps: { readonly reader: RecordReader; readonly keyRing: KeyRing },
  privateKey: KeyObject,
  sessionId: string,
  callId: string | null,
): AsyncGenerator<OpenedCopy> {
  const wanted = callId === null ? null : await idsOf(deps, sessionId, callId);
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    const header = decodeHeader(record.header);
    if (header.kind !== 'copy') continue;
    const { facts, bytes } = opener.open(record.header, record.sealed);
    if (wanted && !wanted.has(facts.callId ?? '')) continue;
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

/** A held call and the message that asked for it have ids of their own; the hold names both. */
async function idsOf(
  deps: Parameters<typeof openCopies>[0],
  sessionId: string,
  callId: string,
): Promise<ReadonlySet<string>> {
  const ids = new Set([callId]);
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    if (decodeHeader(record.header).kind !== 'hold') continue;
    const { facts, bytes } = opener.open(record.header, record.sealed);
    const { asked } = JSON.parse(bytes.toString('utf8')) as { asked?: unknown };
    if (facts.callId === callId && typeof asked === 'string') ids.add(asked);
  }
  return ids;
}
