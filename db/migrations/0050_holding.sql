-- What holding and execution need of a held call beyond its life as an approval request.

alter table held_calls
  -- When its workflow was known to run. A pending row without one was never asked of anybody.
  add column opened_at timestamptz,
  -- When its executor last said that it is alive; silence turns `executing` into `unknown`.
  add column exec_seen_at timestamptz,
  -- Until when somebody is handing the outcome to a client; nobody else may meanwhile.
  add column delivering_until timestamptz;

create index held_calls_open_by_caller on held_calls ((caller ->> 'key')) where state in ('pending', 'executing');
create index held_calls_executing on held_calls (exec_seen_at) where state = 'executing';
create index held_calls_ended on held_calls (ended_at) where ended_at is not null;
create index held_calls_retained_until on held_calls (retain_until) where retain_until is not null;

-- Whoever ends a call, and however: the time is kept, and for a moment its outcome belongs to the clients that wait
-- for it, before an identical call may come and take it.
create function held_calls_on_end() returns trigger language plpgsql as $$
begin
  new.ended_at := coalesce(new.ended_at, now());
  new.retain_until := coalesce(new.retain_until, new.ended_at + interval '24 hours');
  new.delivering_until := coalesce(new.delivering_until, now() + interval '3 seconds');
  return new;
end $$;
create trigger held_calls_on_end before update on held_calls for each row
  when (old.state in ('pending', 'executing') and new.state not in ('pending', 'executing'))
  execute function held_calls_on_end();

-- The raw request and its key go in the same transaction in which the call ends, and every gateway hears of a change.
create function held_calls_after_change() returns trigger language plpgsql as $$
begin
  if new.state not in ('pending', 'executing') then
    delete from held_call_requests where call_id = new.call_id;
  end if;
  perform pg_notify('holdpoint_held_calls', new.call_id);
  return null;
end $$;
create trigger held_calls_after_change after update of state on held_calls for each row
  when (old.state is distinct from new.state)
  execute function held_calls_after_change();
