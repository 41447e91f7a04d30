-- Milliseconds, as whoever pages through sessions knows them: with more, a page began behind sessions that were opened in
-- the same millisecond as the last one of the page before, and these were never listed, searched or exported.
alter table record_sessions alter column opened_at type timestamptz(3);
