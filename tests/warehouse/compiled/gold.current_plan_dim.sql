-- all rows
SELECT DISTINCT "source"."plan"
FROM "silver"."plans" AS "source"
WHERE "source"."plan" IS NOT NULL AND "source"."is_current";

-- rows with affected keys
SELECT DISTINCT "source"."plan"
FROM "silver"."plans" AS "source"
WHERE "source"."plan" IS NOT NULL AND "source"."is_current" AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."plan" = "source"."plan"
);

-- affected keys
SELECT DISTINCT "source"."plan"
FROM "silver"."plans" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."plan" IS NOT NULL;
