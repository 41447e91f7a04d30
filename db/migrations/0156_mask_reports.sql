-- What a changed policy would mask of recorded traffic, as somebody asked at the console: counts and places, never
-- values. One console compares; any shows how far it is.
create table mask_reports (
  id          text primary key,
  asked_by    text not null,
  asked       jsonb not null,
  started_at  timestamptz not null default clock_timestamp(),
  updated_at  timestamptz not null default clock_timestamp(),
  ended_at    timestamptz,
  progress    jsonb not null,
  outcome     jsonb,
  check (outcome is null or ended_at is not null)
);
create index mask_reports_of on mask_reports (asked_by, started_at desc);
