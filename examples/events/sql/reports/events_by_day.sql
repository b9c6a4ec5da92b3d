-- title: Events by day
-- description: How many events were recorded on each day.
SELECT date, events, metric_one, metric_two
  FROM gold.events_by_day
 ORDER BY date
