-- all rows
SELECT "ranked"."member",
  "ranked"."ran_on",
  "ranked"."load_id"
FROM (
SELECT "rows"."member",
  "rows"."ran_on",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member" ORDER BY "rows"."edp_latest" DESC NULLS LAST, "rows"."load_id" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, CAST("rows"."edp_source_3" AS text) DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST, "rows"."edp_source_7" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."user_id" AS "member",
  CAST("source"."ran" AS date) AS "ran_on",
  "source"."load_id",
  "source"."changed" AS "edp_latest",
  "source"."id" AS "edp_source_0",
  "source"."user_id" AS "edp_source_1",
  "source"."ran" AS "edp_source_2",
  "source"."seconds" AS "edp_source_3",
  "source"."class" AS "edp_source_4",
  "source"."os" AS "edp_source_5",
  "source"."changed" AS "edp_source_6",
  "source"."load_id" AS "edp_source_7"
FROM "public"."raw_jobs" AS "source"
) AS "rows"
WHERE "rows"."member" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- rows with affected keys
SELECT "ranked"."member",
  "ranked"."ran_on",
  "ranked"."load_id"
FROM (
SELECT "rows"."member",
  "rows"."ran_on",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member" ORDER BY "rows"."edp_latest" DESC NULLS LAST, "rows"."load_id" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, CAST("rows"."edp_source_3" AS text) DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST, "rows"."edp_source_7" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."user_id" AS "member",
  CAST("source"."ran" AS date) AS "ran_on",
  "source"."load_id",
  "source"."changed" AS "edp_latest",
  "source"."id" AS "edp_source_0",
  "source"."user_id" AS "edp_source_1",
  "source"."ran" AS "edp_source_2",
  "source"."seconds" AS "edp_source_3",
  "source"."class" AS "edp_source_4",
  "source"."os" AS "edp_source_5",
  "source"."changed" AS "edp_source_6",
  "source"."load_id" AS "edp_source_7"
FROM "public"."raw_jobs" AS "source"
) AS "rows"
WHERE "rows"."member" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "rows"."member"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- affected keys
SELECT DISTINCT "both"."member"
FROM (
SELECT "rows"."member"
FROM (
SELECT "source"."user_id" AS "member"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "rows"
WHERE "rows"."member" IS NOT NULL
UNION ALL
SELECT "made"."member"
FROM "silver"."latest_jobs" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
