-- What approving takes beside being an approver: `login` or `passkey`.
alter table held_calls add column step_up text check (step_up in ('login', 'passkey'));

-- Passkeys of people. Public keys only.
create table passkeys (
  credential_id text primary key,
  person_key    text not null,
  name          text not null,
  public_key    bytea not null,
  counter       bigint not null,
  transports    text[] not null,
  made_at       timestamptz not null default now(),
  last_used_at  timestamptz
);
create index passkeys_by_person on passkeys (person_key);

-- Challenges that were given to a browser. Each is answered once, by the session that it was given to.
create table passkey_challenges (
  challenge_sha256 bytea primary key,
  -- The session, and what an answer is for: `enrol`, or an approval and its digest.
  session_sha256   bytea not null,
  purpose          text not null,
  expires_at       timestamptz not null
);
