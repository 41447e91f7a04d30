-- A held call: one row is the truth about its execution (docs/decisions.md, "who holds the truth").
create table held_calls (
  call_id          text primary key,
  -- H(caller, connection, method, tool, canonical arguments, policy version): identical calls share it.
  attach_key       bytea not null,
  state            text not null default 'pending' check (state in
                     ('pending', 'executing', 'succeeded', 'failed', 'unknown', 'denied', 'expired', 'cancelled', 'aborted')),
  -- SHA-256 over everything that an approval binds (workflows/contract.ts, `Bound`).
  digest           text not null,
  workflow_id      text not null,
  connection       text not null,
  method           text not null,
  tool             text not null,
  session_id       text not null,
  caller           jsonb not null,
  rule             text not null,
  reason           text,
  risk             text not null,
  policy_version   text not null,
  definition_hash  text,
  approvers        jsonb not null,
  approvals_needed int not null check (approvals_needed >= 1),
  on_disconnect    text not null check (on_disconnect in ('keep', 'cancel', 'run')),
  -- The masked arguments as people see them: JSON text, whole.
  shown_args       text not null,
  created_at       timestamptz not null default now(),
  expires_at       timestamptz not null,
  -- Signed votes that counted, in order: [{jws, person, name, decision, reason, at}].
  decisions        jsonb not null default '[]',
  decided_at       timestamptz,
  exec_token       text,
  executing_at     timestamptz,
  ended_at         timestamptz,
  -- Plain words on how it ended, masked: a denial's reason, an upstream's error, why it is unknown.
  ended_because    text,
  -- When the ended call's outcome reached a client; until then an identical call is given it.
  delivered_at     timestamptz,
  retain_until     timestamptz,
  correlation_id   text not null
);
-- One open request per identical call, whatever replicas race.
create unique index held_calls_open on held_calls (attach_key) where state in ('pending', 'executing');
create index held_calls_retained on held_calls (attach_key, ended_at desc) where delivered_at is null;
create index held_calls_by_state on held_calls (state, expires_at);
create index held_calls_by_time on held_calls (created_at desc);

-- The one stored copy of a held call's raw request, sealed under its own key. The row is deleted when the call ends.
create table held_call_requests (
  call_id     text primary key references held_calls on delete cascade,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null
);

-- The result for a client that comes back, sealed under its own key; deleted when retention ends.
create table held_call_results (
  call_id     text primary key references held_calls on delete cascade,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null
);

-- Terminal states never change, whoever asks.
create function held_calls_guard() returns trigger language plpgsql as $$
begin
  if old.state in ('succeeded', 'failed', 'denied', 'expired', 'cancelled', 'aborted')
     and new.state is distinct from old.state then
    raise exception 'held call % has ended as %, which never changes', old.call_id, old.state;
  end if;
  if old.state = 'unknown' and new.state is distinct from old.state then
    raise exception 'held call % has ended as unknown, which never changes', old.call_id;
  end if;
  if old.state = 'executing' and new.state not in ('executing', 'succeeded', 'failed', 'unknown') then
    raise exception 'held call % is executing and cannot become %', old.call_id, new.state;
  end if;
  if new.digest is distinct from old.digest then
    raise exception 'the digest of held call % never changes', old.call_id;
  end if;
  return new;
end $$;
create trigger held_calls_guard before update on held_calls for each row execute function held_calls_guard();
