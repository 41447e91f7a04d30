-- The recording (docs/recording-format.md). What is here in clear exists to find sessions; what is evidence is in
-- `records.header` (kept for ever, in the log's entries) and `records.sealed` (until its session is purged).

-- One recorder's connection. It alone commits under its number, one commit after the other, so whoever reads its
-- rows by position sees no gaps: that is how the log takes them in without a lock on the writing path.
create table record_writers (
  writer_no   int generated always as identity primary key,
  host        text not null,
  opened_at   timestamptz not null default now(),
  -- Positions below this one are in the log.
  integrated  bigint not null default 0,
  -- True once its connection is gone and everything it committed is in the log.
  retired     boolean not null default false
);
create index record_writers_live on record_writers (writer_no) where not retired;

create table record_sessions (
  session_id    text primary key,
  connection    text not null,
  caller_key    text not null,
  subject       text not null,
  client        text,
  credential_id text,
  actors        text[] not null default '{}',
  opened_at     timestamptz not null default now(),
  ended_at      timestamptz,
  ended_because text,
  -- Set when the data key was destroyed: what the session said is gone, that it existed is not.
  destroyed_at  timestamptz,
  -- Why it may not be purged; null when it may.
  legal_hold    text
);
create index record_sessions_by_time on record_sessions (opened_at desc, session_id desc);
create index record_sessions_by_subject on record_sessions (subject, opened_at desc);
create index record_sessions_by_connection on record_sessions (connection, opened_at desc);

-- Apart from the sessions, so that it can be backed up apart: deleting a row here destroys what it opened.
create table record_keys (
  session_id  text primary key references record_sessions on delete cascade,
  kek_id      text not null,
  wrapped_key bytea not null
);
create index record_keys_by_kek on record_keys (kek_id, session_id);

-- One recorder's part of one session: its own sequence, chain and derived key.
create table record_strands (
  strand      uuid primary key,
  session_id  text not null references record_sessions on delete cascade,
  writer_no   int not null references record_writers,
  opened_at   timestamptz not null default now()
);
create index record_strands_by_session on record_strands (session_id, opened_at);

create table records (
  writer_no int not null,
  position  bigint not null,
  strand    uuid not null,
  seq       bigint not null,
  at        timestamptz not null,
  header    bytea not null,
  sealed    bytea not null
) partition by range (at);
-- Sealed bytes do not compress, and headers are read without their payload.
alter table records alter column sealed set storage external, alter column header set storage plain;
create index records_by_strand on records (strand, seq);
create index records_by_writer on records (writer_no, position);
-- Days get partitions of their own ahead of time; what comes when none is there must be recorded all the same.
create table records_default partition of records default;

-- What a session contains, to find it by: (tool, verdict, rule, method). Deleted with the session's key.
create table record_facets (
  session_id text not null references record_sessions on delete cascade,
  facet      text not null,
  value      text not null,
  primary key (session_id, facet, value)
);
create index record_facets_by_value on record_facets (facet, value, session_id);
