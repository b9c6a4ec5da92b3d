-- Results of reports that are shown again while nothing in the database has changed since they were read.

-- Rows as each format gets them. A login sees only what was read in its own name, by the same role: who may SET ROLE to a
-- role shares its rights, and must not be able to put results before others who do.
CREATE TABLE edp.report_cache (
  entry_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  role_name name NOT NULL DEFAULT current_user,
  role_oid  oid NOT NULL DEFAULT quote_ident(current_user)::regrole,
  login_oid oid NOT NULL DEFAULT quote_ident(session_user)::regrole,
  key       bytea NOT NULL,                -- a hash of SQL, parameters, settings and versions
  report    text NOT NULL,                 -- its name, for people
  history   text NOT NULL,                 -- the database in which the snapshot means something
  snapshot  pg_snapshot NOT NULL,          -- of a moment before it was read
  columns   jsonb NOT NULL,                -- names and types
  rows      bigint NOT NULL,
  bytes     bigint NOT NULL CHECK (bytes >= 0),   -- of its parts, unpacked
  kept_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (login_oid, role_oid, key)
);

CREATE TABLE edp.report_cache_parts (
  entry_id bigint NOT NULL REFERENCES edp.report_cache ON DELETE CASCADE,
  part     int NOT NULL,                   -- from 0
  rows     bytea NOT NULL,                 -- JSON: lists of the texts that the server sent
  PRIMARY KEY (entry_id, part)
);

-- Transactions of which a role says that they changed nothing but the cache. Only results of the same role and login believe
-- it, and all believe the owner of this table: whoever may write data could hide it from the others otherwise.
CREATE TABLE edp.report_cache_writes (
  xid       xid8 PRIMARY KEY DEFAULT pg_current_xact_id(),
  role_oid  oid NOT NULL DEFAULT quote_ident(current_user)::regrole,
  login_oid oid NOT NULL DEFAULT quote_ident(session_user)::regrole
);

-- The server's ANALYZE of these tables would make all results stale.
ALTER TABLE edp.report_cache SET (autovacuum_analyze_threshold = 2147483647);
ALTER TABLE edp.report_cache_parts SET (autovacuum_analyze_threshold = 2147483647);
ALTER TABLE edp.report_cache_writes SET (autovacuum_analyze_threshold = 2147483647);

ALTER TABLE edp.report_cache ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON edp.report_cache
  USING (role_name = current_user AND role_oid = quote_ident(current_user)::regrole
    AND login_oid = quote_ident(session_user)::regrole);

ALTER TABLE edp.report_cache_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON edp.report_cache_parts
  USING (EXISTS (SELECT FROM edp.report_cache c WHERE c.entry_id = report_cache_parts.entry_id));

ALTER TABLE edp.report_cache_writes ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON edp.report_cache_writes FOR SELECT USING (true);
CREATE POLICY own ON edp.report_cache_writes FOR INSERT
  WITH CHECK (xid = pg_current_xact_id() AND role_oid = quote_ident(current_user)::regrole
    AND login_oid = quote_ident(session_user)::regrole);

-- Removes what was used least recently, of all roles, until the rest is no larger, and what is too old to be used again: edp
-- looks at 10,000 transactions at most. In the name of the owner of the ledger, since a role sees only its own.
CREATE FUNCTION edp.trim_report_cache(max_bytes bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM edp.report_cache WHERE entry_id IN (
    SELECT entry_id FROM (
      SELECT entry_id, sum(bytes) OVER (ORDER BY used_at DESC, entry_id DESC) AS total FROM edp.report_cache) AS ranked
    WHERE total > max_bytes)
    OR pg_snapshot_xmin(snapshot)::text::bigint < pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 10000;
  DELETE FROM edp.report_cache_writes
  WHERE xid::text::bigint < greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 10000,
    (SELECT min(pg_snapshot_xmin(snapshot)::text::bigint) FROM edp.report_cache))
$$;
