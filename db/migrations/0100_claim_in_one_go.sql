-- Claims a held call in one round trip. Each statement of a volatile function sees what was committed before it began:
-- what was revoked while the first one waited for its lock is seen by the second.
create function claim_held_call(the_call text, the_digest text, the_token text, the_votes jsonb, the_handles text[])
returns boolean language plpgsql volatile as $$
begin
  perform version from revocation_state for share;
  with running as (select 1 from kill_switch where not frozen for share)
  update held_calls set state = 'executing', exec_token = the_token, executing_at = now(), exec_seen_at = now(),
    decisions = the_votes
  from running
  where call_id = the_call and state = 'pending' and digest = the_digest and exec_token is null
    and (expires_at > now() or clock_stopped_at is not null)
    and not exists (select from revocations where lifted_at is null and kind || ':' || value = any(the_handles));
  return found;
end $$;
