-- Slack cards. The row is written before the message is posted; `ts` is saved as soon as Slack gives it.
create table slack_cards (
  card_id      bigint generated always as identity primary key,
  call_id      text not null references held_calls on delete cascade,
  -- What was asked for: a channel id, or a person's id for a direct message. Null for a copy found by a click.
  target       text,
  -- For whom it is: those who decide, or the person who asked through an agent and only looks on.
  role         text not null default 'approver' check (role in ('approver', 'requester')),
  -- Where it stands: for a direct message Slack answers with another id than the one asked for.
  channel      text,
  ts           text,
  -- Set before the first try to post: a row with this and no ts may have been posted.
  attempted_at timestamptz,
  posted_at    timestamptz,
  -- Whether the card as it stands shows all of what would run. Only such a card may approve.
  whole        boolean not null default false,
  -- SHA-256 of what it shows, so that an update that changes nothing is not sent.
  shown        text,
  last_error   text,
  -- When those who decided were told, in the card's thread, that nobody knows whether the call happened.
  alerted_at   timestamptz,
  -- When the people around the card were reminded of it.
  reminded_at  timestamptz,
  -- Deleted in Slack: nothing to update any more.
  gone_at      timestamptz,
  unique (call_id, target),
  unique (channel, ts)
);
create index slack_cards_by_call on slack_cards (call_id);

-- Who is working on a call's cards right now.
create table slack_card_leases (
  call_id    text primary key,
  holder     uuid not null,
  good_until timestamptz not null
);

-- Every click that asks for a decision, durable before Slack is told that it arrived, and what became of it.
create table slack_decisions (
  -- `slack:<call>:<user>:<action_ts>`: also the id of the workflow update, so that a second delivery is the same one.
  update_id       text primary key,
  call_id         text not null,
  team            text not null,
  slack_user      text not null,
  decision        text not null check (decision in ('approve', 'deny')),
  reason          text,
  channel         text,
  message_ts      text,
  received_at     timestamptz not null default now(),
  state           text not null default 'received' check (state in ('received', 'counted', 'refused')),
  attempts        int not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- Why it was refused (a code) and what the person was told.
  outcome_code    text,
  outcome_text    text,
  settled_at      timestamptz
);
create index slack_decisions_open on slack_decisions (next_attempt_at) where state = 'received';
create index slack_decisions_by_call on slack_decisions (call_id);
