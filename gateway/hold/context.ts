import type { CallContext, Changes, ShownPreview } from '../../db/held-context.ts';
import { historyDays, type Neighbours, neighboursOf } from '../../db/held-neighbours.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import type { HeldRequest } from '../hold-port.ts';
import { changesBetween } from './changes.ts';

/**
 * Gathers what helps to decide on a call that is about to be held. Everything comes from what was shown before, or was
 * masked by the call's own masker.
 * @param shownArgs the call's own masked arguments
 */
export async function contextOf(
  pool: Pool,
  { session, caller, tool, verdict, masker, recent }: HeldRequest,
  call: { attachKey: Buffer; shownArgs: Masked<string>; preview: ShownPreview | null },
): Promise<CallContext> {
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
    recent: (recent ?? []).map(({ tool: name, verdict: kind, atMs }) => ({
      tool: masker.text(name).text,
      verdict: kind,
      atMs,
    })),
    preview: call.preview,
  };
}

function denialOf({ decisions }: NonNullable<Neighbours['denied']>): {
  by: string | null;
  reason: string | null;
  bounds: string | null;
} {
  const vote = decisions.findLast(({ decision }) => decision === 'deny');
  return { by: vote?.person.name ?? null, reason: vote?.reason ?? null, bounds: vote?.bounds ?? null };
}
