-- title: Undeclared metrics
-- description: Each metric that was kept beside the rows because the model did not declare it: in how
--   many records of how many files, and in which loads first and last. declared_now shows whether the
--   model declares it now.

SELECT l.table_name,
       u.metric,
       sum(u.records::bigint) AS records,
       count(DISTINCT l.content_hash) AS files,
       min(l.load_id) AS first_load,
       max(l.load_id) AS last_load,
       coalesce(:declared_metrics -> l.table_name ? u.metric, false) AS declared_now
  FROM edp.receipts AS r
  JOIN edp.loads AS l USING (load_id)
 CROSS JOIN LATERAL jsonb_each_text(r.unknown_metrics) AS u (metric, records)
 GROUP BY l.table_name, u.metric
 ORDER BY records DESC, l.table_name, u.metric;
