-- all rows
SELECT "days"."date",
  CAST(to_char("days"."date", 'YYYYMMDD') AS integer) AS "id",
  CAST(date_part('year', "days"."date") AS integer) AS "year",
  CAST(date_part('quarter', "days"."date") AS integer) AS "quarter",
  CAST(date_part('month', "days"."date") AS integer) AS "month",
  btrim(to_char("days"."date", 'Month')) AS "month_name",
  CAST(date_part('day', "days"."date") AS integer) AS "day",
  CAST(date_part('isodow', "days"."date") AS integer) AS "day_of_week",
  btrim(to_char("days"."date", 'Day')) AS "day_name",
  CAST(date_part('isoyear', "days"."date") AS integer) AS "iso_year",
  CAST(date_part('week', "days"."date") AS integer) AS "iso_week",
  CAST(date_part('doy', "days"."date") AS integer) AS "day_of_year",
  CAST(date_part('isodow', "days"."date") AS integer) > 5 AS "is_weekend"
FROM (
SELECT CAST(generate_series(CAST('2019-01-01' AS timestamp), CAST('2019-12-31' AS timestamp), CAST('1 day' AS interval)) AS date) AS "date"
) AS "days";
