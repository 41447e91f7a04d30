import type { ReadCursor, ReadDeps } from '../recording/read.ts';
import { type Replay, replayOf } from '../recording/replay.ts';

/** As much of a session as one page shows. */
const window = { limit: 500, mostBytes: 4 * 1024 * 1024 };

/**
 * The part of a session that one page shows.
 * @returns null when there is no such session
 */
export async function partOf(deps: ReadDeps, sessionId: string, from: ReadCursor): Promise<Replay | null> {
  return replayOf(deps, sessionId, { ...window, from });
}
