import type { Masked } from '../masking/masked.ts';
import type { SessionFacts } from '../recording/event.ts';
import { deadReplica } from './gateway-replicas.ts';
import type { Queryable } from './pool.ts';

/** States of a task, in either generation of the protocol. The last three never change. */
export type TaskState = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** What a task is begun with. */
export interface NewTask {
  readonly taskId: string;
  /** The session in which it is begun. Its caller and connection are the only ones that may ask for the task. */
  readonly session: SessionFacts;
  readonly protocolVersion: string;
  readonly tool: Masked<string>;
  readonly rule: string;
  readonly maskProfile: string;
  readonly held: boolean;
  readonly message: Masked<string> | null;
  /** Who works at it; null for one that upstream works at. */
  readonly replica: string | null;
  readonly kekId: string;
  readonly wrappedKey: Uint8Array;
  readonly sealedUpstream: Uint8Array | null;
  readonly ttlMs: number;
}

/** A task as it is stored. */
export interface StoredTask extends Omit<NewTask, 'tool' | 'message'> {
  readonly tool: string;
  readonly message: string | null;
  readonly callId: string | null;
  /** State of the held call that it waits for; null when there is none. */
  readonly callState: string | null;
  readonly state: TaskState;
  readonly sealedResponse: Uint8Array | null;
  readonly sealedInputs: Uint8Array | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whose tasks are asked for: nobody is told of another caller's, or of another connection's. */
export interface TaskOwner {
  readonly callerKey: string;
  readonly connection: string;
}

const columns = `t.task_id as "taskId", t.session, t.protocol_version as "protocolVersion", t.tool, t.rule,
  t.mask_profile as "maskProfile", t.held, t.message, t.replica, t.kek_id as "kekId", t.wrapped_key as "wrappedKey",
  t.sealed_upstream as "sealedUpstream", t.ttl_ms::float8 as "ttlMs", t.call_id as "callId",
  (select c.state from held_calls c where c.call_id = t.call_id) as "callState", t.state,
  t.sealed_response as "sealedResponse", t.sealed_inputs as "sealedInputs", t.created_at as "createdAt",
  t.updated_at as "updatedAt"`;

/**
 * Stores a new task, unless its caller has as many as are allowed. Whoever asks for it from here on finds it.
 * @returns when it was created, or null when the limit is reached
 */
export async function insertTask(db: Queryable, task: NewTask, maxTasks: number): Promise<Date | null> {
  const { session } = task;
  const { rows } = await db.query<{ at: Date }>(
    `insert into mcp_tasks (task_id, caller_key, connection, session_id, session, protocol_version, tool, rule,
       mask_profile, held, message, replica, kek_id, wrapped_key, sealed_upstream, ttl_ms, expires_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::bigint,
       now() + make_interval(secs => $16::float8 / 1000)
     where (select count(*) from mcp_tasks where caller_key = $2 and expires_at > now()) < $17
     returning created_at as at`,
    [
      task.taskId,
      session.callerKey,
      session.connection,
      session.sessionId,
      JSON.stringify(session),
      task.protocolVersion,
      task.tool,
      task.rule,
      task.maskProfile,
      task.held,
      task.message,
      task.replica,
      task.kekId,
      task.wrappedKey,
      task.sealedUpstream,
      task.ttlMs,
      maxTasks,
    ],
  );
  return rows[0]?.at ?? null;
}

/** One task of this caller's on this connection; null when there is none, or its time is over. */
export async function findTask(db: Queryable, owner: TaskOwner, taskId: string): Promise<StoredTask | null> {
  const { rows } = await db.query<StoredTask>(
    `select ${columns} from mcp_tasks t where t.task_id = $1 and t.caller_key = $2 and t.connection = $3
       and (t.expires_at > now() or t.replica is not null)`,
    [taskId, owner.callerKey, owner.connection],
  );
  return rows[0] ?? null;
}

/** A place in a list of tasks, newest first. */
export interface TaskPlace {
  readonly createdAt: string;
  readonly taskId: string;
}

/** The caller's tasks, newest first, after a place. */
export async function listTasks(
  db: Queryable,
  owner: TaskOwner,
  after: TaskPlace | null,
  limit: number,
): Promise<(StoredTask & { readonly place: string })[]> {
  const { rows } = await db.query<StoredTask & { place: string }>(
    `select ${columns}, t.created_at::text as place from mcp_tasks t
      where t.caller_key = $1 and t.connection = $2 and (t.expires_at > now() or t.replica is not null)
        and ($3::timestamptz is null or (t.created_at, t.task_id) < ($3::timestamptz, $4))
      order by t.created_at desc, t.task_id desc limit $5`,
    [owner.callerKey, owner.connection, after?.createdAt ?? null, after?.taskId ?? '', limit],
  );
  return rows;
}

/** Notes which held call a task waits for, and says so to people. */
export async function noteHeldCall(
  db: Queryable,
  taskId: string,
  callId: string,
  message: Masked<string>,
): Promise<void> {
  await db.query(
    `update mcp_tasks set call_id = $2, message = $3, updated_at = now() where task_id = $1 and state = 'working'`,
    [taskId, callId, message],
  );
}

/** What ends a task, or changes it while it is open. Left out, a member stays as it is. */
export interface TaskChange {
  readonly state: TaskState;
  readonly message?: Masked<string> | null;
  readonly sealedResponse?: Uint8Array;
  readonly sealedInputs?: Uint8Array | null;
  readonly sealedUpstream?: Uint8Array;
  /** Nothing is left to do for it here. */
  readonly release?: boolean;
}

/** Changes a task that has not ended. @returns false when it has */
export async function changeTask(db: Queryable, taskId: string, change: TaskChange): Promise<boolean> {
  const { rowCount } = await db.query(
    `update mcp_tasks set state = $2, updated_at = now(),
       message = case when $3 then $4 else message end,
       sealed_response = coalesce($5, sealed_response),
       sealed_inputs = case when $6 then $7 else sealed_inputs end,
       sealed_upstream = coalesce($8, sealed_upstream),
       replica = case when $9 then null else replica end
     where task_id = $1 and state in ('working', 'input_required')`,
    [
      taskId,
      change.state,
      change.message !== undefined,
      change.message ?? null,
      change.sealedResponse ?? null,
      change.sealedInputs !== undefined,
      change.sealedInputs ?? null,
      change.sealedUpstream ?? null,
      change.release ?? false,
    ],
  );
  return rowCount === 1;
}

/** Lets go of a task whose work is over, however it ended. */
export async function releaseTask(db: Queryable, taskId: string): Promise<void> {
  await db.query('update mcp_tasks set replica = null where task_id = $1', [taskId]);
}

/** Those of the given tasks that have ended. */
export async function endedTasks(db: Queryable, taskIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ task_id: string }>(
    `select task_id from mcp_tasks where task_id = any($1) and state in ('completed', 'failed', 'cancelled')`,
    [taskIds],
  );
  return rows.map((row) => row.task_id);
}

/** Those of a gateway's tasks that their clients have cancelled. */
export async function cancelledTasks(db: Queryable, replica: string): Promise<string[]> {
  const { rows } = await db.query<{ task_id: string }>(
    `select task_id from mcp_tasks where replica = $1 and state = 'cancelled'`,
    [replica],
  );
  return rows.map((row) => row.task_id);
}

/**
 * Takes over the tasks of dead gateways, and this one's own at which nothing works any more.
 * @param running the tasks that this gateway sees to
 * @returns what it is to see to now, a few at a time
 */
export async function adoptTasks(
  db: Queryable,
  replica: string,
  running: readonly string[],
): Promise<StoredTask[]> {
  const { rows } = await db.query<StoredTask>(
    `with orphaned as (
       select task_id from mcp_tasks where replica is not null
         and case when replica = $1 then task_id <> all($2) else ${deadReplica('mcp_tasks.replica')} end
       limit 200 for update skip locked)
     update mcp_tasks t set replica = $1 from orphaned where t.task_id = orphaned.task_id returning ${columns}`,
    [replica, running],
  );
  return rows;
}

/** Whether anybody still follows a held call as a task. */
export async function isFollowed(db: Queryable, callId: string): Promise<boolean> {
  const { rows } = await db.query<{ followed: boolean }>(
    `select exists (select from mcp_tasks where call_id = $1 and state in ('working', 'input_required')) as followed`,
    [callId],
  );
  return rows[0]?.followed ?? false;
}

/** Tasks that changed within the last `withinMs`, oldest change first. */
export async function changedTasks(db: Queryable, withinMs: number): Promise<StoredTask[]> {
  const { rows } = await db.query<StoredTask>(
    `select ${columns} from mcp_tasks t where t.updated_at > now() - make_interval(secs => $1::float8 / 1000)
      order by t.updated_at limit 1000`,
    [withinMs],
  );
  return rows;
}

/** Forgets tasks whose time is over and at which nobody works. */
export async function deleteExpiredTasks(db: Queryable): Promise<void> {
  await db.query('delete from mcp_tasks where expires_at < now() and replica is null');
}

/** Puts a message on its way to a task's client, or from it. */
export async function putTaskMessage(
  db: Queryable,
  message: { readonly taskId: string; readonly outward: boolean; readonly sealed: Uint8Array },
): Promise<void> {
  await db.query('insert into mcp_task_messages (task_id, outward, sealed) values ($1, $2, $3)', [
    message.taskId,
    message.outward,
    message.sealed,
  ]);
}

/** A message on its way, and the key that opens it. */
export interface TaskMessage {
  readonly taskId: string;
  readonly sealed: Buffer;
  readonly kekId: string;
  readonly wrappedKey: Buffer;
}

/** Takes the messages that wait in one direction, each given to one asker only, in order. */
export async function takeTaskMessages(
  db: Queryable,
  taskIds: readonly string[],
  outward: boolean,
): Promise<TaskMessage[]> {
  const { rows } = await db.query<TaskMessage & { seq: string }>(
    `delete from mcp_task_messages m using mcp_tasks t
      where m.task_id = any($1) and m.outward = $2 and t.task_id = m.task_id
      returning m.task_id as "taskId", m.sealed, t.kek_id as "kekId", t.wrapped_key as "wrappedKey", m.seq`,
    [taskIds, outward],
  );
  return rows
    .sort((a, b) => Number(a.seq) - Number(b.seq))
    .map(({ taskId, sealed, kekId, wrappedKey }) => ({ taskId, sealed, kekId, wrappedKey }));
}
