-- The ledger: the loaded splits and the rejected records.
--
-- A split's rows, its rejects and its receipt commit together, and the counts of its load with them,
-- so that at every moment, also right after a crash:
--     rows_read = rows_loaded + rows_rejected + rows_duplicate

CREATE TABLE edp.loads (
  load_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  path            text NOT NULL,              -- as on the command line
  table_name      text NOT NULL,
  size_bytes      bigint NOT NULL,
  -- Hash of the size and of samples: files with different hashes differ. Whether files with equal hashes
  -- are equal is decided by the hashes of the receipts.
  content_hash    text NOT NULL,
  generation      int NOT NULL DEFAULT 0,     -- counts the loads of this hash
  header          bytea NOT NULL,             -- the file's header record, byte for byte
  -- How the file is read: dialect, names of the fields, range of its records (src/formats/stored-reading.ts).
  -- Not jsonb, which cannot store NUL: a delimiter may be NUL.
  file_format     json NOT NULL,
  model_hash      text NOT NULL,
  state           text NOT NULL DEFAULT 'loading'
                  CHECK (state IN ('loading', 'loaded')),
  -- Raised by every run that takes the load over: a worker of an earlier run can no longer commit.
  attempt         int NOT NULL DEFAULT 0,
  rows_read       bigint NOT NULL DEFAULT 0,
  rows_loaded     bigint NOT NULL DEFAULT 0,
  rows_rejected   bigint NOT NULL DEFAULT 0,
  rows_duplicate  bigint NOT NULL DEFAULT 0,
  seconds         double precision NOT NULL DEFAULT 0, -- working time of all its runs
  started_at      timestamptz NOT NULL DEFAULT now(),
  finished_at     timestamptz,
  UNIQUE (table_name, content_hash, generation),
  CHECK (rows_read = rows_loaded + rows_rejected + rows_duplicate)
);

CREATE TABLE edp.receipts (
  load_id         bigint NOT NULL REFERENCES edp.loads ON DELETE CASCADE,
  start_byte      bigint NOT NULL,            -- the split is [start_byte, end_byte) of the file
  end_byte        bigint NOT NULL,
  first_line      bigint NOT NULL,            -- line of the file at start_byte, from 1
  line_count      bigint NOT NULL,
  rows_read       bigint NOT NULL,
  rows_loaded     bigint NOT NULL,
  rows_rejected   bigint NOT NULL,
  rows_duplicate  bigint NOT NULL,
  unknown_metrics jsonb,                      -- name -> number of records; null for none
  content_hash    text NOT NULL,              -- of the bytes of the split
  committed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (load_id, start_byte),
  CHECK (end_byte >= start_byte),
  CHECK (rows_read = rows_loaded + rows_rejected + rows_duplicate)
);

CREATE TABLE edp.rejects (
  load_id         bigint NOT NULL REFERENCES edp.loads ON DELETE CASCADE,
  byte_offset     bigint NOT NULL,            -- of the record in the file
  start_byte      bigint NOT NULL,            -- of the split that read it
  line_in_split   bigint NOT NULL,            -- from 0; the receipt has the line of the split
  column_name     text,
  code            text NOT NULL,
  reason          text NOT NULL,
  raw             bytea NOT NULL,             -- the record, byte for byte
  PRIMARY KEY (load_id, byte_offset)
);

-- Dimension members that no dimension file has loaded yet: a fact referred to them first
-- (--missing-dimensions infer).
CREATE TABLE edp.inferred_members (
  table_name      text NOT NULL,              -- schema-qualified and quoted
  member          text NOT NULL,              -- its key
  load_id         bigint NOT NULL REFERENCES edp.loads ON DELETE CASCADE,
  inferred_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (table_name, member)
);

COMMENT ON SCHEMA edp IS 'Ledger of the Event Data Platform: loads, receipts, rejects';
