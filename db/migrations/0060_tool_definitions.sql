-- What tools say of themselves, as each connection listed it under each credential, and what was made of it.

create table tool_definitions (
  definition_id text primary key,
  connection text not null,
  -- Which of the connection's credentials listed it; empty for the one that all callers share.
  context text not null,
  -- SHA-256 of the tool's exact name. The name itself and the definition are kept masked, for people.
  tool_key bytea not null,
  tool text not null,
  -- sha256:<hex> of the RFC 8785 form of the whole definition, before masking.
  hash text not null,
  definition text not null,
  -- Counts the definitions of one tool, from 1.
  version integer not null,
  state text not null check (state in ('quarantined', 'pinned', 'rejected', 'superseded')),
  -- Whether the latest list had it so.
  current boolean not null,
  -- Approver groups (policy at the time) whose members may decide.
  approvers jsonb not null,
  found_at timestamptz not null default now(),
  decided_at timestamptz,
  -- The person's signed decision; null for what was accepted on first use.
  decision jsonb,
  -- When people were told in Slack that it waits.
  told_at timestamptz,
  unique (connection, context, tool_key, hash)
);

create unique index tool_definitions_pinned on tool_definitions (connection, context, tool_key) where state = 'pinned';
create unique index tool_definitions_current on tool_definitions (connection, context, tool_key) where current;
create index tool_definitions_waiting on tool_definitions (found_at) where state = 'quarantined';

-- Every gateway hears at once that tools of a connection became visible or invisible.
create function tool_definitions_after_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('holdpoint_tool_definitions', new.connection || ' ' || new.context);
  return null;
end $$;
create trigger tool_definitions_after_change after insert or update of state, current, decision on tool_definitions
  for each row execute function tool_definitions_after_change();
