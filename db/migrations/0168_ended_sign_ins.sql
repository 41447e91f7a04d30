-- Tokens of people who were cut off, until their authorization server has been told (RFC 7009). They are good for nothing
-- here from the moment the row leaves connection_sign_ins; telling is a courtesy that waits for nobody.
create table connection_sign_ins_ended (
  id           uuid primary key default gen_random_uuid(),
  connection   text not null,
  holder       text not null,
  kek_id       text not null,
  wrapped_key  bytea not null,
  sealed       bytea not null,
  tries        int not null default 0,
  next_try_at  timestamptz not null default clock_timestamp()
);
create index connection_sign_ins_ended_next on connection_sign_ins_ended (next_try_at);

create or replace function connection_sign_ins_revoked() returns trigger language plpgsql as $$
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
end $$;
