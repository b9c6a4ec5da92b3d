-- all rows
SELECT DISTINCT "source"."class",
  "source"."os"
FROM "silver"."jobs" AS "source"
WHERE "source"."class" IS NOT NULL AND "source"."os" IS NOT NULL;

-- rows with affected keys
SELECT "affected"."class",
  "affected"."os"
FROM "edp_affected" AS "affected";

-- affected keys
SELECT DISTINCT "source"."class",
  "source"."os"
FROM "silver"."jobs" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."class" IS NOT NULL AND "source"."os" IS NOT NULL;
