-- Standing legal holds: sessions of a person or a connection, those to come included, are not purged until released.
-- Holds on single sessions are in record_sessions.legal_hold.
create table legal_holds (
  hold_no     int generated always as identity primary key,
  subject     text,
  connection  text,
  reason      text not null,
  made_by     text not null,
  made_at     timestamptz not null default now(),
  released_at timestamptz,
  released_by text,
  check (subject is not null or connection is not null)
);
create index legal_holds_in_force on legal_holds (hold_no) where released_at is null;

-- What purging did, for people and for metrics. The log's tombstones are the evidence, this is the progress.
create table purge_runs (
  run_no     bigint generated always as identity primary key,
  started_at timestamptz not null default now(),
  -- Null while it runs, and of a run whose process was killed.
  ended_at   timestamptz,
  seen_at    timestamptz not null default now(),
  person     text not null,
  reason     text not null,
  -- Sessions whose time was up when it began; how many it has purged so far.
  due        int not null,
  purged     int not null default 0,
  -- Space given back: records and whole partitions.
  records    bigint not null default 0,
  partitions int not null default 0,
  failed     text
);
