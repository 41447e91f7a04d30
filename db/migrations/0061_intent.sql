-- What the agent says that a held call is for: its own words, masked, which nothing proves.
alter table held_calls add column intent text;
