-- title: Earthquakes by day
-- chart: bar x=date y=quakes
-- description: How many earthquakes there were on each day, and the strongest of them.
-- param from date: first day
-- param to date: day behind the last one
SELECT date, sum(quakes)::bigint AS quakes, max(strongest) AS strongest
  FROM gold.quake_fact
 WHERE (:'from' IS NULL OR date >= :'from')
   AND (:'to' IS NULL OR date < :'to')
 GROUP BY date
 ORDER BY date
