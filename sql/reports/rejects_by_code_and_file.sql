-- title: Rejected records, by file and reason
-- description: For each file, column and code the number of records that were rejected, their share of the
--   records of the file, and one of the reasons. The files with most rejects come first.
-- param from timestamptz: only loads that started at this time or later
-- param to timestamptz: only loads that started before this time
-- chart: bar x=path y=records by=code

SELECT l.path,
       r.load_id,
       r.code,
       r.column_name,
       count(*) AS records,
       round(100.0 * count(*) / nullif(l.rows_read, 0), 4)::double precision AS percent_of_file,
       min(r.reason) AS example
  FROM edp.rejects AS r
  JOIN edp.loads AS l USING (load_id)
 WHERE (:'from' IS NULL OR l.started_at >= :'from')
   AND (:'to' IS NULL OR l.started_at < :'to')
 GROUP BY l.path, r.load_id, l.rows_read, r.code, r.column_name
 ORDER BY sum(count(*)) OVER (PARTITION BY r.load_id) DESC, r.load_id, records DESC, r.code, r.column_name;
