import { adoptTasks, isFollowed, releaseTask, type StoredTask } from '../../db/mcp-tasks.ts';
import type { SessionFacts } from '../../recording/event.ts';
import { maskAndRecord } from '../relay.ts';
import { lostResponse } from './answers.ts';
import { once, settle, streamOf } from './task-run.ts';
import { keyOf, type TaskWork } from './task-work.ts';

/** Goes on with the tasks of dead gateways, and with those of this one that were left. */
export async function adoptOrphans(work: TaskWork): Promise<void> {
  const { runs, beginning } = work;
  const orphans = await adoptTasks(work.pool, work.replica, [...runs.keys(), ...beginning]);
  for (const task of orphans) {
    const { taskId } = task;
    // Begun here while the look was on its way.
    if (runs.has(taskId) || beginning.has(taskId)) continue;
    beginning.add(taskId);
    const { promise: over, resolve: onOver } = Promise.withResolvers<void>();
    adopt(work, task, over)
      .catch((error: unknown) => {
        work.runs.delete(taskId);
        work.log.warn({ taskId, err: error }, 'a task could not be gone on with; that is tried again');
      })
      .finally(() => {
        beginning.delete(taskId);
        onOver();
      });
  }
}

async function adopt(work: TaskWork, task: StoredTask, over: Promise<void>): Promise<void> {
  const { taskId, callId, protocolVersion } = task;
  const key = await keyOf(work, task);
  // The session that began it may have ended, and an ended session takes no more events.
  const session: SessionFacts = { ...task.session, sessionId: `task-${taskId}` };
  const stream = streamOf(work, { taskId, key, sessionId: task.session.sessionId }, null);
  const cancel = once(
    async () => void (await work.hold.cancelled(session.sessionId, JSON.stringify(taskId), 'cancelled')),
  );
  work.runs.set(taskId, { stream, cancel, over });
  if (task.state === 'cancelled' && callId !== null && !(await isFollowed(work.pool, callId)))
    await work.hold.withdraw(callId, 'the client cancelled the task');
  if (task.state !== 'working' && task.state !== 'input_required') return finish(work, taskId);
  const masker = work.sessionMasker({ facts: session, sealKey: null }, task.maskProfile);
  work.log.info({ taskId, callId }, 'a task is gone on with');
  // Which call a question belongs to, only the gateway knew that was asked it.
  if (callId === null || task.sealedInputs) {
    const context = {
      recorder: work.recorder,
      masker,
      session,
      callId: null,
      method: 'tools/call',
      tool: task.tool,
    };
    const lost = await maskAndRecord(context, lostResponse(task), null);
    await stream.respond(lost);
  } else {
    const idJson = JSON.stringify(taskId);
    const shared = { callId, idJson, session, protocolVersion, correlationId: taskId, tool: task.tool };
    await work.hold.adopt({ ...shared, masker, upstream: null, stream, since: null });
  }
  await settle(work, taskId, stream);
}

async function finish(work: TaskWork, taskId: string): Promise<void> {
  await releaseTask(work.pool, taskId);
  work.runs.delete(taskId);
}
