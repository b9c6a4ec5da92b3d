-- The warehouse: what stays when a table is made anew, a member goes, or a check is declared later.

ALTER TABLE edp.tasks
  ADD checks  text[] NOT NULL DEFAULT '{}',  -- hashes of the checks that all rows of the table were asked
  ADD indexes text[];                        -- names of the indexes that edp made; NULL for all that are there

-- Ids of members that are gone from a dimension: who comes back has the id from before.
CREATE TABLE edp.member_ids (
  task text NOT NULL REFERENCES edp.tasks ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  key  text[] NOT NULL,                      -- the natural key
  id   text NOT NULL,
  PRIMARY KEY (task, key)
);

-- Roles that could run tasks before still can.
DO $$
DECLARE
  holder record;
BEGIN
  FOR holder IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = 'edp.unknown_keys'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON edp.member_ids TO %s', holder.name);
  END LOOP;
END
$$;
