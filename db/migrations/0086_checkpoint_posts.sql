-- When a checkpoint was last put before people (Slack): workers take turns at the log, and must not all say the same.
create table checkpoint_posts (
  place     text primary key,
  posted_at timestamptz not null
);
