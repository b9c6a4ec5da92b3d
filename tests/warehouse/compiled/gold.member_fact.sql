-- all rows
SELECT CAST(timezone('UTC', "source"."valid_from") AS date) AS "date",
  "source"."member_id",
  "source"."plan",
  1 AS "edp_read",
  CAST(false AS integer) AS "edp_null_key"
FROM "silver"."plans" AS "source"
WHERE "source"."is_current";

-- rows of slices
SELECT CAST(timezone('UTC', "source"."valid_from") AS date) AS "date",
  "source"."member_id",
  "source"."plan",
  1 AS "edp_read",
  CAST(false AS integer) AS "edp_null_key"
FROM "silver"."plans" AS "source"
WHERE "source"."is_current" AND ("source"."valid_from" IS NULL OR "source"."valid_from" = CAST('infinity' AS timestamp with time zone) OR "source"."valid_from" >= CAST('2019-01-30' AS timestamp with time zone) AND "source"."valid_from" < CAST('2019-02-03' AS timestamp with time zone)) AND (CAST(timezone('UTC', "source"."valid_from") AS date) = ANY (CAST('{"2019-01-31","2019-02-01","infinity"}' AS date[])) OR CAST(timezone('UTC', "source"."valid_from") AS date) IS NULL);
