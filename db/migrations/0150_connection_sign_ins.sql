-- People's own sign-ins at upstream servers (docs/credentials.md, "Each person's own sign-in").

-- What an upstream's authorization server gave for one person, sealed under the key ring and bound to both.
create table connection_sign_ins (
  connection   text not null,
  -- Stable key of the caller for whom it is used.
  holder       text not null,
  -- By what else containment may name the person.
  subject      text not null,
  email        text,
  -- Hash of the settings under which it was given: under others it is not used.
  settings     text not null,
  -- Changes with each new token.
  version      uuid not null,
  kek_id       text not null,
  wrapped_key  bytea not null,
  sealed       bytea not null,
  -- When the access token is renewed at the latest; null for one that says nothing of an end.
  renew_at     timestamptz,
  issuer       text not null,
  scope        text,
  connected_at timestamptz not null default clock_timestamp(),
  renewed_at   timestamptz not null default clock_timestamp(),
  primary key (connection, holder)
);

-- Sign-ins on their way through an authorization server: each ends in the browser session in which it began.
create table connection_sign_in_states (
  state_sha256   bytea primary key,
  session_sha256 bytea not null,
  connection     text not null,
  holder         text not null,
  kek_id         text not null,
  wrapped_key    bytea not null,
  -- Where it goes and as which client.
  sealed         bytea not null,
  expires_at     timestamptz not null
);
create index connection_sign_in_states_expired on connection_sign_in_states (expires_at);

-- Whose program asked for a sign-in: the page that answers is for that person alone.
create table connection_asks (
  connection text not null,
  holder     text not null,
  id         text not null unique,
  expires_at timestamptz not null,
  primary key (connection, holder)
);

-- Clients that Holdpoint registered for itself (RFC 7591), one for all replicas.
create table connection_clients (
  place       text primary key,
  kek_id      text not null,
  wrapped_key bytea not null,
  sealed      bytea not null,
  made_at     timestamptz not null default clock_timestamp()
);

-- Whoever is cut off loses their sign-ins in the same transaction.
create function connection_sign_ins_revoked() returns trigger language plpgsql as $$
begin
  if new.kind = 'person' then
    delete from connection_sign_ins s where new.value in (s.holder, s.subject, lower(s.email));
    delete from connection_sign_in_states s where s.holder = new.value;
    delete from connection_asks a where a.holder = new.value;
  end if;
  return null;
end $$;
create trigger connection_sign_ins_revoked after insert on revocations
  for each row execute function connection_sign_ins_revoked();
