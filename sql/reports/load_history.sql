-- title: Loads and their speed
-- description: One row per load, newest first. seconds is the working time of all its runs, and
--   rows_per_second the rows read in each of them.
-- param from timestamptz: only loads that started at this time or later
-- param to timestamptz: only loads that started before this time

SELECT load_id,
       path,
       table_name,
       state,
       rows_read,
       rows_loaded,
       rows_rejected,
       rows_duplicate,
       size_bytes,
       round(seconds::numeric, 3) AS seconds,
       round((rows_read / nullif(seconds, 0))::numeric) AS rows_per_second,
       started_at,
       finished_at
  FROM edp.loads
 WHERE (:'from' IS NULL OR started_at >= :'from')
   AND (:'to' IS NULL OR started_at < :'to')
 ORDER BY load_id DESC;
