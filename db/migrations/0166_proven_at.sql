-- When somebody last proved themselves, where that is certain. A SAML provider may put the time of its answer where the
-- time of the proof belongs, so that signing in without a word would count as a fresh proof.
alter table console_sessions add column proven_at timestamptz;
