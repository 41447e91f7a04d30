-- What a new call is compared with: found without reading the calls that still wait, of which one session may have
-- thousands.
create index held_calls_decided_by_session_tool on held_calls (session_id, tool, created_at desc)
  where state in ('executing', 'succeeded', 'failed', 'unknown', 'denied');
