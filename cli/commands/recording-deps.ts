import type { RecordAct } from '../../console/acts.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';

/** What commands that read recordings need. */
export interface RecordingDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Records what is done with recordings, before it is done. */
  readonly recordAct: RecordAct;
}
