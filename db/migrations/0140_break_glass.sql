-- Requests to open sealed copies (docs/masking.md, "Break-glass"). What was asked and agreed is in the signed statements;
-- the columns beside them only find them.

create table break_glass (
  request_id text primary key,
  session_id text not null,
  asked      text not null,
  asked_at   timestamptz not null default clock_timestamp(),
  -- The answer of the second person, agreed or refused; the first one stands.
  answered   text,
  -- Whatever stands here, the request opens nothing any more.
  revoked    text
);
create index break_glass_by_time on break_glass (asked_at desc);

create function break_glass_guard() returns trigger language plpgsql as $$
begin
  if new.request_id <> old.request_id or new.session_id <> old.session_id or new.asked <> old.asked
     or new.asked_at <> old.asked_at
     or (old.answered is not null and new.answered is distinct from old.answered)
     or (old.revoked is not null and new.revoked is distinct from old.revoked) then
    raise exception 'break-glass request % is a record of what was done and does not change', old.request_id;
  end if;
  return new;
end $$;
create trigger break_glass_guard before update on break_glass for each row execute function break_glass_guard();
