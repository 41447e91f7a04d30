-- What a session's client can be asked (`form`, `url`), as it said in its handshake.
alter table mcp_sessions add column elicits text[] not null default '{}';
