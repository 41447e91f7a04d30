-- Scopes of a person's sign-in at an upstream server: those it was asked for with, and those the server has said it lacks.
alter table connection_sign_ins add column asked_scope text, add column wanted_scope text;
