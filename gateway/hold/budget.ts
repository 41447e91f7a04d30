import { type Impatient, learnPatience, patienceOf } from '../../db/client-patience.ts';
import type { Pool } from '../../db/pool.ts';
import type { HeldRequest } from '../hold-port.ts';
import type { SessionFacts } from '../../recording/event.ts';
import type { ClientStream } from '../client-stream.ts';
import { keepsQuestion } from './elicit.ts';
import { clientSettingsOf, type HoldSettings } from './settings.ts';
import type { Left } from './waiters.ts';

/** How much earlier than a client gives up it is answered: a fifth, and half a second for the way. */
const share = 0.8;
const marginMs = 500;
const leastMs = 1000;
/** Whoever leaves sooner than this did not wait for anything. */
const leastPatienceMs = 2000;

/** Whose budget: of clients with this credential on this connection. */
type Budgeted = Pick<SessionFacts, 'credentialId' | 'callerKey' | 'connection' | 'subject'>;

/** How long a request may be kept waiting; null for as long as it takes, as a task may. */
export async function budgetOf(
  pool: Pool,
  settings: HoldSettings,
  request: Pick<HeldRequest, 'caller' | 'session' | 'stream' | 'elicits' | 'protocolVersion'>,
): Promise<number | null> {
  const { stream } = request;
  if (stream.taskId !== undefined) return null;
  const { replyBudgetMs, progressBudgetMs } = clientSettingsOf(settings, ofRequest(request));
  // Its clock stands still while it is asked something.
  if (keepsQuestion(settings, request) && replyBudgetMs === undefined && progressBudgetMs === undefined)
    return null;
  return budgetFor(pool, settings, ofRequest(request), stream);
}

/**
 * How long a client may be kept waiting before it is answered that its call is pending: as configured for it; else as
 * configured for all, or less where clients with this credential were seen to give up sooner on this connection.
 * @returns ms, or null for as long as it takes
 */
export async function budgetFor(
  pool: Pool,
  settings: HoldSettings,
  budgeted: Budgeted,
  stream: Pick<ClientStream, 'progressToken'>,
): Promise<number | null> {
  const impatient = impatientOf(budgeted, stream);
  const own = clientSettingsOf(settings, budgeted);
  const ownMs = impatient.progress ? own.progressBudgetMs : own.replyBudgetMs;
  if (ownMs !== undefined) return ownMs;
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
    await learnPatience(pool, impatientOf(ofRequest(request), request.stream), {
      elapsedMs,
      certain: left === 'timed-out',
    });
}

/** The credential of this request, which need not be that with which its session began. */
function ofRequest({ caller, session }: Pick<HeldRequest, 'caller' | 'session'>): Budgeted {
  const { key: callerKey, credentialId, subject } = caller;
  return { callerKey, credentialId, subject, connection: session.connection };
}

function impatientOf(
  { credentialId, callerKey, connection }: Budgeted,
  { progressToken }: Pick<ClientStream, 'progressToken'>,
): Impatient {
  return { who: credentialId ?? callerKey, connection, progress: progressToken !== null };
}
