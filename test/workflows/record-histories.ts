// Records the histories that replay.test.ts replays: `node test/workflows/record-histories.ts RELEASE [STORY …]`. Run it
// for every release that changes workflows/, and keep the histories of the releases before (one folder each). Stories
// whose name ends with `without-slack` are told where there is none, by a gateway that settles what it runs.
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { type ApprovalInput, replicaQueue, workflowIdOf } from '../../workflows/contract.ts';
import { testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { codecKeyOfHistories } from './histories-key.ts';
import { ann, bob, settlingExecutor, type Workplace, workplace } from './support.ts';

const stories: Record<string, (place: Workplace) => Promise<ApprovalInput>> = {
  approved: async (place) => {
    const call = await place.hold();
    await place.vote(call, ann, 'approve', { reason: 'fine' });
    return call;
  },
  'approved-by-two-on-the-replica-of-the-client': async (place) => {
    const call = await place.hold({
      approvalsNeeded: 2,
      onDisconnect: 'keep',
      holderQueue: replicaQueue('home'),
    });
    await place.vote(call, ann);
    await place.vote(call, bob);
    return call;
  },
  denied: async (place) => {
    const call = await place.hold({ approvalsNeeded: 2 });
    await place.vote(call, ann);
    await place.vote(call, bob, 'deny', { reason: 'not today' });
    return call;
  },
  'approved-without-slack': async (place) => {
    const call = await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('settling') });
    await sleep(1000);
    await place.vote(call, ann);
    return call;
  },
  'approved-while-nobody-waits-without-slack': async (place) => {
    const call = await place.hold({ onDisconnect: 'keep', holderQueue: null });
    await sleep(1000);
    await place.vote(call, ann);
    await sleep(1000);
    await place.approvals.attached(workflowIdOf(call), replicaQueue('settling'));
    return call;
  },
  'denied-without-slack': async (place) => {
    const call = await place.hold();
    await sleep(1000);
    await place.vote(call, ann, 'deny', { reason: 'not today' });
    return call;
  },
  expired: async (place) => place.hold({ expiresAtMs: Date.now() + 1500 }),
  'nobody-came-back': async (place) => {
    const call = await place.hold({ onDisconnect: 'keep', graceMs: 3000, holderQueue: replicaQueue('gone') });
    await place.vote(call, ann);
    return call;
  },
  'client-left': async (place) => {
    const call = await place.hold({ onDisconnect: 'cancel', holderQueue: replicaQueue('gone') });
    await place.approvals.detached(workflowIdOf(call), replicaQueue('gone'));
    return call;
  },
  withdrawn: async (place) => {
    const call = await place.hold();
    await place.approvals.cancel(workflowIdOf(call), 'not needed any more');
    return call;
  },
  'escalated-and-extended': async (place) => {
    const call = await place.hold({
      terms: {
        quorum: {
          kind: 'all',
          needs: [
            { group: 'dba', approvals: 1 },
            { group: 'security', approvals: 1 },
          ],
        },
        remindersMs: [300],
        escalation: [{ afterMs: 600, groups: ['leads'] }],
        extension: { byMs: 5000, times: 1 },
        onSlackOutage: 'continue',
      },
      approverGroups: ['dba', 'security'],
      expiresAtMs: Date.now() + 20_000,
    });
    await place.vote(call, ann);
    const { callId, digest } = call;
    const workflowId = workflowIdOf(call);
    const extending = { workflowId, callId, digest, updateId: 'extension', groups: ['dba'], via: 'test' };
    await place.approvals.extend({ ...extending, person: bob });
    await sleep(1500);
    await place.vote(call, bob, 'approve', { groups: ['leads'] });
    return call;
  },
  'expired-after-the-clock-was-asked': async (place) => {
    const call = await place.hold({ expiresAtMs: Date.now() + 1500 });
    await place.approvals.clockChanged(workflowIdOf(call));
    return call;
  },
  'cancelled-in-temporal': async (place) => {
    const call = await place.hold();
    await place.link.client.workflow.getHandle(workflowIdOf(call)).cancel();
    return call;
  },
};

const release = process.argv[2] ?? '0.1.0';
const folder = new URL(`./histories/${release}/`, import.meta.url);
await mkdir(folder, { recursive: true });
await using db = await testDatabase();
const temporal = await startTestTemporal();
const place = await workplace(temporal.address, db, undefined, codecKeyOfHistories);
await place.startExecutor();
await place.startExecutor(replicaQueue('settling'), undefined, settlingExecutor(db));
await place.startExecutor(replicaQueue('home'));
const wanted = process.argv.slice(3);
const told = Object.entries(stories)
  .filter(([name]) => wanted.length === 0 || wanted.includes(name))
  .map(([name, story]) => ({ name, story, slack: !name.endsWith('without-slack') }))
  .toSorted((a, b) => Number(b.slack) - Number(a.slack));
let worker = null as { readonly slack: boolean; stop(): Promise<void> } | null;
for (const { name, story, slack } of told) {
  if (worker?.slack !== slack) {
    await worker?.stop();
    const { stop } = await place.startWorker(undefined, undefined, slack);
    worker = { slack, stop };
  }
  const handle = place.link.client.workflow.getHandle(workflowIdOf(await story(place)));
  await handle.result();
  // Names of the machine and its processes are nobody's business.
  const json: unknown = JSON.parse(historyToJSON(await handle.fetchHistory()), (key, value: unknown) =>
    key === 'identity' || (typeof value === 'string' && key !== 'data' && value.includes(hostname()))
      ? 'recorded'
      : value,
  );
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(json, null, 1)}\n`);
  process.stdout.write(`${name}\n`);
}
await place.close();
await temporal.stop();
