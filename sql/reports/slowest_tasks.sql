-- title: The tasks that take longest
-- description: For each task of edp run the time of all its slices: in total, on average and at most, how
--   many of them failed or were held back, how many rows they changed, and when the last one ended.
-- param from timestamptz: only slices that finished at this time or later
-- param to timestamptz: only slices that finished before this time
-- param top integer = 20: how many tasks to show
-- chart: bar x=task y=total_seconds

SELECT task,
       count(*) FILTER (WHERE state = 'done') AS slices_done,
       count(*) FILTER (WHERE state = 'failed') AS slices_failed,
       count(DISTINCT run_id) AS runs,
       round(sum(seconds)::numeric, 3)::double precision AS total_seconds,
       round(avg(seconds)::numeric, 3)::double precision AS mean_seconds,
       round(max(seconds)::numeric, 3)::double precision AS longest_seconds,
       sum(coalesce(inserted, 0) + coalesce(updated, 0) + coalesce(deleted, 0))::bigint AS rows_changed,
       max(finished) AS last_finished
  FROM edp.task_runs
 WHERE state IN ('done', 'failed')
   AND (:'from' IS NULL OR finished >= :'from')
   AND (:'to' IS NULL OR finished < :'to')
 GROUP BY task
 ORDER BY total_seconds DESC, task
 LIMIT :'top';
