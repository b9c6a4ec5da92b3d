-- The warehouse: what the tasks of edp.yaml have made, and what each of them had read then.

-- Tables that `edp run` keeps.
CREATE TABLE edp.tasks (
  task        text PRIMARY KEY,           -- silver.members, gold.job_ran_fact
  kind        text NOT NULL CHECK (kind IN ('silver', 'dimension', 'fact', 'model', 'view')),
  relation    text NOT NULL,              -- schema-qualified, quoted where needed
  relation_oid oid NOT NULL,              -- of the table that was made; another one there is not ours
  definition  text NOT NULL,              -- hash of what makes the table
  sources     text[] NOT NULL,            -- relations that it reads
  -- The point of reading of the last transaction that made it (src/ledger/changes.ts).
  history     text NOT NULL,
  snapshot    pg_snapshot NOT NULL,
  wal         pg_lsn NOT NULL,
  high_water  text,                       -- of incremental-by
  row_count   bigint,                     -- when it was last made
  made_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Slices that were not made though they are stale: a check held them back.
CREATE TABLE edp.stale_slices (
  task   text NOT NULL REFERENCES edp.tasks ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  slice  text NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (task, slice)
);

-- The receipts: what a run did to each slice, in the transaction that did it.
CREATE TABLE edp.task_runs (
  run_id   bigint NOT NULL,
  task     text NOT NULL,
  slice    text NOT NULL,                 -- a date; empty for a table without slices
  kind     text NOT NULL,
  state    text NOT NULL CHECK (state IN ('done', 'unchanged', 'failed', 'skipped')),
  reason   text,
  rows_read bigint,
  inserted bigint,
  updated  bigint,
  deleted  bigint,
  unknown  bigint,                        -- rows that hold an unknown member
  null_key bigint,                        -- rows read that have a NULL in a key
  checks   jsonb NOT NULL DEFAULT '[]',
  error    text,
  seconds  double precision NOT NULL,
  finished timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (run_id, task, slice)
);

-- Keys that a slice looked up and did not find: it is stale when one of them arrives.
CREATE TABLE edp.unknown_keys (
  task      text NOT NULL REFERENCES edp.tasks ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  slice     text NOT NULL,
  dimension text NOT NULL,
  key       text[] NOT NULL,              -- empty for too many to list
  PRIMARY KEY (task, slice, dimension, key)
);

-- The first rows that failed a check, without their personal columns.
CREATE TABLE edp.check_failures (
  run_id     bigint NOT NULL,
  task       text NOT NULL,
  slice      text NOT NULL,
  check_name text NOT NULL,
  failing    jsonb NOT NULL,
  found_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX ON edp.check_failures (run_id, task);

-- A value that cannot be cast is NULL; pg_input_is_valid came with PostgreSQL 16, and knows texts only.
-- `written` is the type with its modifiers, where it has some: a variable of plpgsql does not.
CREATE FUNCTION edp.cast_or_null(value anycompatible, type anyelement, written text DEFAULT NULL) RETURNS anyelement
LANGUAGE plpgsql STABLE AS $$
DECLARE
  result type%TYPE;
BEGIN
  IF written IS NULL THEN
    result := value;
  ELSE
    EXECUTE format('SELECT CAST($1 AS %s)', written) INTO result USING value;
  END IF;
  RETURN result;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
  RETURN NULL;
END
$$;

-- Roles that could load before can run tasks; those that could read still can.
DO $$
DECLARE
  holder record;
BEGIN
  FOR holder IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name,
           c.relname, a.privilege_type
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid IN ('edp.loads'::regclass, 'edp.receipts'::regclass) AND a.grantee <> c.relowner
  LOOP
    IF holder.relname = 'receipts' AND holder.privilege_type IN ('INSERT', 'UPDATE', 'DELETE') THEN
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON edp.tasks, edp.stale_slices, edp.unknown_keys TO %s', holder.name);
      EXECUTE format('GRANT SELECT, INSERT ON edp.task_runs, edp.check_failures TO %s', holder.name);
    ELSIF holder.relname = 'loads' AND holder.privilege_type = 'SELECT' THEN
      EXECUTE format('GRANT SELECT ON edp.tasks, edp.stale_slices, edp.task_runs TO %s', holder.name);
    END IF;
  END LOOP;
END
$$;
