-- all rows
SELECT CAST(timezone('America/New_York', "source"."ran_at") AS date) AS "date",
  coalesce("dimension_1"."id", 0) AS "user",
  coalesce("dimension_2"."id", CAST('00000000-0000-0000-0000-000000000000' AS uuid)) AS "resource",
  "source"."os",
  count(*) AS "jobs",
  count(DISTINCT "source"."member") AS "members",
  round(CAST(max("source"."seconds") AS numeric), 1) AS "longest",
  CAST(sum("source"."seconds" * 2) AS numeric) AS "mean_sum",
  count("source"."seconds" * 2) AS "mean_count",
  count(*) AS "edp_read",
  count(*) FILTER (WHERE "source"."member" IS NULL OR "source"."class" IS NULL OR "source"."os" IS NULL) AS "edp_null_key"
FROM "silver"."jobs" AS "source"
LEFT JOIN "gold"."member_dim" AS "dimension_1" ON "dimension_1"."user_id" = "source"."member"
LEFT JOIN "gold"."resource_dim" AS "dimension_2" ON "dimension_2"."class" = "source"."class" AND "dimension_2"."os" = "source"."os"
GROUP BY CAST(timezone('America/New_York', "source"."ran_at") AS date), coalesce("dimension_1"."id", 0), coalesce("dimension_2"."id", CAST('00000000-0000-0000-0000-000000000000' AS uuid)), "source"."os";

-- rows of slices
SELECT CAST(timezone('America/New_York', "source"."ran_at") AS date) AS "date",
  coalesce("dimension_1"."id", 0) AS "user",
  coalesce("dimension_2"."id", CAST('00000000-0000-0000-0000-000000000000' AS uuid)) AS "resource",
  "source"."os",
  count(*) AS "jobs",
  count(DISTINCT "source"."member") AS "members",
  round(CAST(max("source"."seconds") AS numeric), 1) AS "longest",
  CAST(sum("source"."seconds" * 2) AS numeric) AS "mean_sum",
  count("source"."seconds" * 2) AS "mean_count",
  count(*) AS "edp_read",
  count(*) FILTER (WHERE "source"."member" IS NULL OR "source"."class" IS NULL OR "source"."os" IS NULL) AS "edp_null_key"
FROM "silver"."jobs" AS "source"
LEFT JOIN "gold"."member_dim" AS "dimension_1" ON "dimension_1"."user_id" = "source"."member"
LEFT JOIN "gold"."resource_dim" AS "dimension_2" ON "dimension_2"."class" = "source"."class" AND "dimension_2"."os" = "source"."os"
WHERE ("source"."ran_at" IS NULL OR "source"."ran_at" = CAST('infinity' AS timestamp with time zone) OR "source"."ran_at" >= CAST('2019-01-30' AS timestamp with time zone) AND "source"."ran_at" < CAST('2019-02-03' AS timestamp with time zone)) AND (CAST(timezone('America/New_York', "source"."ran_at") AS date) = ANY (CAST('{"2019-01-31","2019-02-01","infinity"}' AS date[])) OR CAST(timezone('America/New_York', "source"."ran_at") AS date) IS NULL)
GROUP BY CAST(timezone('America/New_York', "source"."ran_at") AS date), coalesce("dimension_1"."id", 0), coalesce("dimension_2"."id", CAST('00000000-0000-0000-0000-000000000000' AS uuid)), "source"."os";

-- unknown keys of user
SELECT DISTINCT CAST(timezone('America/New_York', "source"."ran_at") AS date) AS "slice",
  CAST("source"."member" AS text) AS "key_1"
FROM "silver"."jobs" AS "source"
WHERE "source"."member" IS NOT NULL AND NOT EXISTS (
SELECT 
FROM "gold"."member_dim" AS "looked_up"
WHERE "looked_up"."user_id" = "source"."member"
);

-- unknown keys of resource
SELECT DISTINCT CAST(timezone('America/New_York', "source"."ran_at") AS date) AS "slice",
  CAST("source"."class" AS text) AS "key_1",
  CAST("source"."os" AS text) AS "key_2"
FROM "silver"."jobs" AS "source"
WHERE "source"."class" IS NOT NULL AND "source"."os" IS NOT NULL AND NOT EXISTS (
SELECT 
FROM "gold"."resource_dim" AS "looked_up"
WHERE "looked_up"."class" = "source"."class" AND "looked_up"."os" = "source"."os"
);
