-- all rows
SELECT "compared"."member",
  "compared"."plan",
  "compared"."note",
  "compared"."valid_from",
  "compared"."previous_to",
  coalesce(lead("compared"."previous_to") OVER (PARTITION BY "compared"."member" ORDER BY "compared"."valid_from"), "compared"."edp_last_to") AS "valid_to",
  coalesce(lead("compared"."previous_to") OVER (PARTITION BY "compared"."member" ORDER BY "compared"."valid_from"), "compared"."edp_last_to") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  first_value("ranked"."note") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from" DESC) AS "note",
  "ranked"."valid_from",
  "ranked"."previous_to",
  first_value("ranked"."valid_to") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from" DESC) AS "edp_last_to",
  "ranked"."previous_to" IS DISTINCT FROM "ranked"."valid_from" OR lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM "silver"."staff" AS "ranked"
WHERE "ranked"."member" IS NOT NULL
) AS "compared"
WHERE "compared"."edp_changes";

-- rows with affected keys
SELECT "compared"."member",
  "compared"."plan",
  "compared"."note",
  "compared"."valid_from",
  "compared"."previous_to",
  coalesce(lead("compared"."previous_to") OVER (PARTITION BY "compared"."member" ORDER BY "compared"."valid_from"), "compared"."edp_last_to") AS "valid_to",
  coalesce(lead("compared"."previous_to") OVER (PARTITION BY "compared"."member" ORDER BY "compared"."valid_from"), "compared"."edp_last_to") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  first_value("ranked"."note") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from" DESC) AS "note",
  "ranked"."valid_from",
  "ranked"."previous_to",
  first_value("ranked"."valid_to") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from" DESC) AS "edp_last_to",
  "ranked"."previous_to" IS DISTINCT FROM "ranked"."valid_from" OR lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM "silver"."staff" AS "ranked"
WHERE "ranked"."member" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "ranked"."member"
)
) AS "compared"
WHERE "compared"."edp_changes";

-- affected keys
SELECT DISTINCT "source"."member"
FROM "silver"."staff" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."member" IS NOT NULL;

-- affected keys, as they are listed
SELECT DISTINCT CAST("listed"."value" ->> 0 AS integer) AS "member"
FROM jsonb_array_elements(CAST('[["1", "a"],["2", null]]' AS jsonb)) AS "listed" (value);
