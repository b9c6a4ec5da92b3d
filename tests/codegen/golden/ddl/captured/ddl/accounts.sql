-- Generated from edp.yaml by edp codegen; edits are lost.
-- As edp realize makes it: of what the model says of its rows, the server enforces the key alone.

BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
-- No notice of each column that is there already.
SET LOCAL client_min_messages = warning;

DO $edp$ BEGIN
IF to_regclass('"accounts"') IS NULL THEN
CREATE TABLE "accounts" (
  "id" integer,
  "balance" numeric,
  "limit" numeric,
  "risk" text,
  "deleted_at" timestamp with time zone,
  "change_sequence" numeric,
  PRIMARY KEY ("id")
);
ELSE
ALTER TABLE "accounts"
  ADD COLUMN IF NOT EXISTS "balance" numeric,
  ADD COLUMN IF NOT EXISTS "limit" numeric,
  ADD COLUMN IF NOT EXISTS "risk" text,
  ADD COLUMN IF NOT EXISTS "deleted_at" timestamp with time zone,
  ADD COLUMN IF NOT EXISTS "change_sequence" numeric;
END IF;
END $edp$;

COMMIT;
