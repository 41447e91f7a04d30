-- Containment: what has been revoked, and which replicas have heard of it (docs/containment.md).

create table revocations (
  id            text primary key,
  kind          text not null check (kind in ('person', 'credential', 'client', 'session', 'connection')),
  value         text not null check (value <> ''),
  reason        text not null check (reason <> ''),
  -- Whoever did it: {key, name, via}.
  revoked_by    jsonb not null,
  revoked_at    timestamptz not null default clock_timestamp(),
  lifted_by     jsonb,
  lifted_at     timestamptz,
  lifted_reason text,
  check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_reason is null))
);
create unique index revocations_in_force on revocations (kind, value) where lifted_at is null;
create index revocations_by_time on revocations (revoked_at desc);

-- One row: its version grows with each act. Claims hold it shared, an act holds it alone, so that the two never cross.
create table revocation_state (
  single  boolean primary key default true check (single),
  version bigint not null default 0
);
insert into revocation_state default values;

create function revocations_changed() returns trigger language plpgsql as $$
begin
  update revocation_state set version = version + 1;
  notify holdpoint_revocations;
  return null;
end $$;
create trigger revocations_changed after insert or update or delete on revocations
  for each statement execute function revocations_changed();

-- What was revoked stays written down; only lifting adds to it, once.
create function revocations_guard() returns trigger language plpgsql as $$
begin
  if old.lifted_at is not null or new.id <> old.id or new.kind <> old.kind or new.value <> old.value
     or new.reason <> old.reason or new.revoked_by <> old.revoked_by or new.revoked_at <> old.revoked_at then
    raise exception 'revocation % is a record of what was done and does not change', old.id;
  end if;
  return new;
end $$;
create trigger revocations_guard before update on revocations for each row execute function revocations_guard();

-- Gateways that let things pass, and up to which version they have cut what is revoked.
create table revocation_replicas (
  replica text primary key,
  version bigint not null,
  seen_at timestamptz not null default clock_timestamp()
);

-- What each replica had under way when it cut it.
create table revocation_cuts (
  revocation_id  text not null references revocations on delete cascade,
  replica        text not null,
  cut_at         timestamptz not null default clock_timestamp(),
  -- {kind, connection, method, tool, subject, sessionId, correlationId, callId, startedAt}
  what           jsonb not null
);
create index revocation_cuts_by_revocation on revocation_cuts (revocation_id);

-- Which act ended a held call, and when its workflow has been told.
alter table held_calls
  add column revocation_id text,
  add column revocation_told_at timestamptz;
create index held_calls_revoked_untold on held_calls (revocation_id)
  where revocation_id is not null and revocation_told_at is null;
