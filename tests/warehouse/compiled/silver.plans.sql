-- all rows
SELECT "ranked"."member_id",
  "ranked"."plan",
  "ranked"."country",
  "ranked"."price",
  "ranked"."valid_from",
  "ranked"."load_id",
  lead("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") AS "valid_to",
  lead("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "rows"."member_id",
  "rows"."plan",
  "rows"."country",
  "rows"."price",
  "rows"."valid_from",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member_id", "rows"."valid_from" ORDER BY "rows"."load_id" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, CAST("rows"."edp_source_3" AS text) DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member" AS "member_id",
  CASE WHEN CAST("source"."plan" AS text) IN ('pro', 'Pro') THEN 'pro' ELSE CAST("source"."plan" AS text) END AS "plan",
  "source"."country",
  "source"."price",
  timezone('Europe/Amsterdam', "source"."changed") AS "valid_from",
  "source"."load_id",
  "source"."member" AS "edp_source_0",
  "source"."plan" AS "edp_source_1",
  "source"."country" AS "edp_source_2",
  "source"."price" AS "edp_source_3",
  "source"."changed" AS "edp_source_4",
  "source"."is_test" AS "edp_source_5",
  "source"."load_id" AS "edp_source_6"
FROM "public"."raw_plans" AS "source"
WHERE (not is_test
)
) AS "rows"
WHERE "rows"."member_id" IS NOT NULL AND "rows"."valid_from" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- rows with affected keys
SELECT "ranked"."member_id",
  "ranked"."plan",
  "ranked"."country",
  "ranked"."price",
  "ranked"."valid_from",
  "ranked"."load_id",
  lead("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") AS "valid_to",
  lead("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "rows"."member_id",
  "rows"."plan",
  "rows"."country",
  "rows"."price",
  "rows"."valid_from",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member_id", "rows"."valid_from" ORDER BY "rows"."load_id" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, CAST("rows"."edp_source_3" AS text) DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member" AS "member_id",
  CASE WHEN CAST("source"."plan" AS text) IN ('pro', 'Pro') THEN 'pro' ELSE CAST("source"."plan" AS text) END AS "plan",
  "source"."country",
  "source"."price",
  timezone('Europe/Amsterdam', "source"."changed") AS "valid_from",
  "source"."load_id",
  "source"."member" AS "edp_source_0",
  "source"."plan" AS "edp_source_1",
  "source"."country" AS "edp_source_2",
  "source"."price" AS "edp_source_3",
  "source"."changed" AS "edp_source_4",
  "source"."is_test" AS "edp_source_5",
  "source"."load_id" AS "edp_source_6"
FROM "public"."raw_plans" AS "source"
WHERE (not is_test
)
) AS "rows"
WHERE "rows"."member_id" IS NOT NULL AND "rows"."valid_from" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member_id" = "rows"."member_id"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- affected keys
SELECT DISTINCT "both"."member_id"
FROM (
SELECT "rows"."member_id"
FROM (
SELECT "source"."member" AS "member_id"
FROM "public"."raw_plans" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "rows"
WHERE "rows"."member_id" IS NOT NULL
UNION ALL
SELECT "made"."member_id"
FROM "silver"."plans" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
