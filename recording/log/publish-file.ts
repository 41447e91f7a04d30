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
      const fresh = join(dirname(path), `.checkpoint-${process.pid}`);
      const file = await open(fresh, 'w', 0o644);
      try {
        await file.writeFile(note);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
    },
    async latest() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
  };
}
