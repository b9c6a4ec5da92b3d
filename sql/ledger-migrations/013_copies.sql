-- Columns that copy a value of another table: until when all their values are right.
CREATE TABLE edp.copies (
  relation text NOT NULL,          -- schema and table, quoted where needed
  column_name text NOT NULL,
  definition text NOT NULL,        -- what it copies, and by which column
  history text NOT NULL,           -- of transactions, in which the snapshot means something
  snapshot pg_snapshot NOT NULL,   -- what was visible of the other table
  members bigint NOT NULL,         -- its rows then
  mended_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (relation, column_name)
);

-- Roles that could run tasks before still can.
DO $$
DECLARE
  holder record;
BEGIN
  FOR holder IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = 'edp.tasks'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON edp.copies TO %s', holder.name);
  END LOOP;
END
$$;
