-- title: How old the data is
-- description: For each table that files are loaded into, and each table that edp run keeps: when it was
--   brought up to date last, and how many hours ago. is_late tells which are older than they should be. A
--   task that had nothing to do is as fresh as the last run of all tasks.
-- param hours numeric = 24: from which age on a table is late
-- chart: bar x=relation y=hours_old by=is_late limit=:hours

WITH last_loads AS (
  SELECT DISTINCT ON (schema_name, table_name) schema_name, table_name, load_id, path, finished_at
    FROM edp.loads
   WHERE finished_at IS NOT NULL AND undone_at IS NULL AND gone_at IS NULL AND replaced_by IS NULL
   ORDER BY schema_name, table_name, finished_at DESC
), last_runs AS (
  -- A run that left a task as it was has no receipt of it.
  SELECT max(run_id) AS run_id, max(finished) AS finished
    FROM edp.runs
   WHERE command = 'run' AND state = 'done' AND options -> 'tasks' = '[]'
     AND NOT options ?| ARRAY['task', 'env', 'from', 'to']
), kept AS (
  SELECT concat(CASE WHEN schema_name <> current_schema() THEN schema_name || '.' END, table_name) AS relation,
         'loaded' AS kind,
         finished_at AS up_to_date_at,
         concat('load ', load_id, ': ', path) AS last_change
    FROM last_loads
   UNION ALL
  SELECT t.relation, t.kind,
         CASE WHEN s.task IS NULL THEN greatest(t.made_at, last_runs.finished) ELSE t.made_at END,
         CASE WHEN s.task IS NULL THEN concat('run ', last_runs.run_id) ELSE 'held back by a check' END
    FROM edp.tasks AS t
   CROSS JOIN last_runs
    LEFT JOIN (SELECT DISTINCT task FROM edp.stale_slices) AS s USING (task)
   WHERE t.kind <> 'view'
)
SELECT relation,
       kind,
       up_to_date_at,
       round((extract(epoch FROM now() - up_to_date_at) / 3600)::numeric, 4)::double precision AS hours_old,
       now() - up_to_date_at > make_interval(secs => (3600 * :'hours')::double precision) AS is_late,
       last_change
  FROM kept
 ORDER BY up_to_date_at, relation;
