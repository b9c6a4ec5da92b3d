-- title: Metric totals per first dimension
-- description: How many events each first dimension has, and the sum of each metric over them. Events
--   without a first dimension are counted under an empty name.
-- param from timestamp: start of the time range of recorded_date, inclusive
-- param to timestamp: end of the time range of recorded_date, exclusive
-- chart: bar x=dimension_name y=num_events

SELECT d.name AS dimension_name,
       count(*) AS num_events,
       :metric_sums
  FROM events AS f
  LEFT JOIN first_dimensions AS d ON d.id = f.first_dimension_id
 WHERE (:'from' IS NULL OR f.recorded_date >= :'from')
   AND (:'to' IS NULL OR f.recorded_date < :'to')
 GROUP BY 1
 ORDER BY 1;
