-- title: Quality of what was loaded, day by day
-- description: For each day and table, the loads that began then: how many records they read, how many
--   became rows, were there already, or were rejected, and the rejected ones of a million. Undone loads do
--   not count. Days are those of UTC.
-- param from timestamptz: only loads that started at this time or later
-- param to timestamptz: only loads that started before this time
-- chart: line x=day y=rejected_per_million by=table_name

SELECT (started_at AT TIME ZONE 'UTC')::date AS day,
       concat(CASE WHEN own ->> 'schema_name' <> current_schema() THEN (own ->> 'schema_name') || '.' END,
              table_name) AS table_name,
       count(*) AS loads,
       count(*) FILTER (WHERE state <> 'loaded') AS unfinished,
       sum(rows_read)::bigint AS rows_read,
       sum(rows_loaded)::bigint AS rows_loaded,
       sum(rows_duplicate)::bigint AS rows_duplicate,
       sum(rows_rejected)::bigint AS rows_rejected,
       round(1000000 * sum(rows_rejected) / nullif(sum(rows_read), 0), 1)::double precision AS rejected_per_million,
       sum(size_bytes)::bigint AS size_bytes
  -- As an object: a ledger that an older edp made has no schemas.
  FROM (SELECT l.*, to_jsonb(l) AS own FROM edp.loads l) AS loads
 WHERE state NOT IN ('undoing', 'undone')
   AND (:'from' IS NULL OR started_at >= :'from')
   AND (:'to' IS NULL OR started_at < :'to')
 GROUP BY 1, 2
 ORDER BY 1, 2;
