-- title: Metric totals per second dimension
-- description: How many events each second dimension has, and the sum of each metric over them. Events
--   without a second dimension are counted under an empty name.
-- param from timestamp: start of the time range of recorded_date, inclusive
-- param to timestamp: end of the time range of recorded_date, exclusive
-- chart: bar x=dimension_name y=num_events

SELECT d.name AS dimension_name,
       count(*) AS num_events,
       :metric_sums
  FROM events AS f
  LEFT JOIN second_dimensions AS d ON d.id = f.second_dimension_id
 WHERE (:'from' IS NULL OR f.recorded_date >= :'from')
   AND (:'to' IS NULL OR f.recorded_date < :'to')
 GROUP BY 1
 ORDER BY 1;
