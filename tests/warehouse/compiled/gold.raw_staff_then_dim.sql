-- all rows
SELECT "bounded"."member",
  "bounded"."plan",
  "bounded"."note",
  "bounded"."valid_from",
  "bounded"."valid_to",
  "bounded"."is_current",
  lag("bounded"."valid_to") OVER (PARTITION BY "bounded"."member" ORDER BY "bounded"."valid_from") AS "previous_to"
FROM (
SELECT "events"."member",
  "events"."plan",
  "events"."note",
  "events"."valid_from",
  "events"."edp_ended",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") AS "valid_to",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "compared"."member",
  "compared"."plan",
  "compared"."note",
  "compared"."valid_from",
  "compared"."edp_ended"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  first_value("ranked"."note") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."edp_ended", "ranked"."valid_from" DESC) AS "note",
  "ranked"."valid_from",
  "ranked"."edp_ended",
  "ranked"."edp_ended" OR coalesce(lag("ranked"."edp_ended") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from"), false) OR lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "placed"."member",
  "placed"."plan",
  "placed"."note",
  "placed"."valid_from",
  "placed"."edp_ended",
  row_number() OVER (PARTITION BY "placed"."member", "placed"."valid_from" ORDER BY "placed"."edp_load" DESC NULLS LAST, "placed"."edp_offset" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "member",
  "plan",
  "note",
  "edp_load",
  "edp_offset",
  "edp_ended",
  greatest("edp_put", "edp_end") AS "valid_from"
FROM (
SELECT "member",
  "plan",
  "note",
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
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  max(CASE WHEN "edp_ended" THEN "edp_effective" ELSE "valid_from" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said"
FROM (
SELECT "dated"."member",
  "dated"."plan",
  "dated"."note",
  "dated"."valid_from",
  "dated"."edp_load",
  "dated"."edp_offset",
  "dated"."edp_ended",
  "dated"."edp_effective"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."note",
  "loads"."effective_at" AS "valid_from",
  "source"."load_id" AS "edp_load",
  "source"."source_offset" AS "edp_offset",
  "source"."is_ended" AS "edp_ended",
  "loads"."effective_at" AS "edp_effective"
FROM "public"."raw_staff" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
) AS "dated"
WHERE "dated"."member" IS NOT NULL AND ("dated"."edp_ended" OR "dated"."valid_from" IS NOT NULL)
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
) AS "compared"
WHERE "compared"."edp_changes"
) AS "events"
) AS "bounded"
WHERE NOT "bounded"."edp_ended";

-- rows with affected keys
SELECT "bounded"."member",
  "bounded"."plan",
  "bounded"."note",
  "bounded"."valid_from",
  "bounded"."valid_to",
  "bounded"."is_current",
  lag("bounded"."valid_to") OVER (PARTITION BY "bounded"."member" ORDER BY "bounded"."valid_from") AS "previous_to"
FROM (
SELECT "events"."member",
  "events"."plan",
  "events"."note",
  "events"."valid_from",
  "events"."edp_ended",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") AS "valid_to",
  lead("events"."valid_from") OVER (PARTITION BY "events"."member" ORDER BY "events"."valid_from") IS NULL AS "is_current"
FROM (
SELECT "compared"."member",
  "compared"."plan",
  "compared"."note",
  "compared"."valid_from",
  "compared"."edp_ended"
FROM (
SELECT "ranked"."member",
  "ranked"."plan",
  first_value("ranked"."note") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."edp_ended", "ranked"."valid_from" DESC) AS "note",
  "ranked"."valid_from",
  "ranked"."edp_ended",
  "ranked"."edp_ended" OR coalesce(lag("ranked"."edp_ended") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from"), false) OR lag("ranked"."valid_from") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") IS NULL OR "ranked"."plan" IS DISTINCT FROM lag("ranked"."plan") OVER (PARTITION BY "ranked"."member" ORDER BY "ranked"."valid_from") AS "edp_changes"
FROM (
SELECT "placed"."member",
  "placed"."plan",
  "placed"."note",
  "placed"."valid_from",
  "placed"."edp_ended",
  row_number() OVER (PARTITION BY "placed"."member", "placed"."valid_from" ORDER BY "placed"."edp_load" DESC NULLS LAST, "placed"."edp_offset" DESC NULLS LAST) AS "edp_rank"
FROM (
SELECT "member",
  "plan",
  "note",
  "edp_load",
  "edp_offset",
  "edp_ended",
  greatest("edp_put", "edp_end") AS "valid_from"
FROM (
SELECT "member",
  "plan",
  "note",
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
  "valid_from",
  "edp_load",
  "edp_offset",
  "edp_ended",
  "edp_effective",
  max(CASE WHEN "edp_ended" THEN "edp_effective" ELSE "valid_from" END) OVER (PARTITION BY "member" ORDER BY "edp_load", "edp_offset") AS "edp_said"
FROM (
SELECT "dated"."member",
  "dated"."plan",
  "dated"."note",
  "dated"."valid_from",
  "dated"."edp_load",
  "dated"."edp_offset",
  "dated"."edp_ended",
  "dated"."edp_effective"
FROM (
SELECT "source"."member",
  "source"."plan",
  "source"."note",
  "loads"."effective_at" AS "valid_from",
  "source"."load_id" AS "edp_load",
  "source"."source_offset" AS "edp_offset",
  "source"."is_ended" AS "edp_ended",
  "loads"."effective_at" AS "edp_effective"
FROM "public"."raw_staff" AS "source"
LEFT JOIN "edp"."loads" AS "loads" ON "loads"."load_id" = "source"."load_id"
) AS "dated"
WHERE "dated"."member" IS NOT NULL AND ("dated"."edp_ended" OR "dated"."valid_from" IS NOT NULL) AND EXISTS (
SELECT 
FROM "edp_affected" AS "affected"
WHERE "affected"."member" = "dated"."member"
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
) AS "compared"
WHERE "compared"."edp_changes"
) AS "events"
) AS "bounded"
WHERE NOT "bounded"."edp_ended";

-- affected keys
SELECT DISTINCT "source"."member"
FROM "public"."raw_staff" AS "source"
WHERE "source"."load_id" = ANY (CAST('{3,17}' AS bigint[])) AND "source"."member" IS NOT NULL;

-- affected keys, as they are listed
SELECT DISTINCT CAST("listed"."value" ->> 0 AS integer) AS "member"
FROM jsonb_array_elements(CAST('[["1", "a"],["2", null]]' AS jsonb)) AS "listed" (value);
