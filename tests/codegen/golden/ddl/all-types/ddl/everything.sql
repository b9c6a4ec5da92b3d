-- Generated from edp.yaml by edp codegen; edits are lost.
-- As edp realize makes it: of what the model says of its rows, the server enforces the key alone.
-- a_text: not null

BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
-- No notice of each column that is there already.
SET LOCAL client_min_messages = warning;

DO $edp$ BEGIN
IF to_regclass('"everything"') IS NULL THEN
CREATE TABLE "everything" (
  "id" uuid,
  "at" timestamp with time zone,
  "a_smallint" smallint,
  "a_int" integer,
  "a_bigint" bigint,
  "a_real" real,
  "a_double" double precision,
  "a_numeric" numeric,
  "a_text" text,
  "a_boolean" boolean,
  "a_date" date,
  "a_timestamp" timestamp without time zone,
  "a_json" json,
  "a_jsonb" jsonb,
  "made" timestamp with time zone,
  "changed" timestamp with time zone,
  "deleted_at" timestamp with time zone,
  "change_sequence" numeric,
  PRIMARY KEY ("id", "at")
);
ELSE
ALTER TABLE "everything"
  ADD COLUMN IF NOT EXISTS "a_smallint" smallint,
  ADD COLUMN IF NOT EXISTS "a_int" integer,
  ADD COLUMN IF NOT EXISTS "a_bigint" bigint,
  ADD COLUMN IF NOT EXISTS "a_real" real,
  ADD COLUMN IF NOT EXISTS "a_double" double precision,
  ADD COLUMN IF NOT EXISTS "a_numeric" numeric,
  ADD COLUMN IF NOT EXISTS "a_text" text,
  ADD COLUMN IF NOT EXISTS "a_boolean" boolean,
  ADD COLUMN IF NOT EXISTS "a_date" date,
  ADD COLUMN IF NOT EXISTS "a_timestamp" timestamp without time zone,
  ADD COLUMN IF NOT EXISTS "a_json" json,
  ADD COLUMN IF NOT EXISTS "a_jsonb" jsonb,
  ADD COLUMN IF NOT EXISTS "made" timestamp with time zone,
  ADD COLUMN IF NOT EXISTS "changed" timestamp with time zone,
  ADD COLUMN IF NOT EXISTS "deleted_at" timestamp with time zone,
  ADD COLUMN IF NOT EXISTS "change_sequence" numeric;
END IF;
END $edp$;
COMMENT ON TABLE "everything" IS 'one column of each type
owner: data';
COMMENT ON COLUMN "everything"."a_bigint" IS 'a "number" of many digits';

COMMIT;
