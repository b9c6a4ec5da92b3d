-- title: Each metric, day by day
-- description: For each day and metric the number of values, their sum, mean, median (p50), 95th
--   percentile and maximum. Events without the metric do not count; percentiles are interpolated.
-- param from timestamp: start of the time range of recorded_date, inclusive
-- param to timestamp: end of the time range of recorded_date, exclusive
-- chart: line x=day y=p50,mean,p95 panels=metric

SELECT date_trunc('day', f.recorded_date)::date AS day,
       m.metric,
       count(m.value) AS count,
       sum(m.value) AS sum,
       trim_scale(avg(m.value)) AS mean,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY m.value::double precision) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY m.value::double precision) AS p95,
       max(m.value) AS max
  FROM events AS f
 CROSS JOIN LATERAL (VALUES :metric_values) AS m (metric, value)
 WHERE (:'from' IS NULL OR f.recorded_date >= :'from')
   AND (:'to' IS NULL OR f.recorded_date < :'to')
 GROUP BY 1, 2
 ORDER BY 1, 2;
