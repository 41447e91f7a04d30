-- What was written on replies that became event streams (2025-11-25 and later), for clients that come back with a
-- Last-Event-ID to whichever replica. Gone with the session, and after a short while anyway.
create table mcp_stream_events (
  stream_id  text not null,
  seq        int not null,
  session_id text not null references mcp_sessions (session_id) on delete cascade,
  -- The masked message as the client gets it, sealed under the session's key.
  sealed     bytea not null,
  -- The response: nothing follows it.
  final      boolean not null,
  created_at timestamptz not null default now(),
  primary key (stream_id, seq)
);
create index mcp_stream_events_by_time on mcp_stream_events (created_at);
create index mcp_stream_events_by_session on mcp_stream_events (session_id);
