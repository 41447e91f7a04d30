import { isSignedBy, type NoteVerifier, parseNote } from './note.ts';

/** A tree head (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** The note text of a checkpoint. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/**
 * Reads a checkpoint and checks the log's signature.
 * @throws CheckpointError
 */
export function openCheckpoint(note: string, verifier: NoteVerifier): Checkpoint {
  const parsed = readable(() => parseNote(note));
  if (!isSignedBy(parsed, verifier))
    throw new CheckpointError(
      'bad_signature',
      `the checkpoint has no valid signature by ${verifier.name}: it was altered, or signed with another key`,
    );
  return readable(() => parseCheckpoint(parsed.text, verifier.name));
}

/** A checkpoint cannot be relied on. */
export class CheckpointError extends Error {
  readonly code: 'unreadable' | 'bad_signature';
  constructor(code: CheckpointError['code'], message: string) {
    super(message);
    this.name = 'CheckpointError';
    this.code = code;
  }
}

function parseCheckpoint(text: string, wanted: string): Checkpoint {
  const [origin, size, root, ...rest] = text.split('\n');
  const bytes = Buffer.from(root ?? '', 'base64');
  if (
    origin === undefined ||
    !/^(0|[1-9]\d{0,15})$/.test(size ?? '') ||
    bytes.length !== 32 ||
    rest.at(-1) !== ''
  )
    throw new Error('a checkpoint must be three lines: origin, size, root');
  if (origin !== wanted) throw new Error(`the checkpoint is of the log ${origin}, not ${wanted}`);
  return { origin, size: Number(size), root: bytes };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CheckpointError('unreadable', (error as Error).message);
  }
}
