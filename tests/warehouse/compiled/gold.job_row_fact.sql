-- all rows
SELECT CAST(date_trunc('hour', "source"."ran") AS timestamp without time zone) AS "date",
  coalesce("dimension_1"."id", 0) AS "user",
  "source"."id",
  "source"."seconds",
  1 AS "edp_read",
  CAST("source"."user_id" IS NULL AS integer) AS "edp_null_key"
FROM "public"."raw_jobs" AS "source"
LEFT JOIN "gold"."member_dim" AS "dimension_1" ON "dimension_1"."user_id" = "source"."user_id";

-- rows of slices
SELECT CAST(date_trunc('hour', "source"."ran") AS timestamp without time zone) AS "date",
  coalesce("dimension_1"."id", 0) AS "user",
  "source"."id",
  "source"."seconds",
  1 AS "edp_read",
  CAST("source"."user_id" IS NULL AS integer) AS "edp_null_key"
FROM "public"."raw_jobs" AS "source"
LEFT JOIN "gold"."member_dim" AS "dimension_1" ON "dimension_1"."user_id" = "source"."user_id"
WHERE ("source"."ran" IS NULL OR "source"."ran" = CAST('infinity' AS timestamp without time zone) OR "source"."ran" >= CAST('2019-01-30' AS timestamp without time zone) AND "source"."ran" < CAST('2019-02-03' AS timestamp without time zone)) AND (CAST(date_trunc('hour', "source"."ran") AS timestamp without time zone) = ANY (CAST('{"2019-01-31","2019-02-01","infinity"}' AS timestamp without time zone[])) OR CAST(date_trunc('hour', "source"."ran") AS timestamp without time zone) IS NULL);

-- unknown keys of user
SELECT DISTINCT CAST(date_trunc('hour', "source"."ran") AS timestamp without time zone) AS "slice",
  CAST("source"."user_id" AS text) AS "key_1"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."user_id" IS NOT NULL AND NOT EXISTS (
SELECT 
FROM "gold"."member_dim" AS "looked_up"
WHERE "looked_up"."user_id" = "source"."user_id"
);
