-- all rows
SELECT "bounded"."member",
  "bounded"."plan",
  "bounded"."note",
  "bounded"."load_id",
  "bounded"."valid_from",
  "bounded"."valid_to",
  "bounded"."is_current",
  lag("bounded"."valid_to") OVER (PARTITION BY "bounded"."member" ORDER BY "bounded"."valid_from") AS "previous_to"
FROM (
SELECT "events"."member",
  "events"."plan",
  "events"."note",
  "events"."load_id",
  "events"."valid_from",
  "events"."edp_ended",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") AS "valid_to",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."note",
  "ranked"."load_id",
  "ranked"."valid_from",
  "ranked"."edp_ended"
FROM (
SELECT "placed"."member",
  "placed"."plan",
  "placed"."note",
  "placed"."load_id",
  "placed"."valid_from",
  "placed"."edp_ended",
  row_number() OVER (PARTITION BY "placed"."member", "placed"."valid_from" ORDER BY "placed"."edp_load" DESC NULLS LAST, "placed"."edp_offset" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "edp_load",
  "edp_offset",
  "edp_ended",
  greatest("edp_put", "edp_end") AS "valid_from"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  "edp_put",
  "edp_latest",
  max(CASE WHEN "edp_ended" THEN "edp_latest" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_end"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  "edp_put",
  max("edp_put") OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_latest"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  CASE WHEN "edp_ended" THEN "edp_effective" WHEN "valid_from" <= "edp_said_end" THEN greatest("edp_said_end", "edp_effective") ELSE "valid_from" END AS "edp_put"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  max(CASE WHEN "edp_ended" THEN "edp_said" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said_end"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  max(CASE WHEN "edp_ended" THEN "edp_effective" ELSE "valid_from" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said"
FROM (
SELECT "rows"."member",
  "rows"."plan",
  "rows"."note",
  "rows"."load_id",
  "rows"."valid_from",
  "rows"."edp_load",
  "rows"."edp_offset",
  "rows"."edp_ended",
  "rows"."edp_effective"
FROM (
SELECT "source"."member",
  "source"."plan",
  CAST(CASE WHEN NOT "source"."is_ended" THEN CAST("source"."note" AS int) END AS int) AS "note",
  "source"."changed" AS "valid_from",
  "source"."load_id",
  "source"."load_id" AS "edp_load",
  "source"."source_offset" AS "edp_offset",
  "source"."is_ended" AS "edp_ended",
  CAST(timezone('UTC', "loads"."effective_at") AS timestamp without time zone) AS "edp_effective"
FROM "public"."raw_staff" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
WHERE "source"."is_ended" OR (note <> 'test'
)
) AS "rows"
WHERE "rows"."member" IS NOT NULL AND ("rows"."edp_ended" OR "rows"."valid_from" IS NOT NULL)
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "placed"
WHERE "placed"."valid_from" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "events"
) AS "bounded"
WHERE NOT "bounded"."edp_ended";

-- rows with affected keys
SELECT "bounded"."member",
  "bounded"."plan",
  "bounded"."note",
  "bounded"."load_id",
  "bounded"."valid_from",
  "bounded"."valid_to",
  "bounded"."is_current",
  lag("bounded"."valid_to") OVER (PARTITION BY "bounded"."member" ORDER BY "bounded"."valid_from") AS "previous_to"
FROM (
SELECT "events"."member",
  "events"."plan",
  "events"."note",
  "events"."load_id",
  "events"."valid_from",
  "events"."edp_ended",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") AS "valid_to",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  "ranked"."note",
  "ranked"."load_id",
  "ranked"."valid_from",
  "ranked"."edp_ended"
FROM (
SELECT "placed"."member",
  "placed"."plan",
  "placed"."note",
  "placed"."load_id",
  "placed"."valid_from",
  "placed"."edp_ended",
  row_number() OVER (PARTITION BY "placed"."member", "placed"."valid_from" ORDER BY "placed"."edp_load" DESC NULLS LAST, "placed"."edp_offset" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "edp_load",
  "edp_offset",
  "edp_ended",
  greatest("edp_put", "edp_end") AS "valid_from"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  "edp_put",
  "edp_latest",
  max(CASE WHEN "edp_ended" THEN "edp_latest" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_end"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  "edp_put",
  max("edp_put") OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_latest"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  "edp_said_end",
  CASE WHEN "edp_ended" THEN "edp_effective" WHEN "valid_from" <= "edp_said_end" THEN greatest("edp_said_end", "edp_effective") ELSE "valid_from" END AS "edp_put"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  "edp_said",
  max(CASE WHEN "edp_ended" THEN "edp_said" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said_end"
FROM (
SELECT "member",
  "plan",
  "note",
  "load_id",
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  max(CASE WHEN "edp_ended" THEN "edp_effective" ELSE "valid_from" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said"
FROM (
SELECT "rows"."member",
  "rows"."plan",
  "rows"."note",
  "rows"."load_id",
  "rows"."valid_from",
  "rows"."edp_load",
  "rows"."edp_offset",
  "rows"."edp_ended",
  "rows"."edp_effective"
FROM (
SELECT "source"."member",
  "source"."plan",
  CAST(CASE WHEN NOT "source"."is_ended" THEN CAST("source"."note" AS int) END AS int) AS "note",
  "source"."changed" AS "valid_from",
  "source"."load_id",
  "source"."load_id" AS "edp_load",
  "source"."source_offset" AS "edp_offset",
  "source"."is_ended" AS "edp_ended",
  CAST(timezone('UTC', "loads"."effective_at") AS timestamp without time zone) AS "edp_effective"
FROM "public"."raw_staff" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
WHERE "source"."is_ended" OR (note <> 'test'
)
) AS "rows"
WHERE "rows"."member" IS NOT NULL AND ("rows"."edp_ended" OR "rows"."valid_from" IS NOT NULL) AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "rows"."member"
)
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "events"
) AS "placed"
WHERE "placed"."valid_from" IS NOT NULL
) AS "ranked"
WHERE "ranked"."edp_rank" = 1
) AS "events"
) AS "bounded"
WHERE NOT "bounded"."edp_ended";

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
FROM "silver"."staff" AS "made"
WHERE "made"."load_id" = ANY (CAST('{3,17}' AS bigint[]))
) AS "both";
