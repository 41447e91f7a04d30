-- Who is signed in to the console. The cookie is never stored, only its SHA-256.
create table console_sessions (
  id_sha256    bytea primary key,
  -- The login settings that proved the person; a session of other settings is no session.
  binding      text not null,
  person_keys  text[] not null check (cardinality(person_keys) >= 1),
  name         text not null,
  subject      text not null,
  email        text,
  groups       text[] not null,
  -- Tokens of the identity provider, sealed under a key that only the cookie yields; null in local mode.
  sealed_tokens bytea,
  signed_in_at timestamptz not null,
  -- When the identity provider last vouched for e-mail and groups.
  seen_at      timestamptz not null,
  used_at      timestamptz not null,
  expires_at   timestamptz not null
);
create index console_sessions_expiry on console_sessions (expires_at);

-- A sign-in that has been sent to the identity provider and has not come back. Taken out when it does.
create table console_logins (
  id_sha256     bytea primary key,
  state_sha256  bytea not null,
  nonce         text not null,
  code_verifier text not null,
  return_to     text not null,
  expires_at    timestamptz not null
);

-- One-time login links that were used, until they would have expired anyway.
create table console_used_links (
  link_sha256 bytea primary key,
  expires_at  timestamptz not null
);
