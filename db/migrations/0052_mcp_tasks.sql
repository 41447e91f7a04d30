-- Gateways that live. One that has not been seen for a while is dead, and what it worked at is taken over.
create table gateway_replicas (
  replica text primary key,
  seen_at timestamptz not null default now()
);

-- Calls that clients follow as tasks (MCP 2025-11-25 tasks, and the tasks extension of 2026-07-28).
create table mcp_tasks (
  -- Cannot be guessed; and no other caller is told that it exists.
  task_id          text primary key,
  caller_key       text not null,
  connection       text not null,
  -- The session in which it was begun, as the recording knows it, and what the recording says of who spoke there.
  session_id       text not null,
  session          jsonb not null,
  protocol_version text not null,
  -- Masked.
  tool             text not null,
  rule             text not null,
  mask_profile     text not null,
  -- Whether an approval comes before anything is sent.
  held             boolean not null,
  -- The held call that it waits for, once there is one.
  call_id          text references held_calls on delete set null,
  state            text not null default 'working'
                     check (state in ('working', 'input_required', 'completed', 'failed', 'cancelled')),
  -- Masked words for people.
  message          text,
  -- Who works at it; null when there is nothing left to do for it here.
  replica          text,
  -- The task's own key, and what it seals: upstream's own id of the task; its end, as the client gets it (masked);
  -- what upstream needs of the client meanwhile.
  kek_id           text not null,
  wrapped_key      bytea not null,
  sealed_upstream  bytea,
  sealed_response  bytea,
  sealed_inputs    bytea,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  ttl_ms           bigint not null,
  expires_at       timestamptz not null
);
create index mcp_tasks_by_caller on mcp_tasks (caller_key, connection, created_at desc, task_id);
create index mcp_tasks_worked_at on mcp_tasks (replica) where replica is not null;
create index mcp_tasks_changed on mcp_tasks (updated_at);
create index mcp_tasks_by_call on mcp_tasks (call_id) where call_id is not null;
create index mcp_tasks_expired on mcp_tasks (expires_at);

-- What a task's server asks its client, and what the client answers, on the way between replicas.
create table mcp_task_messages (
  seq        bigint generated always as identity primary key,
  task_id    text not null references mcp_tasks on delete cascade,
  -- To the client, or from it.
  outward    boolean not null,
  sealed     bytea not null,
  created_at timestamptz not null default now()
);
create index mcp_task_messages_by_task on mcp_task_messages (task_id, outward, seq);

-- An ended task stays as it ended.
create function mcp_tasks_guard() returns trigger language plpgsql as $$
begin
  if old.state in ('completed', 'failed', 'cancelled') and new.state is distinct from old.state then
    raise exception 'task % has ended as %, which never changes', old.task_id, old.state;
  end if;
  return new;
end $$;
create trigger mcp_tasks_guard before update on mcp_tasks for each row execute function mcp_tasks_guard();
