-- all rows
SELECT "rows"."member",
  "rows"."plan",
  "rows"."load_id"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."load_id"
FROM "public"."raw_staff" AS "source"
WHERE NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset")
) AND (note <> 'test'
)
) AS "rows"
WHERE "rows"."member" IS NOT NULL;

-- rows with affected keys
SELECT "rows"."member",
  "rows"."plan",
  "rows"."load_id"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."load_id"
FROM "public"."raw_staff" AS "source"
WHERE NOT "source"."is_ended" AND NOT EXISTS (
SELECT 
FROM "public"."raw_staff" AS "later"
WHERE "later"."member" = "source"."member" AND ROW("later"."load_id", "later"."source_offset") > ROW("source"."load_id", "source"."source_offset")
) AND (note <> 'test'
)
) AS "rows"
WHERE "rows"."member" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "rows"."member"
);

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
FROM "silver"."staff_now" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
