-- Which stable keys belong to one person (`slack:<team>/<user>`, `oidc:<issuer>#<subject>`, `local:approver`).
create table people_keys (
  key       text primary key,
  person_id uuid not null,
  name      text not null,
  seen_at   timestamptz not null default now(),
  linked_at timestamptz,
  -- How the link was verified, for whoever audits it.
  linked_by text
);
create index people_keys_by_person on people_keys (person_id);

-- An e-mail in policy is resolved once; from then on it means this key, whoever holds the address later.
create table people_emails (
  -- `slack:<team>` or `oidc:<issuer>`.
  realm     text not null,
  email     text not null,
  key       text not null,
  pinned_at timestamptz not null default now(),
  primary key (realm, email)
);
create index people_emails_by_key on people_emails (key);

-- The directory groups an identity provider vouched for, when it last did.
create table people_groups (
  key     text primary key,
  groups  jsonb not null,
  seen_at timestamptz not null
);

-- Codes that link a Slack identity to whoever logs in to the console with them. Only the hash is kept.
create table people_link_codes (
  code_sha256 text primary key,
  key         text not null,
  name        text not null,
  expires_at  timestamptz not null,
  used_at     timestamptz
);
