-- all rows
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."note"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."note",
  row_number() OVER (PARTITION BY "source"."member" ORDER BY "source"."load_id" DESC NULLS LAST, "source"."source_offset" DESC NULLS LAST, "source"."plan" DESC NULLS LAST, "source"."note" DESC NULLS LAST) AS "edp_rank"
FROM "public"."raw_staff" AS "source"
WHERE "source"."member" IS NOT NULL AND NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset") AND "later"."is_ended"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- rows with affected keys
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."note"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."note",
  row_number() OVER (PARTITION BY "source"."member" ORDER BY "source"."load_id" DESC NULLS LAST, "source"."source_offset" DESC NULLS LAST, "source"."plan" DESC NULLS LAST, "source"."note" DESC NULLS LAST) AS "edp_rank"
FROM "public"."raw_staff" AS "source"
WHERE "source"."member" IS NOT NULL AND NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset") AND "later"."is_ended"
) AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "source"."member"
)
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- affected keys
SELECT DISTINCT "source"."member"
FROM "public"."raw_staff" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."member" IS NOT NULL;
