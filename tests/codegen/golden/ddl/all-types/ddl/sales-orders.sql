-- Generated from edp.yaml by edp codegen; edits are lost.
-- As edp realize makes it: of what the model says of its rows, the server enforces the key alone.

BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
-- No notice of each column that is there already.
SET LOCAL client_min_messages = warning;

DO $edp$ BEGIN
IF to_regnamespace('"sales"') IS NULL THEN CREATE SCHEMA "sales"; END IF;
IF to_regclass('"sales"."orders"') IS NULL THEN
CREATE TABLE "sales"."orders" (
  "id" integer,
  "deleted_at" timestamp with time zone,
  "change_sequence" numeric,
  PRIMARY KEY ("id")
);
ELSE
ALTER TABLE "sales"."orders"
  ADD COLUMN IF NOT EXISTS "deleted_at" timestamp with time zone,
  ADD COLUMN IF NOT EXISTS "change_sequence" numeric;
END IF;
END $edp$;

COMMIT;
