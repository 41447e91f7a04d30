CREATE OR REPLACE FUNCTION public.approval_grants_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.calls <> old.calls or new.expires_at <> old.expires_at or new.used < old.used
     or new.terms is distinct from old.terms or new.bound is distinct from old.bound
     or new.votes is distinct from old.votes or new.session_id is distinct from old.session_id
     or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at) then
    raise exception 'grant % never becomes wider', old.grant_id;
  end if;
  if new.used > old.used and (new.revoked_at is not null or now() >= new.expires_at) then
    raise exception 'grant % is over', old.grant_id;
  end if;
  if new.revoked_at is not null or new.used = new.calls then
    new.kek_id := null;
    new.wrapped_key := null;
    new.sealed_args := null;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.break_glass_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.request_id <> old.request_id or new.session_id <> old.session_id or new.asked <> old.asked
     or new.asked_at <> old.asked_at
     or (old.answered is not null and new.answered is distinct from old.answered)
     or (old.revoked is not null and new.revoked is distinct from old.revoked) then
    raise exception 'break-glass request % is a record of what was done and does not change', old.request_id;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.claim_held_call(the_call text, the_digest text, the_token text, the_votes jsonb, the_handles text[])
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.clock_stood_still(since timestamp with time zone, on_slack_outage text)
 RETURNS interval
 LANGUAGE sql
 STABLE
AS $function$
  select least(coalesce(sum(upper(stop) - lower(stop)), interval '0'), interval '30 days')
  from unnest((
    select range_agg(tstzrange(greatest(began_at, since), greatest(coalesce(ended_at, now()), greatest(began_at, since))))
    from clock_stops
    where (kind = 'freeze' or on_slack_outage = 'freeze') and coalesce(ended_at, now()) > since
  )) as stop
$function$;

CREATE OR REPLACE FUNCTION public.connection_sign_ins_revoked()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.kind = 'person' then
    with ended as (
      delete from connection_sign_ins s where new.value in (s.holder, s.subject, lower(s.email))
      returning connection, holder, kek_id, wrapped_key, sealed
    )
    insert into connection_sign_ins_ended (connection, holder, kek_id, wrapped_key, sealed)
    select connection, holder, kek_id, wrapped_key, sealed from ended;
    delete from connection_sign_in_states s where s.holder = new.value;
    delete from connection_asks a where a.holder = new.value;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.held_calls_after_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.state not in ('pending', 'executing') then
    delete from held_call_requests where call_id = new.call_id;
  end if;
  perform pg_notify('holdpoint_held_calls', new.call_id);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.held_calls_companions()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  delete from held_call_before where call_id = new.call_id;
  if new.state = 'unknown' then
    insert into unknown_tasks (call_id, read_back)
    select new.call_id, case when exists (select from held_call_read_backs where call_id = new.call_id)
                             then 'wanted' else 'none' end
    on conflict do nothing;
    insert into slack_refreshes (call_id) values (new.call_id)
      on conflict (call_id) do update set wish = slack_refreshes.wish + 1, due_at = least(slack_refreshes.due_at, now());
  else
    delete from held_call_read_backs where call_id = new.call_id;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.held_calls_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.state in ('succeeded', 'failed', 'denied', 'expired', 'cancelled', 'aborted')
     and new.state is distinct from old.state then
    raise exception 'held call % has ended as %, which never changes', old.call_id, old.state;
  end if;
  if old.state = 'unknown' and new.state is distinct from old.state then
    raise exception 'held call % has ended as unknown, which never changes', old.call_id;
  end if;
  if old.state = 'executing' and new.state not in ('executing', 'succeeded', 'failed', 'unknown') then
    raise exception 'held call % is executing and cannot become %', old.call_id, new.state;
  end if;
  if new.digest is distinct from old.digest then
    raise exception 'the digest of held call % never changes', old.call_id;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.held_calls_on_end()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.ended_at := coalesce(new.ended_at, now());
  new.retain_until := coalesce(new.retain_until, new.ended_at + interval '24 hours');
  new.delivering_until := coalesce(new.delivering_until, now() + interval '3 seconds');
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.mcp_tasks_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.state in ('completed', 'failed', 'cancelled') and new.state is distinct from old.state then
    raise exception 'task % has ended as %, which never changes', old.task_id, old.state;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.revocations_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update revocation_state set version = version + 1;
  notify holdpoint_revocations;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.revocations_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.lifted_at is not null or new.id <> old.id or new.kind <> old.kind or new.value <> old.value
     or new.reason <> old.reason or new.revoked_by <> old.revoked_by or new.revoked_at <> old.revoked_at then
    raise exception 'revocation % is a record of what was done and does not change', old.id;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION public.slack_cards_first_call()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into slack_card_calls (card_id, call_id, nth) values (new.card_id, new.call_id, 0);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.tool_definitions_after_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('holdpoint_tool_definitions', new.connection || ' ' || new.context);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.unknown_tasks_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.mark is not null and (new.mark is distinct from old.mark or new.marked_by is distinct from old.marked_by
      or new.reason is distinct from old.reason) then
    raise exception 'the outcome of call % was marked already', old.call_id;
  end if;
  if new.mark is not null and old.mark is null then
    delete from held_call_read_backs where call_id = new.call_id;
  end if;
  return new;
end $function$;

create table access_tokens (
  id text not null,
  secret_sha256 bytea not null,
  name text not null,
  kind text not null,
  person_key text not null,
  subject text not null,
  issuer text,
  email text,
  groups text[] not null,
  scopes text[],
  created_by text not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  revoked_by text,
  constraint access_tokens_pkey PRIMARY KEY (id),
  constraint access_tokens_kind_check CHECK ((kind = ANY (ARRAY['personal'::text, 'service'::text]))),
  constraint access_tokens_secret_sha256_key UNIQUE (secret_sha256)
);

create table approval_acts (
  act_id bigint generated always as identity not null,
  call_id text not null,
  act text not null,
  facts jsonb not null,
  done_at timestamp with time zone default now() not null,
  recorded_at timestamp with time zone,
  constraint approval_acts_pkey PRIMARY KEY (act_id),
  constraint approval_acts_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table approval_grant_uses (
  grant_id text not null,
  call_id text not null,
  number integer not null,
  used_at timestamp with time zone default now() not null,
  constraint approval_grant_uses_pkey PRIMARY KEY (grant_id, number),
  constraint approval_grant_uses_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE,
  constraint approval_grant_uses_call_id_key UNIQUE (call_id),
  constraint approval_grant_uses_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES approval_grants(grant_id) ON DELETE CASCADE
);

create table approval_grants (
  grant_id text not null,
  call_id text not null,
  caller_key text not null,
  connection text not null,
  tool text not null,
  rule text not null,
  policy_version text not null,
  definition_hash text not null,
  session_id text,
  bound jsonb not null,
  votes jsonb not null,
  terms jsonb not null,
  calls integer not null,
  used integer default 0 not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  revoked_by jsonb,
  kek_id text,
  wrapped_key bytea,
  sealed_args bytea,
  constraint approval_grants_pkey PRIMARY KEY (grant_id),
  constraint approval_grants_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE,
  constraint approval_grants_call_id_key UNIQUE (call_id),
  constraint approval_grants_calls_check CHECK ((calls >= 1)),
  constraint approval_grants_never_beyond CHECK (((used >= 0) AND (used <= calls)))
);

create table break_glass (
  request_id text not null,
  session_id text not null,
  asked text not null,
  asked_at timestamp with time zone default clock_timestamp() not null,
  answered text,
  revoked text,
  constraint break_glass_pkey PRIMARY KEY (request_id)
);

create table card_reminders (
  card_id bigint not null,
  nth integer not null,
  sent_at timestamp with time zone default now() not null,
  constraint card_reminders_pkey PRIMARY KEY (card_id, nth),
  constraint card_reminders_card_id_fkey FOREIGN KEY (card_id) REFERENCES slack_cards(card_id) ON DELETE CASCADE
);

create table checkpoint_posts (
  place text not null,
  posted_at timestamp with time zone not null,
  constraint checkpoint_posts_pkey PRIMARY KEY (place)
);

create table client_patience (
  who text not null,
  connection text not null,
  progress boolean not null,
  patience_ms integer,
  left_ms integer,
  seen_at timestamp with time zone default now() not null,
  constraint client_patience_pkey PRIMARY KEY (who, connection, progress)
);

create table clock_stops (
  stop_id bigint generated always as identity not null,
  kind text not null,
  began_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  because text,
  by jsonb,
  lifts jsonb default '[]'::jsonb not null,
  recorded integer default 0 not null,
  constraint clock_stops_pkey PRIMARY KEY (stop_id),
  constraint clock_stops_kind_check CHECK ((kind = ANY (ARRAY['freeze'::text, 'slack'::text])))
);

create table connection_asks (
  connection text not null,
  holder text not null,
  id text not null,
  expires_at timestamp with time zone not null,
  constraint connection_asks_pkey PRIMARY KEY (connection, holder),
  constraint connection_asks_id_key UNIQUE (id)
);

create table connection_clients (
  place text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  constraint connection_clients_pkey PRIMARY KEY (place)
);

create table connection_sign_in_states (
  state_sha256 bytea not null,
  session_sha256 bytea not null,
  connection text not null,
  holder text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  expires_at timestamp with time zone not null,
  constraint connection_sign_in_states_pkey PRIMARY KEY (state_sha256)
);

create table connection_sign_ins (
  connection text not null,
  holder text not null,
  subject text not null,
  email text,
  settings text not null,
  version uuid not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  renew_at timestamp with time zone,
  issuer text not null,
  scope text,
  connected_at timestamp with time zone default clock_timestamp() not null,
  renewed_at timestamp with time zone default clock_timestamp() not null,
  asked_scope text,
  wanted_scope text,
  constraint connection_sign_ins_pkey PRIMARY KEY (connection, holder)
);

create table connection_sign_ins_ended (
  id uuid default gen_random_uuid() not null,
  connection text not null,
  holder text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  tries integer default 0 not null,
  next_try_at timestamp with time zone default clock_timestamp() not null,
  constraint connection_sign_ins_ended_pkey PRIMARY KEY (id)
);

create table console_logins (
  id_sha256 bytea not null,
  state_sha256 bytea not null,
  nonce text not null,
  code_verifier text not null,
  return_to text not null,
  expires_at timestamp with time zone not null,
  constraint console_logins_pkey PRIMARY KEY (id_sha256)
);

create table console_sessions (
  id_sha256 bytea not null,
  binding text not null,
  person_keys text[] not null,
  name text not null,
  subject text not null,
  email text,
  groups text[] not null,
  sealed_tokens bytea,
  signed_in_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  used_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  acr text,
  amr text[] default '{}'::text[] not null,
  authenticated_at timestamp with time zone,
  proven_at timestamp with time zone,
  constraint console_sessions_pkey PRIMARY KEY (id_sha256),
  constraint console_sessions_person_keys_check CHECK ((cardinality(person_keys) >= 1))
);

create table console_used_links (
  link_sha256 bytea not null,
  expires_at timestamp with time zone not null,
  constraint console_used_links_pkey PRIMARY KEY (link_sha256)
);

create table dpop_proofs (
  proof_sha256 bytea not null,
  expires_at timestamp with time zone not null,
  constraint dpop_proofs_pkey PRIMARY KEY (proof_sha256)
);

create table gateway_replicas (
  replica text not null,
  seen_at timestamp with time zone default now() not null,
  constraint gateway_replicas_pkey PRIMARY KEY (replica)
);

create table held_call_before (
  call_id text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  constraint held_call_before_pkey PRIMARY KEY (call_id),
  constraint held_call_before_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table held_call_questions (
  call_id text not null,
  round integer not null,
  answered_at timestamp with time zone default now() not null,
  constraint held_call_questions_pkey PRIMARY KEY (call_id, round),
  constraint held_call_questions_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table held_call_read_backs (
  call_id text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  constraint held_call_read_backs_pkey PRIMARY KEY (call_id),
  constraint held_call_read_backs_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table held_call_requests (
  call_id text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  constraint held_call_requests_pkey PRIMARY KEY (call_id),
  constraint held_call_requests_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table held_call_results (
  call_id text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  constraint held_call_results_pkey PRIMARY KEY (call_id),
  constraint held_call_results_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table held_calls (
  call_id text not null,
  attach_key bytea not null,
  state text default 'pending'::text not null,
  digest text not null,
  workflow_id text not null,
  connection text not null,
  method text not null,
  tool text not null,
  session_id text not null,
  caller jsonb not null,
  rule text not null,
  reason text,
  risk text not null,
  policy_version text not null,
  definition_hash text,
  approvers jsonb not null,
  approvals_needed integer not null,
  on_disconnect text not null,
  shown_args text not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  decisions jsonb default '[]'::jsonb not null,
  decided_at timestamp with time zone,
  exec_token text,
  executing_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_because text,
  delivered_at timestamp with time zone,
  retain_until timestamp with time zone,
  correlation_id text not null,
  decisions_recorded integer default 0 not null,
  opened_at timestamp with time zone,
  exec_seen_at timestamp with time zone,
  delivering_until timestamp with time zone,
  intent text,
  quorum jsonb,
  escalation jsonb default '[]'::jsonb not null,
  escalated integer default 0 not null,
  extensions jsonb default '[]'::jsonb not null,
  extension jsonb,
  on_slack_outage text default 'continue'::text not null,
  base_expires_at timestamp with time zone,
  latest_expires_at timestamp with time zone,
  clock_stopped_at timestamp with time zone,
  unannounced_at timestamp with time zone,
  grant_id text,
  grant_offer jsonb,
  context jsonb,
  step_up text,
  revocation_id text,
  revocation_told_at timestamp with time zone,
  constraint held_calls_pkey PRIMARY KEY (call_id),
  constraint extended_within_policy CHECK ((base_expires_at <= latest_expires_at)),
  constraint held_calls_approvals_needed_check CHECK ((approvals_needed >= 1)),
  constraint held_calls_on_disconnect_check CHECK ((on_disconnect = ANY (ARRAY['keep'::text, 'cancel'::text, 'run'::text]))),
  constraint held_calls_on_slack_outage_check CHECK ((on_slack_outage = ANY (ARRAY['continue'::text, 'freeze'::text, 'deny'::text]))),
  constraint held_calls_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'executing'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'denied'::text, 'expired'::text, 'cancelled'::text, 'aborted'::text]))),
  constraint held_calls_step_up_check CHECK ((step_up = ANY (ARRAY['login'::text, 'passkey'::text])))
);

create table injected_tokens (
  source text not null,
  holder text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed bytea not null,
  expires_at timestamp with time zone not null,
  fetched_at timestamp with time zone default clock_timestamp() not null,
  constraint injected_tokens_pkey PRIMARY KEY (source, holder)
);

create table kill_switch (
  only_row boolean default true not null,
  frozen boolean default false not null,
  people jsonb default '[]'::jsonb not null,
  constraint kill_switch_pkey PRIMARY KEY (only_row),
  constraint kill_switch_only_row_check CHECK (only_row)
);

create table legal_holds (
  hold_no integer generated always as identity not null,
  subject text,
  connection text,
  reason text not null,
  made_by text not null,
  made_at timestamp with time zone default now() not null,
  released_at timestamp with time zone,
  released_by text,
  constraint legal_holds_pkey PRIMARY KEY (hold_no),
  constraint legal_holds_check CHECK (((subject IS NOT NULL) OR (connection IS NOT NULL)))
);

create table log_bundles (
  index bigint not null,
  entries bytea storage external not null,
  constraint log_bundles_pkey PRIMARY KEY (index)
);

create table log_checkpoints (
  size bigint not null,
  note text not null,
  signed_at timestamp with time zone default now() not null,
  constraint log_checkpoints_pkey PRIMARY KEY (size)
);

create table log_runs (
  first_index bigint not null,
  writer_no integer not null,
  first_position bigint not null,
  count integer not null,
  constraint log_runs_pkey PRIMARY KEY (first_index)
);

create table log_state (
  only_row boolean default true not null,
  size bigint default 0 not null,
  constraint log_state_pkey PRIMARY KEY (only_row),
  constraint log_state_only_row_check CHECK (only_row)
);

create table log_tiles (
  level integer not null,
  index bigint not null,
  hashes bytea storage external not null,
  constraint log_tiles_pkey PRIMARY KEY (level, index)
);

create table log_tombstones (
  session_id text not null,
  entry bytea not null,
  made_at timestamp with time zone default now() not null,
  log_index bigint,
  constraint log_tombstones_log_index_key UNIQUE (log_index)
);

create table mask_reports (
  id text not null,
  asked_by text not null,
  asked jsonb not null,
  started_at timestamp with time zone default clock_timestamp() not null,
  updated_at timestamp with time zone default clock_timestamp() not null,
  ended_at timestamp with time zone,
  progress jsonb not null,
  outcome jsonb,
  constraint mask_reports_pkey PRIMARY KEY (id),
  constraint mask_reports_check CHECK (((outcome IS NULL) OR (ended_at IS NOT NULL)))
);

create table mcp_reply_streams (
  stream_id text not null,
  session_id text not null,
  replica text not null,
  call_id text,
  sealed_request bytea not null,
  created_at timestamp with time zone default now() not null,
  constraint mcp_reply_streams_pkey PRIMARY KEY (stream_id),
  constraint mcp_reply_streams_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE SET NULL,
  constraint mcp_reply_streams_session_id_fkey FOREIGN KEY (session_id) REFERENCES mcp_sessions(session_id) ON DELETE CASCADE
);

create table mcp_sessions (
  id_hash bytea not null,
  session_id text not null,
  connection text not null,
  caller_key text not null,
  client text,
  protocol_version text not null,
  replica text,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed_upstream bytea not null,
  created_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone default now() not null,
  elicits text[] default '{}'::text[] not null,
  constraint mcp_sessions_pkey PRIMARY KEY (id_hash),
  constraint mcp_sessions_session_id_key UNIQUE (session_id)
);

create table mcp_stream_events (
  stream_id text not null,
  seq integer not null,
  session_id text not null,
  sealed bytea not null,
  final boolean not null,
  created_at timestamp with time zone default now() not null,
  constraint mcp_stream_events_pkey PRIMARY KEY (stream_id, seq),
  constraint mcp_stream_events_session_id_fkey FOREIGN KEY (session_id) REFERENCES mcp_sessions(session_id) ON DELETE CASCADE
);

create table mcp_task_messages (
  seq bigint generated always as identity not null,
  task_id text not null,
  outward boolean not null,
  sealed bytea not null,
  created_at timestamp with time zone default now() not null,
  constraint mcp_task_messages_pkey PRIMARY KEY (seq),
  constraint mcp_task_messages_task_id_fkey FOREIGN KEY (task_id) REFERENCES mcp_tasks(task_id) ON DELETE CASCADE
);

create table mcp_tasks (
  task_id text not null,
  caller_key text not null,
  connection text not null,
  session_id text not null,
  session jsonb not null,
  protocol_version text not null,
  tool text not null,
  rule text not null,
  mask_profile text not null,
  held boolean not null,
  call_id text,
  state text default 'working'::text not null,
  message text,
  replica text,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed_upstream bytea,
  sealed_response bytea,
  sealed_inputs bytea,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  ttl_ms bigint not null,
  expires_at timestamp with time zone not null,
  constraint mcp_tasks_pkey PRIMARY KEY (task_id),
  constraint mcp_tasks_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE SET NULL,
  constraint mcp_tasks_state_check CHECK ((state = ANY (ARRAY['working'::text, 'input_required'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);

create table oauth_artifacts (
  kind text not null,
  id_sha256 bytea not null,
  payload jsonb not null,
  grant_id text,
  account_id text,
  client_id text,
  consumed_at timestamp with time zone,
  made_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint oauth_artifacts_pkey PRIMARY KEY (kind, id_sha256)
);

create table oauth_keys (
  kid text not null,
  public_jwk jsonb not null,
  kek_id text not null,
  wrapped_key bytea not null,
  sealed_jwk bytea not null,
  made_at timestamp with time zone default now() not null,
  signs_from timestamp with time zone not null,
  constraint oauth_keys_pkey PRIMARY KEY (kid)
);

create table oauth_requests (
  id_sha256 bytea not null,
  client jsonb not null,
  connection text not null,
  resource text not null,
  scopes text[] not null,
  answered_at timestamp with time zone,
  person jsonb,
  proof_sha256 bytea,
  return_to text not null,
  expires_at timestamp with time zone not null,
  constraint oauth_requests_pkey PRIMARY KEY (id_sha256)
);

create table oauth_sign_ins (
  grant_id text not null,
  person_key text not null,
  client_id text not null,
  client_name text,
  resource text not null,
  scopes text[] not null,
  person jsonb not null,
  signed_in_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint oauth_sign_ins_pkey PRIMARY KEY (grant_id)
);

create table passkey_challenges (
  challenge_sha256 bytea not null,
  session_sha256 bytea not null,
  purpose text not null,
  expires_at timestamp with time zone not null,
  constraint passkey_challenges_pkey PRIMARY KEY (challenge_sha256)
);

create table passkeys (
  credential_id text not null,
  person_key text not null,
  name text not null,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  made_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  constraint passkeys_pkey PRIMARY KEY (credential_id)
);

create table people_emails (
  realm text not null,
  email text not null,
  key text not null,
  pinned_at timestamp with time zone default now() not null,
  constraint people_emails_pkey PRIMARY KEY (realm, email)
);

create table people_groups (
  key text not null,
  groups jsonb not null,
  seen_at timestamp with time zone not null,
  constraint people_groups_pkey PRIMARY KEY (key)
);

create table people_keys (
  key text not null,
  person_id uuid not null,
  name text not null,
  seen_at timestamp with time zone default now() not null,
  linked_at timestamp with time zone,
  linked_by text,
  constraint people_keys_pkey PRIMARY KEY (key)
);

create table people_link_codes (
  code_sha256 text not null,
  key text not null,
  name text not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint people_link_codes_pkey PRIMARY KEY (code_sha256)
);

create table purge_runs (
  run_no bigint generated always as identity not null,
  started_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  seen_at timestamp with time zone default now() not null,
  person text not null,
  reason text not null,
  due integer not null,
  purged integer default 0 not null,
  records bigint default 0 not null,
  partitions integer default 0 not null,
  failed text,
  constraint purge_runs_pkey PRIMARY KEY (run_no)
);

create table record_facets (
  session_id text not null,
  facet text not null,
  value text not null,
  constraint record_facets_pkey PRIMARY KEY (session_id, facet, value),
  constraint record_facets_session_id_fkey FOREIGN KEY (session_id) REFERENCES record_sessions(session_id) ON DELETE CASCADE
);

create table record_keys (
  session_id text not null,
  kek_id text not null,
  wrapped_key bytea not null,
  constraint record_keys_pkey PRIMARY KEY (session_id),
  constraint record_keys_session_id_fkey FOREIGN KEY (session_id) REFERENCES record_sessions(session_id) ON DELETE CASCADE
);

create table record_sessions (
  session_id text not null,
  connection text not null,
  caller_key text not null,
  subject text not null,
  client text,
  credential_id text,
  actors text[] default '{}'::text[] not null,
  opened_at timestamp(3) with time zone default now() not null,
  ended_at timestamp with time zone,
  ended_because text,
  destroyed_at timestamp with time zone,
  legal_hold text,
  constraint record_sessions_pkey PRIMARY KEY (session_id)
);

create table record_strands (
  strand uuid not null,
  session_id text not null,
  writer_no integer not null,
  opened_at timestamp with time zone default now() not null,
  constraint record_strands_pkey PRIMARY KEY (strand),
  constraint record_strands_session_id_fkey FOREIGN KEY (session_id) REFERENCES record_sessions(session_id) ON DELETE CASCADE,
  constraint record_strands_writer_no_fkey FOREIGN KEY (writer_no) REFERENCES record_writers(writer_no)
);

create table record_writers (
  writer_no integer generated always as identity not null,
  host text not null,
  opened_at timestamp with time zone default now() not null,
  integrated bigint default 0 not null,
  retired boolean default false not null,
  constraint record_writers_pkey PRIMARY KEY (writer_no)
);

create table records (
  writer_no integer not null,
  "position" bigint not null,
  strand uuid not null,
  seq bigint not null,
  at timestamp with time zone not null,
  header bytea storage plain not null,
  sealed bytea storage external not null
) partition by RANGE (at);

create table revocation_cuts (
  revocation_id text not null,
  replica text not null,
  cut_at timestamp with time zone default clock_timestamp() not null,
  what jsonb not null,
  constraint revocation_cuts_revocation_id_fkey FOREIGN KEY (revocation_id) REFERENCES revocations(id) ON DELETE CASCADE
);

create table revocation_replicas (
  replica text not null,
  version bigint not null,
  seen_at timestamp with time zone default clock_timestamp() not null,
  constraint revocation_replicas_pkey PRIMARY KEY (replica)
);

create table revocation_state (
  single boolean default true not null,
  version bigint default 0 not null,
  constraint revocation_state_pkey PRIMARY KEY (single),
  constraint revocation_state_single_check CHECK (single)
);

create table revocations (
  id text not null,
  kind text not null,
  value text not null,
  reason text not null,
  revoked_by jsonb not null,
  revoked_at timestamp with time zone default clock_timestamp() not null,
  lifted_by jsonb,
  lifted_at timestamp with time zone,
  lifted_reason text,
  constraint revocations_pkey PRIMARY KEY (id),
  constraint revocations_check CHECK ((((lifted_at IS NULL) = (lifted_by IS NULL)) AND ((lifted_at IS NULL) = (lifted_reason IS NULL)))),
  constraint revocations_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'credential'::text, 'client'::text, 'session'::text, 'connection'::text]))),
  constraint revocations_reason_check CHECK ((reason <> ''::text)),
  constraint revocations_value_check CHECK ((value <> ''::text))
);

create table saml_arrivals (
  id_sha256 bytea not null,
  request_id text not null,
  person jsonb not null,
  expires_at timestamp with time zone not null,
  constraint saml_arrivals_pkey PRIMARY KEY (id_sha256)
);

create table saml_used_assertions (
  assertion_sha256 bytea not null,
  expires_at timestamp with time zone not null,
  constraint saml_used_assertions_pkey PRIMARY KEY (assertion_sha256)
);

create table schema_migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default now() not null,
  constraint schema_migrations_pkey PRIMARY KEY (name)
);

create table slack_batches (
  batch_id text not null,
  received_at timestamp with time zone default now() not null,
  told_at timestamp with time zone,
  constraint slack_batches_pkey PRIMARY KEY (batch_id)
);

create table slack_card_calls (
  card_id bigint not null,
  call_id text not null,
  nth integer not null,
  told_at timestamp with time zone,
  alerted_at timestamp with time zone,
  extensions integer default 0 not null,
  constraint slack_card_calls_pkey PRIMARY KEY (card_id, call_id),
  constraint slack_card_calls_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE,
  constraint slack_card_calls_card_id_fkey FOREIGN KEY (card_id) REFERENCES slack_cards(card_id) ON DELETE CASCADE,
  constraint slack_card_calls_card_id_nth_key UNIQUE (card_id, nth)
);

create table slack_card_leases (
  card_id bigint not null,
  holder uuid not null,
  good_until timestamp with time zone not null,
  constraint slack_card_leases_pkey PRIMARY KEY (card_id),
  constraint slack_card_leases_card_id_fkey FOREIGN KEY (card_id) REFERENCES slack_cards(card_id) ON DELETE CASCADE
);

create table slack_cards (
  card_id bigint generated always as identity not null,
  call_id text not null,
  target text,
  role text default 'approver'::text not null,
  channel text,
  ts text,
  attempted_at timestamp with time zone,
  posted_at timestamp with time zone,
  whole boolean default false not null,
  shown text,
  last_error text,
  reminded_at timestamp with time zone,
  gone_at timestamp with time zone,
  offers jsonb default '[]'::jsonb not null,
  constraint slack_cards_pkey PRIMARY KEY (card_id),
  constraint slack_cards_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE,
  constraint slack_cards_call_id_target_key UNIQUE (call_id, target),
  constraint slack_cards_channel_ts_key UNIQUE (channel, ts),
  constraint slack_cards_role_check CHECK ((role = ANY (ARRAY['approver'::text, 'requester'::text])))
);

create table slack_decisions (
  update_id text not null,
  call_id text not null,
  team text not null,
  slack_user text not null,
  decision text not null,
  reason text,
  channel text,
  message_ts text,
  received_at timestamp with time zone default now() not null,
  state text default 'received'::text not null,
  attempts integer default 0 not null,
  next_attempt_at timestamp with time zone default now() not null,
  outcome_code text,
  outcome_text text,
  settled_at timestamp with time zone,
  grant_choice jsonb,
  bounds text,
  batch_id text,
  digest text,
  constraint slack_decisions_pkey PRIMARY KEY (update_id),
  constraint slack_decisions_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES slack_batches(batch_id),
  constraint slack_decisions_decision_check CHECK ((decision = ANY (ARRAY['approve'::text, 'deny'::text]))),
  constraint slack_decisions_state_check CHECK ((state = ANY (ARRAY['received'::text, 'counted'::text, 'refused'::text])))
);

create table slack_reach (
  only_row boolean default true not null,
  ok_at timestamp with time zone,
  failed_at timestamp with time zone,
  failure text,
  constraint slack_reach_pkey PRIMARY KEY (only_row),
  constraint slack_reach_only_row_check CHECK (only_row)
);

create table slack_refreshes (
  call_id text not null,
  wish bigint default 1 not null,
  due_at timestamp with time zone default now() not null,
  constraint slack_refreshes_pkey PRIMARY KEY (call_id),
  constraint slack_refreshes_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE
);

create table tool_definitions (
  definition_id text not null,
  connection text not null,
  context text not null,
  tool_key bytea not null,
  tool text not null,
  hash text not null,
  definition text not null,
  version integer not null,
  state text not null,
  current boolean not null,
  approvers jsonb not null,
  found_at timestamp with time zone default now() not null,
  decided_at timestamp with time zone,
  decision jsonb,
  told_at timestamp with time zone,
  constraint tool_definitions_pkey PRIMARY KEY (definition_id),
  constraint tool_definitions_connection_context_tool_key_hash_key UNIQUE (connection, context, tool_key, hash),
  constraint tool_definitions_state_check CHECK ((state = ANY (ARRAY['quarantined'::text, 'pinned'::text, 'rejected'::text, 'superseded'::text])))
);

create table unknown_tasks (
  call_id text not null,
  opened_at timestamp with time zone default now() not null,
  taken_by jsonb,
  taken_at timestamp with time zone,
  read_back text default 'none'::text not null,
  read_back_at timestamp with time zone,
  read_back_shown jsonb,
  mark text,
  reason text,
  marked_by jsonb,
  marked_at timestamp with time zone,
  constraint unknown_tasks_pkey PRIMARY KEY (call_id),
  constraint unknown_tasks_call_id_fkey FOREIGN KEY (call_id) REFERENCES held_calls(call_id) ON DELETE CASCADE,
  constraint unknown_tasks_mark_check CHECK ((mark = ANY (ARRAY['happened'::text, 'did-not-happen'::text]))),
  constraint unknown_tasks_read_back_check CHECK ((read_back = ANY (ARRAY['none'::text, 'wanted'::text, 'running'::text, 'done'::text])))
);

CREATE INDEX access_tokens_by_person ON public.access_tokens USING btree (person_key);

CREATE INDEX approval_acts_unrecorded ON public.approval_acts USING btree (act_id) WHERE (recorded_at IS NULL);

CREATE INDEX approval_grants_by_end ON public.approval_grants USING btree (expires_at) WHERE (sealed_args IS NOT NULL);

CREATE INDEX approval_grants_open ON public.approval_grants USING btree (caller_key, connection, tool) WHERE ((revoked_at IS NULL) AND (used < calls));

CREATE INDEX break_glass_by_time ON public.break_glass USING btree (asked_at DESC);

CREATE INDEX clock_stops_ended ON public.clock_stops USING btree (ended_at);

CREATE UNIQUE INDEX clock_stops_open ON public.clock_stops USING btree (kind) WHERE (ended_at IS NULL);

CREATE INDEX connection_sign_in_states_expired ON public.connection_sign_in_states USING btree (expires_at);

CREATE INDEX connection_sign_ins_ended_next ON public.connection_sign_ins_ended USING btree (next_try_at);

CREATE INDEX console_sessions_expiry ON public.console_sessions USING btree (expires_at);

CREATE INDEX dpop_proofs_expiry ON public.dpop_proofs USING btree (expires_at);

CREATE INDEX held_calls_by_decider ON public.held_calls USING gin (decisions jsonb_path_ops);

CREATE INDEX held_calls_by_session_tool ON public.held_calls USING btree (session_id, tool, created_at DESC);

CREATE INDEX held_calls_by_state ON public.held_calls USING btree (state, expires_at);

CREATE INDEX held_calls_by_time ON public.held_calls USING btree (created_at DESC);

CREATE INDEX held_calls_decided_by_session_tool ON public.held_calls USING btree (session_id, tool, created_at DESC) WHERE (state = ANY (ARRAY['executing'::text, 'succeeded'::text, 'failed'::text, 'unknown'::text, 'denied'::text]));

CREATE INDEX held_calls_ended ON public.held_calls USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX held_calls_executing ON public.held_calls USING btree (exec_seen_at) WHERE (state = 'executing'::text);

CREATE UNIQUE INDEX held_calls_open ON public.held_calls USING btree (attach_key) WHERE (state = ANY (ARRAY['pending'::text, 'executing'::text]));

CREATE INDEX held_calls_open_by_caller ON public.held_calls USING btree (((caller ->> 'key'::text))) WHERE (state = ANY (ARRAY['pending'::text, 'executing'::text]));

CREATE INDEX held_calls_retained ON public.held_calls USING btree (attach_key, ended_at DESC) WHERE (delivered_at IS NULL);

CREATE INDEX held_calls_retained_until ON public.held_calls USING btree (retain_until) WHERE (retain_until IS NOT NULL);

CREATE INDEX held_calls_revoked_untold ON public.held_calls USING btree (revocation_id) WHERE ((revocation_id IS NOT NULL) AND (revocation_told_at IS NULL));

CREATE INDEX held_calls_stopped ON public.held_calls USING btree (clock_stopped_at) WHERE (clock_stopped_at IS NOT NULL);

CREATE INDEX injected_tokens_expired ON public.injected_tokens USING btree (expires_at);

CREATE INDEX legal_holds_in_force ON public.legal_holds USING btree (hold_no) WHERE (released_at IS NULL);

CREATE INDEX log_runs_by_writer ON public.log_runs USING btree (writer_no, first_position);

CREATE INDEX log_tombstones_new ON public.log_tombstones USING btree (made_at) WHERE (log_index IS NULL);

CREATE INDEX mask_reports_of ON public.mask_reports USING btree (asked_by, started_at DESC);

CREATE INDEX mcp_reply_streams_by_session ON public.mcp_reply_streams USING btree (session_id);

CREATE INDEX mcp_reply_streams_by_time ON public.mcp_reply_streams USING btree (created_at);

CREATE INDEX mcp_sessions_idle ON public.mcp_sessions USING btree (last_seen_at);

CREATE INDEX mcp_stream_events_by_session ON public.mcp_stream_events USING btree (session_id);

CREATE INDEX mcp_stream_events_by_time ON public.mcp_stream_events USING btree (created_at);

CREATE UNIQUE INDEX mcp_stream_events_final ON public.mcp_stream_events USING btree (stream_id) WHERE final;

CREATE INDEX mcp_task_messages_by_task ON public.mcp_task_messages USING btree (task_id, outward, seq);

CREATE INDEX mcp_tasks_by_call ON public.mcp_tasks USING btree (call_id) WHERE (call_id IS NOT NULL);

CREATE INDEX mcp_tasks_by_caller ON public.mcp_tasks USING btree (caller_key, connection, created_at DESC, task_id);

CREATE INDEX mcp_tasks_changed ON public.mcp_tasks USING btree (updated_at);

CREATE INDEX mcp_tasks_expired ON public.mcp_tasks USING btree (expires_at);

CREATE INDEX mcp_tasks_worked_at ON public.mcp_tasks USING btree (replica) WHERE (replica IS NOT NULL);

CREATE INDEX oauth_artifacts_by_account ON public.oauth_artifacts USING btree (account_id) WHERE (account_id IS NOT NULL);

CREATE INDEX oauth_artifacts_by_grant ON public.oauth_artifacts USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE INDEX oauth_artifacts_expiry ON public.oauth_artifacts USING btree (expires_at);

CREATE INDEX oauth_sign_ins_by_person ON public.oauth_sign_ins USING btree (person_key);

CREATE INDEX passkeys_by_person ON public.passkeys USING btree (person_key);

CREATE INDEX people_emails_by_key ON public.people_emails USING btree (key);

CREATE INDEX people_keys_by_person ON public.people_keys USING btree (person_id);

CREATE INDEX record_facets_by_value ON public.record_facets USING btree (facet, value, session_id);

CREATE INDEX record_keys_by_kek ON public.record_keys USING btree (kek_id, session_id);

CREATE INDEX record_sessions_by_connection ON public.record_sessions USING btree (connection, opened_at DESC);

CREATE INDEX record_sessions_by_subject ON public.record_sessions USING btree (subject, opened_at DESC);

CREATE INDEX record_sessions_by_time ON public.record_sessions USING btree (opened_at DESC, session_id DESC);

CREATE INDEX record_strands_by_session ON public.record_strands USING btree (session_id, opened_at);

CREATE INDEX record_writers_live ON public.record_writers USING btree (writer_no) WHERE (NOT retired);

CREATE INDEX records_by_strand ON ONLY public.records USING btree (strand, seq);

CREATE INDEX records_by_writer ON ONLY public.records USING btree (writer_no, "position");

CREATE INDEX revocation_cuts_by_revocation ON public.revocation_cuts USING btree (revocation_id);

CREATE INDEX revocations_by_time ON public.revocations USING btree (revoked_at DESC);

CREATE UNIQUE INDEX revocations_in_force ON public.revocations USING btree (kind, value) WHERE (lifted_at IS NULL);

CREATE INDEX slack_card_calls_by_call ON public.slack_card_calls USING btree (call_id);

CREATE INDEX slack_cards_by_call ON public.slack_cards USING btree (call_id);

CREATE INDEX slack_decisions_by_batch ON public.slack_decisions USING btree (batch_id) WHERE (batch_id IS NOT NULL);

CREATE INDEX slack_decisions_by_call ON public.slack_decisions USING btree (call_id);

CREATE INDEX slack_decisions_open ON public.slack_decisions USING btree (next_attempt_at) WHERE (state = 'received'::text);

CREATE UNIQUE INDEX tool_definitions_current ON public.tool_definitions USING btree (connection, context, tool_key) WHERE current;

CREATE UNIQUE INDEX tool_definitions_pinned ON public.tool_definitions USING btree (connection, context, tool_key) WHERE (state = 'pinned'::text);

CREATE INDEX tool_definitions_waiting ON public.tool_definitions USING btree (found_at) WHERE (state = 'quarantined'::text);

CREATE INDEX unknown_tasks_open ON public.unknown_tasks USING btree (opened_at) WHERE (mark IS NULL);

CREATE INDEX unknown_tasks_wanted ON public.unknown_tasks USING btree (read_back_at) WHERE (read_back = ANY (ARRAY['wanted'::text, 'running'::text]));

CREATE TRIGGER approval_grants_guard BEFORE UPDATE ON public.approval_grants FOR EACH ROW EXECUTE FUNCTION approval_grants_guard();

CREATE TRIGGER break_glass_guard BEFORE UPDATE ON public.break_glass FOR EACH ROW EXECUTE FUNCTION break_glass_guard();

CREATE TRIGGER held_calls_after_change AFTER UPDATE OF state ON public.held_calls FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION held_calls_after_change();

CREATE TRIGGER held_calls_companions AFTER UPDATE OF state ON public.held_calls FOR EACH ROW WHEN (((old.state = ANY (ARRAY['pending'::text, 'executing'::text])) AND (new.state <> ALL (ARRAY['pending'::text, 'executing'::text])))) EXECUTE FUNCTION held_calls_companions();

CREATE TRIGGER held_calls_guard BEFORE UPDATE ON public.held_calls FOR EACH ROW EXECUTE FUNCTION held_calls_guard();

CREATE TRIGGER held_calls_on_end BEFORE UPDATE ON public.held_calls FOR EACH ROW WHEN (((old.state = ANY (ARRAY['pending'::text, 'executing'::text])) AND (new.state <> ALL (ARRAY['pending'::text, 'executing'::text])))) EXECUTE FUNCTION held_calls_on_end();

CREATE TRIGGER mcp_tasks_guard BEFORE UPDATE ON public.mcp_tasks FOR EACH ROW EXECUTE FUNCTION mcp_tasks_guard();

CREATE TRIGGER connection_sign_ins_revoked AFTER INSERT ON public.revocations FOR EACH ROW EXECUTE FUNCTION connection_sign_ins_revoked();

CREATE TRIGGER revocations_changed AFTER INSERT OR DELETE OR UPDATE ON public.revocations FOR EACH STATEMENT EXECUTE FUNCTION revocations_changed();

CREATE TRIGGER revocations_guard BEFORE UPDATE ON public.revocations FOR EACH ROW EXECUTE FUNCTION revocations_guard();

CREATE TRIGGER slack_cards_first_call AFTER INSERT ON public.slack_cards FOR EACH ROW EXECUTE FUNCTION slack_cards_first_call();

CREATE TRIGGER tool_definitions_after_change AFTER INSERT OR UPDATE OF state, current, decision ON public.tool_definitions FOR EACH ROW EXECUTE FUNCTION tool_definitions_after_change();

CREATE TRIGGER unknown_tasks_guard BEFORE UPDATE ON public.unknown_tasks FOR EACH ROW EXECUTE FUNCTION unknown_tasks_guard();
