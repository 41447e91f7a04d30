-- What upstream asked in the middle of an approved call (`input_required`, 2026-07-28), and its client has answered:
-- each answer goes upstream once.
create table held_call_questions (
  call_id     text not null references held_calls on delete cascade,
  round       int not null,
  answered_at timestamptz not null default now(),
  primary key (call_id, round)
);
