-- title: Orders by day
-- description: How many orders came on each day, and what they were worth.
SELECT date, orders, amount
  FROM gold.orders_by_day
 ORDER BY date
