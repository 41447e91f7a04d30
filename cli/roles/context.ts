import type { Pool } from '../../db/pool.ts';
import type { Config } from '../config/config.ts';
import type { Keys } from '../keys.ts';
import type { Logger } from '../log.ts';
import type { Addresses } from '../services.ts';

/** What every role is started with. */
export interface RoleContext {
  readonly config: Config;
  readonly addresses: Addresses;
  readonly keys: Keys;
  readonly pool: Pool;
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
  /** True when all roles run in one process, which then knows everything that is configured. */
  readonly together: boolean;
}

/** A role that runs. `stop` finishes what is under way, then ends; safe to repeat. */
export interface RunningRole {
  readonly name: string;
  /** Where it listens, for people; null when it listens nowhere. */
  readonly url: string | null;
  /** A one-time link by which the person at this machine signs in; null where people sign in elsewhere. */
  loginLink?(): string | null;
  /** Prometheus text, where the role measures something. */
  metrics?(): Promise<string>;
  stop(): Promise<void>;
}
