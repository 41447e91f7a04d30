-- Tokens for upstream servers, sealed, so that one replica fetches for all (docs/credentials.md).
create table injected_tokens (
  -- Hash of the connection and of what asks for the token.
  source      text not null,
  -- For whom; empty where Holdpoint acts as itself.
  holder      text not null,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null,
  expires_at  timestamptz not null,
  fetched_at  timestamptz not null default clock_timestamp(),
  primary key (source, holder)
);
create index injected_tokens_expired on injected_tokens (expires_at);
