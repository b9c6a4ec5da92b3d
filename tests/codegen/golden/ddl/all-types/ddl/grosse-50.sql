-- Generated from edp.yaml by edp codegen; edits are lost.
-- As edp realize makes it: of what the model says of its rows, the server enforces the key alone.

BEGIN;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
-- No notice of each column that is there already.
SET LOCAL client_min_messages = warning;

DO $edp$ BEGIN
IF to_regclass('"größe/50%"') IS NULL THEN
CREATE TABLE "größe/50%" (
  "id" integer,
  "a.b" text,
  "größe" integer,
  "change_sequence" numeric,
  PRIMARY KEY ("id")
);
ELSE
ALTER TABLE "größe/50%"
  ADD COLUMN IF NOT EXISTS "a.b" text,
  ADD COLUMN IF NOT EXISTS "größe" integer,
  ADD COLUMN IF NOT EXISTS "change_sequence" numeric;
END IF;
END $edp$;

COMMIT;
