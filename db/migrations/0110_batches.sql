-- One message in Slack may show several similar calls of a session, each decided alone or together.

-- Which calls a card shows, in the order in which they came.
create table slack_card_calls (
  card_id    bigint not null references slack_cards on delete cascade,
  call_id    text not null references held_calls on delete cascade,
  nth        int not null,
  -- When the people around the card were last told that this call waits: by the card itself, or in its thread.
  told_at    timestamptz,
  -- When they were told how it ended: nobody knows (to approvers), or how (to whoever asked).
  alerted_at timestamptz,
  -- How many of its extensions they were told of.
  extensions int not null default 0,
  primary key (card_id, call_id),
  unique (card_id, nth)
);
create index slack_card_calls_by_call on slack_card_calls (call_id);
insert into slack_card_calls (card_id, call_id, nth, told_at, alerted_at)
  select card_id, call_id, 0, posted_at, alerted_at from slack_cards;

alter table slack_cards
  drop column alerted_at,
  -- What its buttons for all decide: [{id, decision, calls: [{callId, digest}]}]. Written before the card is sent.
  add column offers jsonb not null default '[]';

-- A card of its own, however few calls it shows, begins with the call it was made for.
create function slack_cards_first_call() returns trigger language plpgsql as $$
begin
  insert into slack_card_calls (card_id, call_id, nth) values (new.card_id, new.call_id, 0);
  return null;
end $$;
create trigger slack_cards_first_call after insert on slack_cards for each row
  execute function slack_cards_first_call();

-- Who is working on a card right now; a card may stand for several calls.
drop table slack_card_leases;
create table slack_card_leases (
  card_id    bigint primary key references slack_cards on delete cascade,
  holder     uuid not null,
  good_until timestamptz not null
);

-- One click that decides several calls: each becomes a decision of its own. A second delivery finds it here.
create table slack_batches (
  batch_id    text primary key,
  received_at timestamptz not null default now(),
  -- When the person was told, once, what became of all of them.
  told_at     timestamptz
);
alter table slack_decisions
  add column batch_id text references slack_batches,
  -- Of the call as the card showed it; null for a click on one call.
  add column digest   text;
create index slack_decisions_by_batch on slack_decisions (batch_id) where batch_id is not null;
