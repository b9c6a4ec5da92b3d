-- title: Undeclared metrics
-- description: Each metric that was kept beside the rows because the model did not declare it: in how
--   many records of how many files, and in which loads first and last. declared_now shows whether the
--   model declares it now.
-- chart: bar x=metric y=records by=table_name

SELECT concat(CASE WHEN l.schema_name <> current_schema() THEN l.schema_name || '.' END, l.table_name)
         AS table_name,
       u.metric,
       sum(u.records::bigint) AS records,
       count(DISTINCT l.content_hash) AS files,
       min(l.load_id) AS first_load,
       max(l.load_id) AS last_load,
       coalesce(coalesce(:declared_metrics -> (l.schema_name || '.' || l.table_name),
                         :declared_metrics -> l.table_name) ? u.metric, false) AS declared_now
  FROM edp.receipts AS r
  -- As an object: a ledger that an older edp made has no schemas.
  JOIN (SELECT load_id, table_name, content_hash, to_jsonb(loads) ->> 'schema_name' AS schema_name
          FROM edp.loads) AS l USING (load_id)
 CROSS JOIN LATERAL jsonb_each_text(r.unknown_metrics) AS u (metric, records)
 GROUP BY l.schema_name, l.table_name, u.metric
 ORDER BY records DESC, l.schema_name, l.table_name, u.metric;
