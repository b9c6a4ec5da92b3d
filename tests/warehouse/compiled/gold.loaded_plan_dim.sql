-- all rows
SELECT "compared"."member",
  "compared"."country",
  "compared"."plan",
  "compared"."valid_from",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member", "compared"."country" ORDER BY "compared"."valid_from") AS "valid_to",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member", "compared"."country" ORDER BY "compared"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."country",
  "ranked"."plan",
  "ranked"."valid_from",
  lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member", "ranked"."country" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member", "ranked"."country" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "dated"."member",
  "dated"."country",
  "dated"."plan",
  "dated"."valid_from",
  row_number() OVER (PARTITION BY "dated"."member", "dated"."country", "dated"."valid_from" ORDER BY "dated"."load_id" DESC NULLS LAST, "dated"."plan" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member",
  "source"."country",
  "source"."plan",
  "source"."load_id",
  "loads"."effective_at" AS "valid_from"
FROM "public"."raw_plans" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
) AS "dated"
WHERE "dated"."member" IS NOT NULL AND "dated"."country" IS NOT NULL AND "dated"."valid_from" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "compared"
WHERE "compared"."edp_changes";

-- rows with affected keys
SELECT "compared"."member",
  "compared"."country",
  "compared"."plan",
  "compared"."valid_from",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member", "compared"."country" ORDER BY "compared"."valid_from") AS "valid_to",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member", "compared"."country" ORDER BY "compared"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."country",
  "ranked"."plan",
  "ranked"."valid_from",
  lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member", "ranked"."country" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member", "ranked"."country" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "dated"."member",
  "dated"."country",
  "dated"."plan",
  "dated"."valid_from",
  row_number() OVER (PARTITION BY "dated"."member", "dated"."country", "dated"."valid_from" ORDER BY "dated"."load_id" DESC NULLS LAST, "dated"."plan" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member",
  "source"."country",
  "source"."plan",
  "source"."load_id",
  "loads"."effective_at" AS "valid_from"
FROM "public"."raw_plans" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
) AS "dated"
WHERE "dated"."member" IS NOT NULL AND "dated"."country" IS NOT NULL AND "dated"."valid_from" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "dated"."member" AND "affected"."country" = "dated"."country"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "compared"
WHERE "compared"."edp_changes";

-- affected keys
SELECT DISTINCT "source"."member",
  "source"."country"
FROM "public"."raw_plans" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."member" IS NOT NULL AND "source"."country" IS NOT NULL;

-- affected keys, as they are listed
SELECT DISTINCT CAST("listed"."value" ->> 0 AS integer) AS "member",
  CAST("listed"."value" ->> 1 AS text) AS "country"
FROM jsonb_array_elements(CAST('[["1", "a"],["2", null]]' AS jsonb)) AS "listed" (value);
