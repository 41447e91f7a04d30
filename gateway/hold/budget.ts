import { type Impatient, learnPatience, patienceOf } from '../../db/client-patience.ts';
import type { Pool } from '../../db/pool.ts';
import type { HeldRequest } from '../hold-port.ts';
import type { HoldSettings } from './settings.ts';
import type { Left } from './waiters.ts';

/** How much earlier than a client gives up it is answered: a fifth, and half a second for the way. */
const share = 0.8;
const marginMs = 500;
const leastMs = 1000;
/** Whoever leaves sooner than this did not wait for anything. */
const leastPatienceMs = 2000;

/**
 * How long this client may be kept waiting before it is answered that its call is pending: as configured, or less
 * where clients with this credential were seen to give up sooner on this connection. A task waits for ever (null).
 */
export async function budgetOf(
  pool: Pool,
  settings: HoldSettings,
  request: HeldRequest,
): Promise<number | null> {
  if (request.stream.taskId !== undefined) return null;
  const impatient = impatientOf(request);
  const configuredMs = impatient.progress ? settings.progressBudgetMs : settings.replyBudgetMs;
  const patienceMs = await patienceOf(pool, impatient);
  if (patienceMs === null) return configuredMs;
  return Math.min(configuredMs, Math.max(leastMs, patienceMs * share - marginMs));
}

/** Learns from how a client left. */
export async function learnFrom(
  pool: Pool,
  request: HeldRequest,
  left: Left,
  elapsedMs: number,
): Promise<void> {
  if (elapsedMs < leastPatienceMs) return;
  if (left === 'timed-out' || left === 'gone')
    await learnPatience(pool, impatientOf(request), { elapsedMs, certain: left === 'timed-out' });
}

function impatientOf({ caller, session, stream }: HeldRequest): Impatient {
  return {
    who: caller.credentialId ?? caller.key,
    connection: session.connection,
    progress: stream.progressToken !== null,
  };
}
