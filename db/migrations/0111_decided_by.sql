-- What a person decided, on whatever surface, is found by the keys in the votes.
create index held_calls_by_decider on held_calls using gin (decisions jsonb_path_ops);
