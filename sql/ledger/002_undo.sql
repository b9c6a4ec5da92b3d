-- Loads that can be undone, rejects that can be tried again, dimension members that are loaded late.

ALTER TABLE edp.loads
  DROP CONSTRAINT loads_state_check,
  -- undoing: partly removed. Its counts are those of the remaining rows, its receipts those of the whole
  -- load, so they must not be used to resume it. undone: only this row is left.
  ADD CONSTRAINT loads_state_check CHECK (state IN ('loading', 'loaded', 'undoing', 'undone')),
  -- Rows of others whose values this load replaced (--on-conflict update); undo cannot restore them.
  ADD COLUMN rows_replaced bigint NOT NULL DEFAULT 0,
  ADD COLUMN undone_at timestamptz;

ALTER TABLE edp.inferred_members
  ADD COLUMN column_name text,                -- the column with the member
  ADD COLUMN arrived_at timestamptz;          -- when a file loaded the member; null while inferred

UPDATE edp.inferred_members m SET column_name = (
  SELECT a.attname FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  WHERE i.indrelid = to_regclass(m.table_name) AND i.indisprimary);
-- Rows of a table that was dropped.
DELETE FROM edp.inferred_members WHERE column_name IS NULL;

ALTER TABLE edp.inferred_members
  DROP CONSTRAINT inferred_members_pkey,
  ALTER COLUMN column_name SET NOT NULL,
  ADD PRIMARY KEY (table_name, column_name, member);

CREATE INDEX ON edp.inferred_members (load_id);
