-- all rows
SELECT CAST(timezone('UTC', "source"."ran_at") AS date) AS "date",
  coalesce("dimension_1"."id", 0) AS "then",
  count(*) AS "jobs",
  count(*) AS "edp_read",
  count(*) FILTER (WHERE "source"."member" IS NULL) AS "edp_null_key"
FROM "silver"."jobs" AS "source"
LEFT JOIN "gold"."staff_then_dim" AS "dimension_1" ON "dimension_1"."member" = "source"."member" AND ("dimension_1"."is_current" OR "dimension_1"."valid_to" > "source"."ran_at") AND ("dimension_1"."valid_from" <= "source"."ran_at" OR "source"."ran_at" IS NULL OR "dimension_1"."previous_to" IS NULL)
GROUP BY CAST(timezone('UTC', "source"."ran_at") AS date), coalesce("dimension_1"."id", 0);

-- rows of slices
SELECT CAST(timezone('UTC', "source"."ran_at") AS date) AS "date",
  coalesce("dimension_1"."id", 0) AS "then",
  count(*) AS "jobs",
  count(*) AS "edp_read",
  count(*) FILTER (WHERE "source"."member" IS NULL) AS "edp_null_key"
FROM "silver"."jobs" AS "source"
LEFT JOIN "gold"."staff_then_dim" AS "dimension_1" ON "dimension_1"."member" = "source"."member" AND ("dimension_1"."is_current" OR "dimension_1"."valid_to" > "source"."ran_at") AND ("dimension_1"."valid_from" <= "source"."ran_at" OR "source"."ran_at" IS NULL OR "dimension_1"."previous_to" IS NULL)
WHERE ("source"."ran_at" IS NULL OR "source"."ran_at" = CAST('infinity' AS timestamp with time zone) OR "source"."ran_at" >= CAST('2019-01-30' AS timestamp with time zone) AND "source"."ran_at" < CAST('2019-02-03' AS timestamp with time zone)) AND (CAST(timezone('UTC', "source"."ran_at") AS date) = ANY (CAST('{"2019-01-31","2019-02-01","infinity"}' AS date[])) OR CAST(timezone('UTC', "source"."ran_at") AS date) IS NULL)
GROUP BY CAST(timezone('UTC', "source"."ran_at") AS date), coalesce("dimension_1"."id", 0);

-- unknown keys of then
SELECT DISTINCT CAST(timezone('UTC', "source"."ran_at") AS date) AS "slice",
  CAST("source"."member" AS text) AS "key_1"
FROM "silver"."jobs" AS "source"
WHERE "source"."member" IS NOT NULL AND NOT EXISTS (
SELECT 
FROM "gold"."staff_then_dim" AS "looked_up"
WHERE "looked_up"."member" = "source"."member"
);
