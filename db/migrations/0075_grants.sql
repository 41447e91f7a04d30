-- What approvers see of a held call beyond the call, and what they may release beside it.
alter table held_calls
  -- The grant under which it ran without being asked about; null for a call that people decided on.
  add column grant_id    text,
  -- What policy offers to approvers: {calls, forMs, scope, where}. For people to look at; the sealed call has the truth.
  add column grant_offer jsonb,
  -- Masked facts that help to decide: earlier calls, decisions, changes, preview.
  add column context     jsonb;
create index held_calls_by_session_tool on held_calls (session_id, tool, created_at desc);

-- One approval that covers further calls. What it covers is signed in the votes; the columns are for finding it.
create table approval_grants (
  grant_id        text primary key,
  -- The call that was approved with it.
  call_id         text not null unique references held_calls on delete cascade,
  caller_key      text not null,
  connection      text not null,
  tool            text not null,
  rule            text not null,
  policy_version  text not null,
  definition_hash text not null,
  -- Null: any session of the caller.
  session_id      text,
  -- What the votes' digest was made of (workflows/contract.ts, `Bound`), and the votes that offer the grant.
  bound           jsonb not null,
  votes           jsonb not null,
  -- GrantTerms as the votes agree on them.
  terms           jsonb not null,
  calls           int not null check (calls >= 1),
  used            int not null default 0,
  created_at      timestamptz not null default now(),
  expires_at      timestamptz not null,
  revoked_at      timestamptz,
  -- {person, via}
  revoked_by      jsonb,
  -- The arguments that were approved, sealed under their own key; gone when the grant is over.
  kek_id          text,
  wrapped_key     bytea,
  sealed_args     bytea,
  constraint approval_grants_never_beyond check (used between 0 and calls)
);
create index approval_grants_open on approval_grants (caller_key, connection, tool) where revoked_at is null and used < calls;
create index approval_grants_by_end on approval_grants (expires_at) where sealed_args is not null;

-- Each call that ran under a grant.
create table approval_grant_uses (
  grant_id text not null references approval_grants on delete cascade,
  call_id  text not null references held_calls on delete cascade,
  number   int not null,
  used_at  timestamptz not null default now(),
  primary key (grant_id, number),
  unique (call_id)
);

-- A grant only ever gets narrower: nothing that it covers changes, uses only add up, a revocation stays.
create function approval_grants_guard() returns trigger language plpgsql as $$
begin
  if new.calls <> old.calls or new.expires_at <> old.expires_at or new.used < old.used
     or new.terms is distinct from old.terms or new.bound is distinct from old.bound
     or new.votes is distinct from old.votes or new.session_id is distinct from old.session_id
     or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at) then
    raise exception 'grant % never becomes wider', old.grant_id;
  end if;
  if new.used > old.used and (new.revoked_at is not null or now() >= new.expires_at) then
    raise exception 'grant % is over', old.grant_id;
  end if;
  if new.revoked_at is not null or new.used = new.calls then
    new.kek_id := null;
    new.wrapped_key := null;
    new.sealed_args := null;
  end if;
  return new;
end $$;
create trigger approval_grants_guard before update on approval_grants for each row
  execute function approval_grants_guard();

-- What people did beside voting (a grant revoked, an unknown outcome judged), on its way into the recording.
create table approval_acts (
  act_id      bigint generated always as identity primary key,
  call_id     text not null references held_calls on delete cascade,
  act         text not null,
  -- Masked.
  facts       jsonb not null,
  done_at     timestamptz not null default now(),
  recorded_at timestamptz
);
create index approval_acts_unrecorded on approval_acts (act_id) where recorded_at is null;

-- Calls whose cards in Slack are to be brought up to date by whoever talks to Slack. Several wishes become one.
create table slack_refreshes (
  call_id  text primary key references held_calls on delete cascade,
  -- Raised with each wish: what was shown before may lack something.
  wish     bigint not null default 1,
  due_at   timestamptz not null default now()
);
