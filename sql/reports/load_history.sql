-- title: Loads and their speed
-- description: One row per load, newest first. seconds is the working time of all its runs (of one
--   that was killed, as far as its splits show it), and rows_per_second the rows read in each of them.
-- param from timestamptz: only loads that started at this time or later
-- param to timestamptz: only loads that started before this time
-- chart: dot x=finished_at y=rows_per_second by=table_name scale=log

SELECT load_id,
       path,
       concat(CASE WHEN own ->> 'schema_name' <> current_schema() THEN (own ->> 'schema_name') || '.' END,
              table_name) AS table_name,
       CASE WHEN own ->> 'gone_at' IS NULL OR state = 'undone' THEN state ELSE 'gone' END AS state,
       rows_read,
       rows_loaded,
       rows_rejected,
       rows_duplicate,
       size_bytes,
       round(worked::numeric, 3) AS seconds,
       round((rows_read / nullif(worked, 0))::numeric) AS rows_per_second,
       started_at,
       finished_at
  -- As an object: a ledger that an older edp made has neither schemas nor tables that are gone.
  FROM (SELECT l.*, to_jsonb(l) AS own, CASE WHEN attempt <= 1 THEN seconds ELSE greatest(seconds, (
                 SELECT sum(gap) FILTER (WHERE gap <= 60)
                   FROM (SELECT extract(epoch FROM r.committed_at - lag(r.committed_at, 1, l.started_at)
                                  OVER (ORDER BY r.committed_at)) AS gap
                           FROM edp.receipts r
                          WHERE r.load_id = l.load_id) AS gaps)) END AS worked
          FROM edp.loads l) AS loads
 WHERE (:'from' IS NULL OR started_at >= :'from')
   AND (:'to' IS NULL OR started_at < :'to')
 ORDER BY load_id DESC;
