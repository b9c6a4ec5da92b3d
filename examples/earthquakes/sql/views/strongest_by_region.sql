-- title: Strongest earthquakes
-- question: Which regions had the strongest earthquakes, and how many in all?
SELECT region, max(magnitude) AS strongest, count(*) AS quakes, round(avg(depth_km)::numeric, 1) AS mean_depth_km
FROM silver.quakes
GROUP BY region
ORDER BY strongest DESC, region
