-- What a person chose beside approving or denying: how much further an approval goes, within what a call may come again.
alter table slack_decisions
  -- {calls, forMs}; policy and the signed vote say the rest.
  add column grant_choice jsonb,
  add column bounds       text;
