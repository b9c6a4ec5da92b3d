-- title: Events per hour and first dimension, without a join
-- description: The same as count_hourly_events_by_first_dimension, by the name that each event keeps
--   itself. For models whose events have a column first_dimension_name with
--   copy-of: first_dimensions.name (docs/model.md).
-- param from timestamp: start of the time range of recorded_date, inclusive
-- param to timestamp: end of the time range of recorded_date, exclusive
-- chart: line x=current_hour y=num_events by=dimension_name top=5 per=fit

SELECT f.first_dimension_name AS dimension_name,
       date_trunc('hour', f.recorded_date) AS current_hour,
       count(*) AS num_events
  FROM events AS f
 WHERE (:'from' IS NULL OR f.recorded_date >= :'from')
   AND (:'to' IS NULL OR f.recorded_date < :'to')
 GROUP BY 1, 2
 ORDER BY 1, 2;
