-- Replies that became event streams their clients may resume: whoever is asked for the rest can tell whether anybody
-- still works at it, and what to answer where nobody does.
create table mcp_reply_streams (
  stream_id      text primary key,
  session_id     text not null references mcp_sessions (session_id) on delete cascade,
  -- The gateway that answers.
  replica        text not null,
  -- The held call that the request waits for, where it does.
  call_id        text references held_calls on delete set null,
  -- What the request is (its id, method, tool and the like), sealed under the session's key.
  sealed_request bytea not null,
  created_at     timestamptz not null default now()
);
create index mcp_reply_streams_by_time on mcp_reply_streams (created_at);
create index mcp_reply_streams_by_session on mcp_reply_streams (session_id);

-- A stream has one response, whoever comes first to write it.
create unique index mcp_stream_events_final on mcp_stream_events (stream_id) where final;
