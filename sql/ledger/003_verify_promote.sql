-- Data that `edp verify` and `edp promote` need in addition to the rows.

-- The rule for conflicting keys of a split: it shows whether another record may have replaced a record.
ALTER TABLE edp.receipts ADD COLUMN on_conflict text NOT NULL DEFAULT 'reject'
  CHECK (on_conflict IN ('reject', 'skip', 'update'));

-- Metrics that became columns after rows had been loaded without them.
CREATE TABLE edp.promotions (
  table_name      text NOT NULL,              -- name in the model
  column_name     text NOT NULL,
  metric          text NOT NULL,              -- the key inside the JSON object
  extra_column    text NOT NULL,              -- column that kept it
  type            text NOT NULL,              -- as edp.yaml writes it
  state           text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
  -- A step and its place commit together, so that a killed promotion continues where it was.
  pass            int NOT NULL DEFAULT 1,
  next_partition  int NOT NULL DEFAULT 0,
  next_block      bigint NOT NULL DEFAULT 0,
  rows_moved      bigint NOT NULL DEFAULT 0,
  left_so_far     bigint NOT NULL DEFAULT 0,  -- values that do not fit, in the current pass
  rows_left       bigint NOT NULL DEFAULT 0,  -- the same, in the last complete pass
  started_at      timestamptz NOT NULL DEFAULT now(),
  finished_at     timestamptz,
  PRIMARY KEY (table_name, column_name)
);
