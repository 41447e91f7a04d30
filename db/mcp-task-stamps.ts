import type { TaskOwner } from './mcp-tasks.ts';
import type { Queryable } from './pool.ts';

/** Those of the given ids that are tasks of this caller's on this connection, in the order given. */
export async function ownTaskIds(
  db: Queryable,
  owner: TaskOwner,
  taskIds: readonly string[],
): Promise<string[]> {
  const { rows } = await db.query<{ task_id: string }>(
    `select task_id from mcp_tasks where task_id = any($1) and caller_key = $2 and connection = $3
       and (expires_at > now() or replica is not null)`,
    [taskIds, owner.callerKey, owner.connection],
  );
  const own = new Set(rows.map((row) => row.task_id));
  return taskIds.filter((taskId) => own.has(taskId));
}

/** By what it is seen that a task has changed, without reading it. */
export interface TaskStamp {
  readonly taskId: string;
  readonly stamp: string;
  /** Whether upstream works at it. */
  readonly upstream: boolean;
}

export async function taskStamps(db: Queryable, taskIds: readonly string[]): Promise<TaskStamp[]> {
  const { rows } = await db.query<TaskStamp>(
    `select t.task_id as "taskId", concat(t.updated_at, ' ', c.state) as stamp,
       t.sealed_upstream is not null as upstream
     from mcp_tasks t left join held_calls c on c.call_id = t.call_id where t.task_id = any($1)`,
    [taskIds],
  );
  return rows;
}
