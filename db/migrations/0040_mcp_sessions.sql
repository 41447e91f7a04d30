-- MCP sessions of the 2025 protocol versions, so that any replica can serve a session over an HTTP upstream.
create table mcp_sessions (
  -- SHA-256 of the session id that the client holds; the id itself is stored nowhere.
  id_hash          bytea primary key,
  -- The session as the recording knows it.
  session_id       text not null unique,
  connection       text not null,
  -- The caller it is bound to; nobody else is told that it exists.
  caller_key       text not null,
  client           text,
  protocol_version text not null,
  -- The one replica that can serve it (a stdio process runs there); null when any can.
  replica          text,
  -- Upstream's own session id, sealed under a key of its own.
  kek_id           text not null,
  wrapped_key      bytea not null,
  sealed_upstream  bytea not null,
  created_at       timestamptz not null default now(),
  last_seen_at     timestamptz not null default now()
);
create index mcp_sessions_idle on mcp_sessions (last_seen_at);
