-- all rows
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."load_id"
FROM (
SELECT "rows"."member",
  "rows"."plan",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member" ORDER BY "rows"."edp_latest" DESC NULLS LAST, "rows"."load_id" DESC NULLS LAST, "rows"."edp_place" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."load_id",
  "source"."changed" AS "edp_latest",
  "source"."source_offset" AS "edp_place",
  "source"."member" AS "edp_source_0",
  "source"."plan" AS "edp_source_1",
  "source"."note" AS "edp_source_2",
  "source"."changed" AS "edp_source_3",
  "source"."load_id" AS "edp_source_4",
  "source"."source_offset" AS "edp_source_5",
  "source"."is_ended" AS "edp_source_6"
FROM "public"."raw_staff" AS "source"
WHERE NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset") AND "later"."is_ended"
)
) AS "rows"
WHERE "rows"."member" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1;

-- rows with affected keys
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."load_id"
FROM (
SELECT "rows"."member",
  "rows"."plan",
  "rows"."load_id",
  row_number() OVER (PARTITION BY "rows"."member" ORDER BY "rows"."edp_latest" DESC NULLS LAST, "rows"."load_id" DESC NULLS LAST, "rows"."edp_place" DESC NULLS LAST, "rows"."edp_source_0" DESC NULLS LAST, "rows"."edp_source_1" DESC NULLS LAST, "rows"."edp_source_2" DESC NULLS LAST, "rows"."edp_source_3" DESC NULLS LAST, "rows"."edp_source_4" DESC NULLS LAST, "rows"."edp_source_5" DESC NULLS LAST, "rows"."edp_source_6" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."load_id",
  "source"."changed" AS "edp_latest",
  "source"."source_offset" AS "edp_place",
  "source"."member" AS "edp_source_0",
  "source"."plan" AS "edp_source_1",
  "source"."note" AS "edp_source_2",
  "source"."changed" AS "edp_source_3",
  "source"."load_id" AS "edp_source_4",
  "source"."source_offset" AS "edp_source_5",
  "source"."is_ended" AS "edp_source_6"
FROM "public"."raw_staff" AS "source"
WHERE NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset") AND "later"."is_ended"
)
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
SELECT "source"."member"
FROM "public"."raw_staff" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "rows"
WHERE "rows"."member" IS NOT NULL
UNION ALL
SELECT "made"."member"
FROM "silver"."latest_staff" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
