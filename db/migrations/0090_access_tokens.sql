-- Personal and service access tokens (`hpat_…`). The token is never stored, only its SHA-256.
create table access_tokens (
  id            text primary key,
  secret_sha256 bytea not null unique,
  name          text not null,
  kind          text not null check (kind in ('personal', 'service')),
  -- Whoever calls with it: the owner's stable key, or `service:<subject>`.
  person_key    text not null,
  subject       text not null,
  issuer        text,
  email         text,
  -- The most it gives. A personal token's are cut to those that its owner is still in, at each use.
  groups        text[] not null,
  -- `mcp:<connection>` and `mcp:<connection>:<class>`; null: whatever its owner may.
  scopes        text[],
  created_by    text not null,
  created_at    timestamptz not null default now(),
  expires_at    timestamptz not null,
  last_used_at  timestamptz,
  revoked_at    timestamptz,
  revoked_by    text
);
create index access_tokens_by_person on access_tokens (person_key);

-- DPoP proofs that were used, until they would be too old anyway: each works once, on whichever replica.
create table dpop_proofs (
  proof_sha256 bytea primary key,
  expires_at   timestamptz not null
);
create index dpop_proofs_expiry on dpop_proofs (expires_at);
