import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CheckpointPublisher } from './run.ts';

/**
 * Keeps the latest checkpoint in a file, whole at any moment. Put it where whoever can change the database cannot
 * write: another machine's mount, a write-once volume.
 */
export function filePublisher(path: string): CheckpointPublisher {
  return {
    name: `file ${path}`,
    async publish({ note }) {
      await mkdir(dirname(path), { recursive: true });
      // Another process may have led, and published more, since this one signed.
      if (isOlder(note, await latest(path))) return;
      const fresh = join(dirname(path), `.checkpoint-${randomUUID()}`);
      const file = await open(fresh, 'w', 0o644);
      try {
        await file.writeFile(note);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
    },
    latest: () => latest(path),
  };
}

async function latest(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isOlder(note: string, kept: string | null): boolean {
  const [origin, size] = note.split('\n');
  const [keptOrigin, keptSize] = kept?.split('\n') ?? [];
  return origin === keptOrigin && Number(size) < Number(keptSize);
}
