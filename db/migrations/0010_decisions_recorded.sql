-- How many of the call's votes the recording has. The row itself may have more: a claim stores the votes it relies on.
alter table held_calls add column decisions_recorded int not null default 0;
