-- all rows
SELECT "ranked"."user_id",
  "ranked"."class"
FROM (
SELECT "source"."user_id",
  "source"."class",
  row_number() OVER (PARTITION BY "source"."user_id" ORDER BY "source"."load_id" DESC NULLS LAST, "source"."class" DESC NULLS LAST, "source"."user_id" DESC NULLS LAST) AS "edp_rank"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."user_id" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- rows with affected keys
SELECT "ranked"."user_id",
  "ranked"."class"
FROM (
SELECT "source"."user_id",
  "source"."class",
  row_number() OVER (PARTITION BY "source"."user_id" ORDER BY "source"."load_id" DESC NULLS LAST, "source"."class" DESC NULLS LAST, "source"."user_id" DESC NULLS LAST) AS "edp_rank"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."user_id" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."user_id" = "source"."user_id"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- affected keys
SELECT DISTINCT "source"."user_id"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."user_id" IS NOT NULL;
