-- all rows
SELECT "compared"."member_id",
  "compared"."plan",
  "compared"."country",
  "compared"."price",
  "compared"."valid_from",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member_id" ORDER BY "compared"."valid_from") AS "valid_to",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member_id" ORDER BY "compared"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member_id",
  "ranked"."plan",
  last_value("ranked"."country") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "country",
  "ranked"."price",
  "ranked"."valid_from",
  lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") OR "ranked"."price" IS DISTINCT FROM lag("ranked"."price") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "dated"."member_id",
  "dated"."plan",
  "dated"."country",
  "dated"."price",
  "dated"."valid_from",
  row_number() OVER (PARTITION BY "dated"."member_id", "dated"."valid_from" ORDER BY "dated"."load_id" DESC NULLS LAST, "dated"."plan" DESC NULLS LAST, "dated"."country" DESC NULLS LAST, "dated"."price" DESC NULLS LAST, CAST("dated"."price" AS text) DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member_id",
  "source"."plan",
  "source"."country",
  "source"."price",
  "source"."load_id",
  "source"."valid_from"
FROM "silver"."plans" AS "source"
) AS "dated"
WHERE "dated"."member_id" IS NOT NULL AND "dated"."valid_from" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "compared"
WHERE "compared"."edp_changes";

-- rows with affected keys
SELECT "compared"."member_id",
  "compared"."plan",
  "compared"."country",
  "compared"."price",
  "compared"."valid_from",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member_id" ORDER BY "compared"."valid_from") AS "valid_to",
  lead("compared"."valid_from") OVER (PARTITION BY "compared"."member_id" ORDER BY "compared"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member_id",
  "ranked"."plan",
  last_value("ranked"."country") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS "country",
  "ranked"."price",
  "ranked"."valid_from",
  lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") OR "ranked"."price" IS DISTINCT FROM lag("ranked"."price") OVER (PARTITION BY "ranked"."member_id" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "dated"."member_id",
  "dated"."plan",
  "dated"."country",
  "dated"."price",
  "dated"."valid_from",
  row_number() OVER (PARTITION BY "dated"."member_id", "dated"."valid_from" ORDER BY "dated"."load_id" DESC NULLS LAST, "dated"."plan" DESC NULLS LAST, "dated"."country" DESC NULLS LAST, "dated"."price" DESC NULLS LAST, CAST("dated"."price" AS text) DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member_id",
  "source"."plan",
  "source"."country",
  "source"."price",
  "source"."load_id",
  "source"."valid_from"
FROM "silver"."plans" AS "source"
) AS "dated"
WHERE "dated"."member_id" IS NOT NULL AND "dated"."valid_from" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member_id" = "dated"."member_id"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "compared"
WHERE "compared"."edp_changes";

-- affected keys
SELECT DISTINCT "source"."member_id"
FROM "silver"."plans" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."member_id" IS NOT NULL;

-- affected keys, as they are listed
SELECT DISTINCT CAST("listed"."value" ->> 0 AS integer) AS "member_id"
FROM jsonb_array_elements(CAST('[["1", "a"],["2", null]]' AS jsonb)) AS "listed" (value);
