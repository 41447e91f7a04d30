-- One Merkle log over all sessions (C2SP tlog-tiles): tiles and entries for ever, whatever is purged.
create table log_state (
  only_row boolean primary key default true check (only_row),
  size     bigint not null default 0
);
insert into log_state default values;

create table log_tiles (
  level  int not null,
  index  bigint not null,
  -- Up to 256 hashes of 32 bytes; the last tile of a level grows.
  hashes bytea not null,
  primary key (level, index)
);
create table log_bundles (
  index   bigint primary key,
  -- Up to 256 entries, each behind its length in two bytes.
  entries bytea not null
);
alter table log_bundles alter column entries set storage external;
alter table log_tiles alter column hashes set storage external;

-- Which records the log's entries came from: `count` of one writer's, in order.
create table log_runs (
  first_index    bigint primary key,
  writer_no      int not null,
  first_position bigint not null,
  count          int not null
);
create index log_runs_by_writer on log_runs (writer_no, first_position);

create table log_checkpoints (
  size      bigint primary key,
  note      text not null,
  signed_at timestamptz not null default now()
);

-- Sessions that were purged: signed statements, on their way into the log.
create table log_tombstones (
  session_id text not null,
  entry      bytea not null,
  made_at    timestamptz not null default now(),
  -- Null until it is in the log.
  log_index  bigint unique
);
create index log_tombstones_new on log_tombstones (made_at) where log_index is null;
