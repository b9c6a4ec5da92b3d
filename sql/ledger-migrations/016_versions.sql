-- Tables that keep each version of a key, and files that hold all members of such a table.

-- Members that the load found gone, as rows of their own; NULL: the load has not compared its members with those before.
ALTER TABLE edp.loads ADD COLUMN rows_ended bigint;

-- While a load of all members goes on: versions of earlier loads that its records repeat. A repeated version is no row, and
-- its member has not ended.
CREATE TABLE edp.seen_versions (
  load_id bigint NOT NULL REFERENCES edp.loads ON DELETE CASCADE,
  version_load bigint NOT NULL,      -- the load of the version
  version_offset bigint NOT NULL,    -- and the place of its record
  PRIMARY KEY (load_id, version_load, version_offset)
);

-- Roles that could load before still can.
DO $$
DECLARE
  holder record;
BEGIN
  FOR holder IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = 'edp.receipts'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON edp.seen_versions TO %s', holder.name);
  END LOOP;
END
$$;
