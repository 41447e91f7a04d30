-- Keys that the built-in authorization server signs access tokens with. The private half is sealed.
create table oauth_keys (
  kid          text primary key,
  public_jwk   jsonb not null,
  kek_id       text not null,
  wrapped_key  bytea not null,
  sealed_jwk   bytea not null,
  made_at      timestamptz not null default now(),
  -- From then on it signs: every replica has seen its public half by then.
  signs_from   timestamptz not null
);

-- What the authorization server keeps between requests (interactions, codes, refresh tokens, grants, registered
-- clients). What would let somebody in is kept only as SHA-256.
create table oauth_artifacts (
  kind        text not null,
  id_sha256   bytea not null,
  payload     jsonb not null,
  grant_id    text,
  account_id  text,
  client_id   text,
  consumed_at timestamptz,
  made_at     timestamptz not null default now(),
  expires_at  timestamptz not null,
  primary key (kind, id_sha256)
);
create index oauth_artifacts_by_grant on oauth_artifacts (grant_id) where grant_id is not null;
create index oauth_artifacts_by_account on oauth_artifacts (account_id) where account_id is not null;
create index oauth_artifacts_expiry on oauth_artifacts (expires_at);

-- A client that waits for a person to sign in and agree on the console.
create table oauth_requests (
  id_sha256     bytea primary key,
  client        jsonb not null,
  connection    text not null,
  resource      text not null,
  scopes        text[] not null,
  -- Null until the person has answered; then who they are, or null in `person` for a refusal.
  answered_at   timestamptz,
  person        jsonb,
  -- Proves to the authorization server that the browser that comes back is the one in which the person answered.
  proof_sha256  bytea,
  -- Where the console sends the browser back to.
  return_to     text not null,
  expires_at    timestamptz not null
);

-- Who signed in for which client, for as long as its tokens may be renewed. `grant_id` names the credential.
create table oauth_sign_ins (
  grant_id    text primary key,
  person_key  text not null,
  client_id   text not null,
  client_name text,
  resource    text not null,
  scopes      text[] not null,
  person      jsonb not null,
  signed_in_at timestamptz not null default now(),
  expires_at  timestamptz not null
);
create index oauth_sign_ins_by_person on oauth_sign_ins (person_key);

-- How a person proved themselves to the identity provider.
alter table console_sessions
  add column acr text,
  add column amr text[] not null default '{}',
  add column authenticated_at timestamptz;
