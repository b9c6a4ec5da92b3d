-- What `edp verify` and `edp promote` need to know beside the rows.

-- Which rule settled the keys of a split: it says whether a record may have given way to another one.
ALTER TABLE edp.receipts ADD COLUMN on_conflict text NOT NULL DEFAULT 'reject'
  CHECK (on_conflict IN ('reject', 'skip', 'update'));

-- Metrics that became columns after rows had been loaded without them.
CREATE TABLE edp.promotions (
  table_name      text NOT NULL,              -- as the model calls it
  column_name     text NOT NULL,
  metric          text NOT NULL,              -- the key inside the JSON object
  extra_column    text NOT NULL,              -- where it was kept
  type            text NOT NULL,              -- as edp.yaml writes it
  state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
  -- A step and its place commit together, so that a promotion that was killed goes on where it was.
  pass            int NOT NULL DEFAULT 1,
  next_partition  int NOT NULL DEFAULT 0,
  next_block      bigint NOT NULL DEFAULT 0,
  rows_moved      bigint NOT NULL DEFAULT 0,
  left_so_far     bigint NOT NULL DEFAULT 0,  -- values that do not fit, met by the pass under way
  rows_left       bigint NOT NULL DEFAULT 0,  -- the same, as of the last whole pass
  started_at      timestamptz NOT NULL DEFAULT now(),
  finished_at     timestamptz,
  PRIMARY KEY (table_name, column_name)
);
