-- What a precondition's call answered when the call was held, raw and sealed under its own key. Gone when the call ends.
create table held_call_before (
  call_id     text primary key references held_calls on delete cascade,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null
);

-- A call that only reads, ready to find out whether the held call took effect. Kept only while nobody knows.
create table held_call_read_backs (
  call_id     text primary key references held_calls on delete cascade,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null
);

-- A call that was sent and never answered: somebody has to find out what became of it. It is never sent again.
create table unknown_tasks (
  call_id      text primary key references held_calls on delete cascade,
  opened_at    timestamptz not null default now(),
  -- Who looks into it: {person, via}; another may take it over.
  taken_by     jsonb,
  taken_at     timestamptz,
  -- The read-back: `none` where the rule names none.
  read_back    text not null default 'none' check (read_back in ('none', 'wanted', 'running', 'done')),
  read_back_at timestamptz,
  -- Masked: what it answered, or why it did not.
  read_back_shown jsonb,
  mark         text check (mark in ('happened', 'did-not-happen')),
  -- Masked.
  reason       text,
  marked_by    jsonb,
  marked_at    timestamptz
);
create index unknown_tasks_open on unknown_tasks (opened_at) where mark is null;
create index unknown_tasks_wanted on unknown_tasks (read_back_at) where read_back in ('wanted', 'running');

-- Whoever ends a call: what only its execution needed goes; a call of which nobody knows becomes a task, with its read-back.
create function held_calls_companions() returns trigger language plpgsql as $$
begin
  delete from held_call_before where call_id = new.call_id;
  if new.state = 'unknown' then
    insert into unknown_tasks (call_id, read_back)
    select new.call_id, case when exists (select from held_call_read_backs where call_id = new.call_id)
                             then 'wanted' else 'none' end
    on conflict do nothing;
    insert into slack_refreshes (call_id) values (new.call_id)
      on conflict (call_id) do update set wish = slack_refreshes.wish + 1, due_at = least(slack_refreshes.due_at, now());
  else
    delete from held_call_read_backs where call_id = new.call_id;
  end if;
  return null;
end $$;
create trigger held_calls_companions after update of state on held_calls for each row
  when (old.state in ('pending', 'executing') and new.state not in ('pending', 'executing'))
  execute function held_calls_companions();

-- A mark is for good; with it goes what the read-back needed.
create function unknown_tasks_guard() returns trigger language plpgsql as $$
begin
  if old.mark is not null and (new.mark is distinct from old.mark or new.marked_by is distinct from old.marked_by
      or new.reason is distinct from old.reason) then
    raise exception 'the outcome of call % was marked already', old.call_id;
  end if;
  if new.mark is not null and old.mark is null then
    delete from held_call_read_backs where call_id = new.call_id;
  end if;
  return new;
end $$;
create trigger unknown_tasks_guard before update on unknown_tasks for each row execute function unknown_tasks_guard();
