import type { ApprovalInput } from '../../../workflows/contract.ts';
import type { HeldRequest } from '../../../gateway/hold-port.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import type { TestStream } from './ends.ts';
import { assertRecordedMasked } from './recorded.ts';
import {
  type Replica,
  type RequestChange,
  startReplica,
  type TestApprovals,
  testApprovals,
} from './support.ts';

/** One replica on an empty table, for the time of some work. */
export function togetherIn(database: () => TestDatabase) {
  return async (
    work: (one: Replica, approvals: TestApprovals) => Promise<void>,
    options?: Parameters<typeof startReplica>[2],
  ): Promise<void> => {
    const db = database();
    await db.pool.query('truncate held_calls cascade');
    const approvals = testApprovals(db.pool);
    const one = await startReplica(db, approvals, options);
    try {
      await work(one, approvals);
    } finally {
      await one.stop();
    }
  };
}

/** Tests of one held call whose client waits: truncates, opens, runs `work`, stops, looks at what was recorded. */
export function heldIn(database: () => TestDatabase) {
  return async (
    work: (
      one: Replica,
      input: ApprovalInput,
      request: HeldRequest & { stream: TestStream },
    ) => Promise<void>,
    change: RequestChange = {},
    options: Parameters<typeof startReplica>[2] = {},
  ): Promise<void> => {
    const db = database();
    await db.pool.query('truncate held_calls cascade');
    const approvals = testApprovals(db.pool);
    const one = await startReplica(db, approvals, options);
    const request = one.request(change);
    // Without a recorder its answer cannot be given, and it rejects.
    const holding = one.hold.hold(request).catch(() => {});
    try {
      await work(one, await approvals.next(), request);
    } finally {
      await one.stop();
      await holding;
    }
    await assertRecordedMasked(db, one);
  };
}
