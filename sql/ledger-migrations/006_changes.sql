-- Who changed what: an entry for every transaction that changes a table that edp keeps, and a row for every command.

-- Commands that change something. A row that says 'running' and whose lock nobody holds was interrupted.
CREATE TABLE edp.runs (
  run_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  command   text NOT NULL,
  options   jsonb NOT NULL,               -- as on the command line, without secrets
  started   timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished  timestamptz,
  state     text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
  inserted  bigint,                       -- rows; sums of edp.changes, written when the command ends
  updated   bigint,
  deleted   bigint,
  rejected  bigint,                       -- records
  host      text NOT NULL,
  version   text NOT NULL                 -- of edp
);

-- Append-only. A reader keeps pg_current_snapshot() of what it read: an entry of the same table whose xid is
-- not visible in it is a change that the reader has not seen (src/ledger/changes.ts).
CREATE TABLE edp.changes (
  change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid       xid8 NOT NULL DEFAULT pg_current_xact_id(),
  relation  text NOT NULL,                -- schema-qualified, quoted where needed
  kind      text NOT NULL CHECK (kind IN ('inserted', 'updated', 'deleted', 'definition')),
  load_id   bigint,                       -- no reference: the entry stays when the load goes
  -- Each session of a command has the number as a setting, so that no statement needs to name it.
  run_id    bigint DEFAULT nullif(current_setting('edp.run_id', true), '')::bigint,
  dates     jsonb,                        -- date column -> dates of the rows before and after; null for too many
  keys      jsonb,                        -- the same for the keys of a small table
  rows      bigint                        -- null for a definition
);

CREATE INDEX ON edp.changes (relation, xid);
CREATE INDEX ON edp.changes (run_id);

-- Roles that could load or read before still can.
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
      EXECUTE format('GRANT SELECT, INSERT ON edp.changes TO %s', holder.name);
      EXECUTE format('GRANT SELECT, INSERT, UPDATE ON edp.runs TO %s', holder.name);
    ELSIF holder.relname = 'loads' AND holder.privilege_type = 'SELECT' THEN
      EXECUTE format('GRANT SELECT ON edp.changes, edp.runs TO %s', holder.name);
    END IF;
  END LOOP;
END
$$;
