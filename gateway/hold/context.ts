import type { CallContext, Changes, ShownPreview } from '../../db/held-context.ts';
import { historyDays, type Neighbours, neighboursOf } from '../../db/held-neighbours.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { recentRequests } from '../../recording/recent.ts';
import type { HeldRequest, RecentRequest } from '../hold-port.ts';
import { changesBetween } from './changes.ts';

/**
 * Gathers what helps to decide on a call that is about to be held. Everything comes from what was shown before, or was
 * masked by the call's own masker.
 * @param shownArgs the call's own masked arguments
 */
export async function contextOf(
  { pool, keyRing, log }: { readonly pool: Pool; readonly keyRing: KeyRing; readonly log: ContextLog },
  request: HeldRequest,
  call: { attachKey: Buffer; shownArgs: Masked<string>; preview: ShownPreview | null },
): Promise<CallContext> {
  const { session, caller, tool, verdict, masker } = request;
  const { sessionId, connection } = session;
  const shownTool = masker.text(tool).text;
  const found = await neighboursOf(pool, {
    sessionId,
    callerKey: caller.key,
    connection,
    tool: shownTool,
    rule: verdict.rule,
    attachKey: call.attachKey,
  });
  const { previous, denied, unclear } = found;
  const against = (other: { shownArgs: string }): Changes => changesBetween(other.shownArgs, call.shownArgs);
  return {
    previous: previous && {
      callId: previous.callId,
      atMs: previous.at.getTime(),
      changes: against(previous),
    },
    resubmits: denied && { callId: denied.callId, ...denialOf(denied), changes: against(denied) },
    unclear: unclear && { callId: unclear.callId, atMs: unclear.at.getTime() },
    history: { approved: found.approvedLately, denied: found.deniedLately, days: historyDays },
    recent: (await requestsBefore({ reader: createRecordReader(pool), keyRing, log }, request)).map(
      ({ tool: name, verdict: kind, atMs }) => ({
        tool: masker.text(name).text,
        verdict: kind,
        atMs,
      }),
    ),
    preview: call.preview,
  };
}

/** As many earlier requests of a session as an approver is shown. */
const recentAtMost = 6;

/**
 * The session's requests before one, latest first. What another gateway has seen of the session stands in the shared
 * recording; where this one has seen all of it, nothing has to be read.
 */
async function requestsBefore(
  deps: Parameters<typeof recentRequests>[0] & { readonly log: ContextLog },
  { session, correlationId, recent = [] }: HeldRequest,
): Promise<readonly RecentRequest[]> {
  try {
    // The request itself has been recorded before it came here.
    const recorded = await recentRequests(deps, session.sessionId, recentAtMost + 1);
    return recorded?.filter(({ callId }) => callId !== correlationId).slice(0, recentAtMost) ?? recent;
  } catch (error) {
    deps.log.warn({ err: error, correlationId }, 'what other gateways saw of a session could not be read');
    return recent;
  }
}

interface ContextLog {
  warn(facts: object, message: string): void;
}

function denialOf({ decisions }: NonNullable<Neighbours['denied']>): {
  by: string | null;
  reason: string | null;
  bounds: string | null;
} {
  const vote = decisions.findLast(({ decision }) => decision === 'deny');
  return { by: vote?.person.name ?? null, reason: vote?.reason ?? null, bounds: vote?.bounds ?? null };
}
