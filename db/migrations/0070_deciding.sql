-- Who may decide and how long: policy's terms of a hold, the clock that may stand still, and the kill switch.

alter table held_calls
  -- Which approvals release it (policy/verdict.ts, `Quorum`); null in calls of 0.1.0: any `approvals_needed` people.
  add column quorum jsonb,
  -- Groups that join later: [{afterMs, to: [ApproverGroup]}]. When a stage fires, its groups go into `approvers`.
  add column escalation jsonb not null default '[]',
  add column escalated int not null default 0,
  -- Extensions that counted: [{jws, person, byMs, via, atMs}]; how many policy allows, and by how much.
  add column extensions jsonb not null default '[]',
  add column extension jsonb,
  add column on_slack_outage text not null default 'continue'
    check (on_slack_outage in ('continue', 'freeze', 'deny')),
  -- The deadline without the times for which the clock stood still; `expires_at` is the one in force.
  add column base_expires_at timestamptz,
  -- As far as extensions may go: from the sealed call.
  add column latest_expires_at timestamptz,
  -- Since when the clock stands still; null while it runs.
  add column clock_stopped_at timestamptz,
  -- Since when no approver could be asked in Slack, and of which cards people were asked elsewhere.
  add column unannounced_at timestamptz,
  add constraint extended_within_policy check (base_expires_at <= latest_expires_at);
update held_calls set base_expires_at = expires_at, latest_expires_at = expires_at;
create index held_calls_stopped on held_calls (clock_stopped_at) where clock_stopped_at is not null;

-- For what and how long clocks stood still: the kill switch, or an outage of Slack. At most one of a kind is open.
create table clock_stops (
  stop_id  bigint generated always as identity primary key,
  kind     text not null check (kind in ('freeze', 'slack')),
  began_at timestamptz not null default now(),
  ended_at timestamptz,
  -- Masked words: why it was frozen, or what Slack's outage looked like.
  because  text,
  -- Who froze: {person, via}; null for an outage.
  by       jsonb,
  -- Who asked to lift the freeze, in order: [{person, via, atMs}].
  lifts    jsonb not null default '[]',
  -- How much of this the recording has: its beginning, each ask to lift it, its end.
  recorded int not null default 0
);
create unique index clock_stops_open on clock_stops (kind) where ended_at is null;
create index clock_stops_ended on clock_stops (ended_at);

-- For how long the clock of a request stood still. Freezes and outages that overlap count once; 30 days at most, so
-- that nothing that was approved can come back to life for ever.
create function clock_stood_still(since timestamptz, on_slack_outage text) returns interval language sql stable as $$
  select least(coalesce(sum(upper(stop) - lower(stop)), interval '0'), interval '30 days')
  from unnest((
    select range_agg(tstzrange(greatest(began_at, since), greatest(coalesce(ended_at, now()), greatest(began_at, since))))
    from clock_stops
    where (kind = 'freeze' or on_slack_outage = 'freeze') and coalesce(ended_at, now()) > since
  )) as stop
$$;

-- The kill switch: one row, so that a claim and a freeze cannot pass each other. Claims lock it for share.
create table kill_switch (
  only_row boolean primary key default true check (only_row),
  frozen   boolean not null default false,
  -- Whoever may freeze and lift, as the policy in force says: [ApproverGroup]. Kept here for surfaces without a policy.
  people   jsonb not null default '[]'
);
insert into kill_switch default values;

-- Whether Slack answers, as any process of the installation last saw it.
create table slack_reach (
  only_row boolean primary key default true check (only_row),
  ok_at    timestamptz,
  failed_at timestamptz,
  failure  text
);
insert into slack_reach default values;

-- Reminders that were sent, so that a repeated activity sends none twice.
create table card_reminders (
  card_id bigint not null references slack_cards on delete cascade,
  nth     int not null,
  sent_at timestamptz not null default now(),
  primary key (card_id, nth)
);
