-- title: How the values of each metric are spread
-- description: For each metric that the model declares, its values in buckets of one width: how many events
--   have a value from from_value up to, but not including, to_value (the last bucket includes it), and what
--   percent of the values that is. Events without the metric do not count.
-- param from timestamp: start of the time range of recorded_date, inclusive
-- param to timestamp: end of the time range of recorded_date, exclusive
-- param buckets integer = 20: how many buckets each metric has
-- chart: histogram x=from_value y=events panels=metric

-- Counted by value first: most metrics have far fewer values than there are events.
-- The ranges are kept, too: where the server expects few rows, it would find them anew for each value.
WITH counted AS MATERIALIZED (
  SELECT m.metric, m.value, count(*) AS events
    FROM events AS f
   CROSS JOIN LATERAL (VALUES :metric_values) AS m (metric, value)
   WHERE m.value IS NOT NULL AND m.value NOT IN ('NaN', 'Infinity', '-Infinity')
     AND (:'from' IS NULL OR f.recorded_date >= :'from')
     AND (:'to' IS NULL OR f.recorded_date < :'to')
   GROUP BY 1, 2
), ranges AS MATERIALIZED (
  SELECT metric, min(value) AS low, max(value) AS high, sum(events) AS events,
         -- Whole numbers get buckets of whole numbers, so that none holds more of them than another.
         CASE WHEN bool_and(value = trunc(value)) AND max(value) > min(value)
              THEN ceil((max(value) - min(value) + 1) / greatest(1, :'buckets'))
              ELSE (max(value) - min(value)) / greatest(1, :'buckets') END AS width
    FROM counted
   GROUP BY metric
), bucketed AS (
  SELECT c.metric, r.low, r.width, r.events AS of_all,
         CASE WHEN r.width = 0 THEN 0
              ELSE least(floor((c.value - r.low) / r.width), greatest(1, :'buckets') - 1) END AS bucket,
         c.events
    FROM counted AS c
    JOIN ranges AS r USING (metric)
)
SELECT metric,
       trim_scale(low + bucket * width) AS from_value,
       trim_scale(low + (bucket + 1) * width) AS to_value,
       sum(events)::bigint AS events,
       round(100 * sum(events) / of_all, 2)::double precision AS percent
  FROM bucketed
 GROUP BY metric, low, width, of_all, bucket
 ORDER BY metric, bucket;
