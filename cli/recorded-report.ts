import { setImmediate as turn } from 'node:timers/promises';
import type { ReportOutcome, ReportProgress, ReportWanted } from '../db/mask-reports.ts';
import type { Pool } from '../db/pool.ts';
import { createRecordReader } from '../db/records-read.ts';
import type { MaskingEngine } from '../masking/engine.ts';
import { createMaskReport } from '../masking/report.ts';
import type { Policy } from '../policy/policy.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import { openSession } from '../recording/read.ts';
import { sessionsOf } from '../recording/search.ts';

/** A policy as it would be, with its masking made ready. */
export interface ChangedPolicy {
  readonly policy: Policy;
  readonly engine: MaskingEngine;
}

/**
 * Reads every message of a span and compares it with what a changed policy would make of it.
 * @param onProgress called after each session, and within long ones
 * @param signal ends it early, by rejecting with the signal's reason
 */
export async function compareRecorded(
  deps: { readonly pool: Pool; readonly keyRing: KeyRing },
  { policy, engine }: ChangedPolicy,
  wanted: ReportWanted,
  { onProgress, signal }: { onProgress?: (progress: ReportProgress) => void; signal?: AbortSignal } = {},
): Promise<ReportOutcome> {
  const reading = { reader: createRecordReader(deps.pool), keyRing: deps.keyRing };
  const { from, to, connection } = wanted;
  const result = createMaskReport(engine);
  const byRule = new Map(
    [...policy.rules, { ...policy.default, name: 'default' }].map((rule) => [rule.name, rule]),
  );
  const count = { sessions: 0, messages: 0, unreadable: 0, byGroup: 0 };
  for await (const session of sessionsOf(reading, { from, to, ...(connection !== null && { connection }) })) {
    signal?.throwIfAborted();
    const { facts, destroyedAt } = session;
    if (facts.connection === 'holdpoint' && facts.callerKey === 'holdpoint') continue;
    const opened = destroyedAt ? null : await openSession(reading, facts.sessionId);
    if (!opened) {
      count.unreadable += 1;
      continue;
    }
    count.sessions += 1;
    // An answer has the profile of its question.
    const ruleOf = new Map<string, string>();
    for await (const event of opened.events()) {
      if (event.callId !== null && event.rule !== null) ruleOf.set(event.callId, event.rule);
      if (event.kind !== 'message' || !within(event.atMicros, wanted)) continue;
      if (event.bytes === null) {
        count.unreadable += 1;
        continue;
      }
      count.messages += 1;
      const tool = event.tool ?? '';
      const rule = byRule.get(event.rule ?? ruleOf.get(event.callId ?? '') ?? '');
      const place = { connection: facts.connection, tool };
      const named = rule?.maskProfile ?? 'default';
      const byPlace = wanted.profile === null && named === 'default';
      if (byPlace && wanted.groups === null && engine.profilesFor(place).length > 1) count.byGroup += 1;
      await result.add({
        session: facts.sessionId,
        ...place,
        profile:
          wanted.profile ?? (byPlace ? engine.profileFor({ ...place, groups: wanted.groups ?? [] }) : named),
        text: event.bytes.toString('utf8'),
      });
      if (count.messages % 50 === 0) {
        onProgress?.(count);
        // Others are waiting on this event loop too.
        await turn();
        signal?.throwIfAborted();
      }
    }
    onProgress?.(count);
  }
  return { ...count, rows: result.rows() };
}

function within(atMicros: number, { from, to }: Pick<ReportWanted, 'from' | 'to'>): boolean {
  const at = atMicros / 1000;
  return at >= from.getTime() && at < to.getTime();
}
