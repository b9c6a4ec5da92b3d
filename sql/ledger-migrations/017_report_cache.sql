-- Results of reports that are shown again while nothing in the database has changed since they were read.

-- Rows as each format gets them. A role sees only what was read in its name.
CREATE TABLE edp.report_cache (
  entry_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role_name name NOT NULL DEFAULT current_user,
  role_oid  oid NOT NULL DEFAULT quote_ident(current_user)::regrole,
  key       bytea NOT NULL,                -- a hash of SQL, parameters, settings and versions
  report    text NOT NULL,                 -- its name, for people
  history   text NOT NULL,                 -- the database in which the snapshot means something
  snapshot  pg_snapshot NOT NULL,          -- of a moment before it was read
  columns   jsonb NOT NULL,                -- names and types
  rows      bigint NOT NULL,
  bytes     bigint NOT NULL CHECK (bytes >= 0),   -- of its parts, unpacked
  kept_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (role_oid, key)
);

CREATE TABLE edp.report_cache_parts (
  entry_id bigint NOT NULL REFERENCES edp.report_cache ON DELETE CASCADE,
  part     int NOT NULL,                   -- from 0
  rows     bytea NOT NULL,                 -- JSON: lists of the texts that the server sent
  PRIMARY KEY (entry_id, part)
);

-- Transactions that changed nothing but the cache: they make no entry stale.
CREATE TABLE edp.report_cache_writes (
  xid xid8 PRIMARY KEY DEFAULT pg_current_xact_id()
);

ALTER TABLE edp.report_cache ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON edp.report_cache
  USING (role_name = current_user AND role_oid = quote_ident(current_user)::regrole);

ALTER TABLE edp.report_cache_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON edp.report_cache_parts
  USING (EXISTS (SELECT FROM edp.report_cache c WHERE c.entry_id = report_cache_parts.entry_id));

-- Removes what was used least recently, of all roles, until the rest is no larger. In the name of the owner of the
-- ledger, since a role sees only its own.
CREATE FUNCTION edp.trim_report_cache(max_bytes bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM edp.report_cache WHERE entry_id IN (
    SELECT entry_id FROM (
      SELECT entry_id, sum(bytes) OVER (ORDER BY used_at DESC, entry_id DESC) AS total FROM edp.report_cache) AS ranked
    WHERE total > max_bytes);
  DELETE FROM edp.report_cache_writes
  WHERE xid < (SELECT min(pg_snapshot_xmin(snapshot)::text::bigint)::text::xid8 FROM edp.report_cache)
$$;
