-- Loads whose rows a later load has replaced as the new content of the table (--replace). They are undone; this says
-- by which load.

ALTER TABLE edp.loads
  ADD COLUMN replaced_by bigint;
