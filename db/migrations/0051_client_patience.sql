-- How long clients were seen to wait for an answer, by credential and connection; never by what a client calls itself.
create table client_patience (
  -- The credential, or the caller where there is none.
  who         text not null,
  connection  text not null,
  -- Whether the client sent a progress token, which changes how long it waits.
  progress    boolean not null,
  -- After this long it gave up; null until that is certain.
  patience_ms int,
  -- After this long it last closed its connection while it waited.
  left_ms     int,
  seen_at     timestamptz not null default now(),
  primary key (who, connection, progress)
);
