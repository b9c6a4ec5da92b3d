-- all rows
SELECT "rows"."job_id",
  "rows"."member",
  "rows"."ran_at",
  "rows"."seconds",
  "rows"."class",
  "rows"."os",
  "rows"."load_id"
FROM (
SELECT "source"."id" AS "job_id",
  "source"."user_id" AS "member",
  timezone('UTC', date_trunc('minute', timezone('UTC', timezone('Europe/Amsterdam', "source"."ran")))) AS "ran_at",
  CAST(edp.cast_or_null("source"."seconds", CAST(NULL AS numeric), NULL) AS numeric) AS "seconds",
  CASE WHEN CAST("source"."class" AS text) IN ('small', 'S', 's') THEN 'small' WHEN CAST("source"."class" AS text) IN ('large', 'L') THEN 'large' ELSE CAST("source"."class" AS text) END AS "class",
  CAST((lower(os)
) AS text) AS "os",
  "source"."load_id"
FROM "public"."raw_jobs" AS "source"
WHERE (class <> 'test'
)
) AS "rows"
WHERE "rows"."job_id" IS NOT NULL;

-- rows with affected keys
SELECT "rows"."job_id",
  "rows"."member",
  "rows"."ran_at",
  "rows"."seconds",
  "rows"."class",
  "rows"."os",
  "rows"."load_id"
FROM (
SELECT "source"."id" AS "job_id",
  "source"."user_id" AS "member",
  timezone('UTC', date_trunc('minute', timezone('UTC', timezone('Europe/Amsterdam', "source"."ran")))) AS "ran_at",
  CAST(edp.cast_or_null("source"."seconds", CAST(NULL AS numeric), NULL) AS numeric) AS "seconds",
  CASE WHEN CAST("source"."class" AS text) IN ('small', 'S', 's') THEN 'small' WHEN CAST("source"."class" AS text) IN ('large', 'L') THEN 'large' ELSE CAST("source"."class" AS text) END AS "class",
  CAST((lower(os)
) AS text) AS "os",
  "source"."load_id"
FROM "public"."raw_jobs" AS "source"
WHERE (class <> 'test'
)
) AS "rows"
WHERE "rows"."job_id" IS NOT NULL AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."job_id" = "rows"."job_id"
);

-- affected keys
SELECT DISTINCT "both"."job_id"
FROM (
SELECT "rows"."job_id"
FROM (
SELECT "source"."id" AS "job_id"
FROM "public"."raw_jobs" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "rows"
WHERE "rows"."job_id" IS NOT NULL
UNION ALL
SELECT "made"."job_id"
FROM "silver"."jobs" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
