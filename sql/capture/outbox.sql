-- Schema edp_capture of a source database: what triggers write, and what consumers have read.
-- Each statement may run again.

CREATE SCHEMA IF NOT EXISTS edp_capture;

-- Orders the events of one key: drawn by an AFTER trigger, while the locks of its rows are held. It begins with the
-- microseconds since 1970, so that an install after an uninstall goes on above all that was published before.
DO $$BEGIN
  IF to_regclass('edp_capture.event_sequence') IS NULL THEN
    EXECUTE format('CREATE SEQUENCE edp_capture.event_sequence AS bigint CACHE 1 START WITH %s',
      floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
  END IF;
END$$;

-- The outbox table that is written to: 0 or 1. A writer that has read the other one a moment ago does no harm:
-- readers read both, and one is emptied only where nothing unread is in it.
CREATE SEQUENCE IF NOT EXISTS edp_capture.current_outbox AS smallint MINVALUE 0 MAXVALUE 1 START 0 CYCLE;

CREATE TABLE IF NOT EXISTS edp_capture.outbox_0 (
  sequence bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  model text NOT NULL,
  version int NOT NULL,
  op text NOT NULL,
  -- Texts of JSON objects, or
  key text,
  after text,
  before text,
  errors text,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- plain texts of values, and which ones they are: a shape. They are all that a trigger writes; readers make JSON of them.
  shape bigint,
  changes text[]
);
CREATE TABLE IF NOT EXISTS edp_capture.outbox_1 (LIKE edp_capture.outbox_0 INCLUDING DEFAULTS);

-- What the values of changes are, in order: attributes of a model, and how each one is written. A shape never changes.
CREATE TABLE IF NOT EXISTS edp_capture.shapes (shape bigint PRIMARY KEY, texts json NOT NULL);

-- A consumer has read what transactions before last_xmin wrote; of those before upto, what is not above (position, position_xid).
-- The first one is made with the table, so that one that was removed stays removed.
DO $$BEGIN
  IF to_regclass('edp_capture.consumers') IS NULL THEN
    CREATE TABLE edp_capture.consumers (
      name text PRIMARY KEY,
      last_xmin xid8 NOT NULL DEFAULT '0',
      upto xid8,
      position bigint,
      position_xid xid8,
      events bigint NOT NULL DEFAULT 0,
      moved_at timestamptz
    );
    INSERT INTO edp_capture.consumers (name) VALUES ('default');
  END IF;
END$$;

-- Rows whose statement could not be mapped: kept as they were, and mapped by the next install.
CREATE TABLE IF NOT EXISTS edp_capture.unmapped (
  sequence bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  source text NOT NULL,
  op text NOT NULL,
  is_new boolean NOT NULL,
  image jsonb NOT NULL,
  error text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rows whose calculations are due at the end of the transaction; key null: all rows. Rows live within a transaction only.
CREATE UNLOGGED TABLE IF NOT EXISTS edp_capture.touched (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  model text NOT NULL,
  key jsonb
);
CREATE INDEX IF NOT EXISTS touched_xid ON edp_capture.touched (xid);

CREATE UNLOGGED TABLE IF NOT EXISTS edp_capture.at_commit (xid xid8 PRIMARY KEY DEFAULT pg_current_xact_id());

-- Calculations that a transaction with an old snapshot may have got wrong: done once more by the next run. Those with an
-- error do not fit the source any more, and wait for the next install.
CREATE TABLE IF NOT EXISTS edp_capture.due (model text NOT NULL, key jsonb, error text);
ALTER TABLE edp_capture.due ADD COLUMN IF NOT EXISTS error text;

-- Rows that a transaction touches, and of which methods of the application say something: it takes them before its COMMIT. Those that nobody
-- has taken are due. key null: all rows. The transaction 0 is nobody's.
CREATE TABLE IF NOT EXISTS edp_capture.method_rows (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  model text NOT NULL,
  key jsonb
);
CREATE INDEX IF NOT EXISTS method_rows_xid ON edp_capture.method_rows (xid);

CREATE TABLE IF NOT EXISTS edp_capture.snapshots (
  model text PRIMARY KEY,
  sequence bigint NOT NULL,
  -- All transactions before this one must have ended before rows are read.
  waits_for xid8 NOT NULL,
  position jsonb,
  rows bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  -- Hash of what is read, and of where it goes: only the same one goes on where it stopped.
  reading text NOT NULL DEFAULT ''
);
ALTER TABLE edp_capture.snapshots ADD COLUMN IF NOT EXISTS reading text NOT NULL DEFAULT '';

-- What the triggers were made from, by model: edp capture run and snapshot check that it is what edp.yaml says.
CREATE TABLE IF NOT EXISTS edp_capture.models (
  model text PRIMARY KEY,
  source text NOT NULL,
  version int NOT NULL,
  -- Hash of what edp.yaml said.
  definition text NOT NULL DEFAULT '',
  installed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Tables and partitions with rows that no event tells of, each with the time at which an install found them.
  unread jsonb NOT NULL DEFAULT '{}'
);
ALTER TABLE edp_capture.models ADD COLUMN IF NOT EXISTS definition text NOT NULL DEFAULT '';
ALTER TABLE edp_capture.models ADD COLUMN IF NOT EXISTS unread jsonb NOT NULL DEFAULT '{}';

-- Values as events write them (docs/events.md). The types of the arguments are exact, so that a column of another
-- type is an error when a statement is planned, and never a wrong form.
CREATE OR REPLACE FUNCTION edp_capture.json_number(smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_number(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_number(bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_number(numeric) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_number(real) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_number(double precision) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_digits(bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce('"' || $1::text || '"', 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_digits(numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce('"' || $1::text || '"', 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_uuid(uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce('"' || $1::text || '"', 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_boolean(boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_date(date) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_timestamp(timestamp) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN isfinite($1) THEN to_char($1, CASE WHEN $1 < '0001-01-01'::timestamp
    THEN '"\""YYYY-MM-DD"T"HH24:MI:SS.US" BC\""' ELSE '"\""YYYY-MM-DD"T"HH24:MI:SS.US"\""' END)
    WHEN $1 IS NULL THEN 'null' ELSE '"' || $1::text || '"' END$$;
CREATE OR REPLACE FUNCTION edp_capture.json_timestamptz(timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN isfinite($1) THEN to_char($1 AT TIME ZONE 'UTC', CASE WHEN $1 < '0001-01-01 00:00:00Z'::timestamptz
    THEN '"\""YYYY-MM-DD"T"HH24:MI:SS.US"Z BC\""' ELSE '"\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\""' END)
    WHEN $1 IS NULL THEN 'null' ELSE '"' || $1::text || '"' END$$;
-- In JSON, line ends stand between values only; an event is one line.
CREATE OR REPLACE FUNCTION edp_capture.json_value(json) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce(translate($1::text, E'\n\r', '  '), 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_value(jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT coalesce($1::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_text(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;
CREATE OR REPLACE FUNCTION edp_capture.json_padded(bpchar) RETURNS text LANGUAGE sql STABLE AS $$SELECT coalesce(to_json($1)::text, 'null')$$;

-- Plain texts of the same values, NULL for NULL, of which readers make the same JSON; of dates and times, the seconds since 1970, which no
-- setting changes. The server writes these functions out in the query that calls them, so that they cost no call.
CREATE OR REPLACE FUNCTION edp_capture.plain_number(smallint) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_number(int) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_number(bigint) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_number(numeric) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_number(real) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_number(double precision) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_digits(bigint) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_digits(numeric) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_boolean(boolean) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_uuid(uuid) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_date(date) RETURNS text LANGUAGE sql STABLE AS $$SELECT extract(epoch FROM $1)::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_timestamp(timestamp) RETURNS text LANGUAGE sql STABLE AS $$SELECT extract(epoch FROM $1)::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_timestamptz(timestamptz) RETURNS text LANGUAGE sql STABLE AS $$SELECT extract(epoch FROM $1)::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_value(json) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_value(jsonb) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1::text$$;
CREATE OR REPLACE FUNCTION edp_capture.plain_text(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1$$;
-- With its padding.
CREATE OR REPLACE FUNCTION edp_capture.plain_padded(bpchar) RETURNS text LANGUAGE sql STABLE AS $$SELECT textin(bpcharout($1))$$;

-- Rows that are kept as they were: the text of each column, by its name, whatever its type; and the way back, into the columns of today.
CREATE OR REPLACE FUNCTION edp_capture.row_texts(relation oid, one record) RETURNS jsonb LANGUAGE plpgsql STABLE
  SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres'
  SET bytea_output = 'hex' SET extra_float_digits = '1' AS $$
DECLARE
  line text := one::text;
BEGIN
  RETURN (SELECT jsonb_object_agg(a.attname, CASE WHEN m.part[1] IS NULL THEN nullif(m.part[2], '')
      ELSE replace(replace(m.part[1], '""', '"'), '\\', '\') END)
    FROM (SELECT attname, row_number() OVER (ORDER BY attnum) AS n FROM pg_attribute
      WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped) AS a
    JOIN regexp_matches(substr(line, 2, length(line) - 2) || ',', '(?:"((?:[^"\\]|""|\\\\)*)"|([^",]*)),', 'g')
      WITH ORDINALITY AS m (part, n) ON m.n = a.n);
END$$;
REVOKE ALL ON FUNCTION edp_capture.row_texts(oid, record) FROM PUBLIC;
CREATE OR REPLACE FUNCTION edp_capture.row_literal(relation regclass, texts jsonb) RETURNS text LANGUAGE sql STABLE
  SET search_path = pg_catalog, pg_temp AS $$
  SELECT '(' || string_agg(coalesce('"' || replace(replace(texts ->> a.attname::text, '\', '\\'), '"', '""') || '"', ''), ',' ORDER BY a.attnum) || ')'
  FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped$$;
REVOKE ALL ON FUNCTION edp_capture.row_literal(regclass, jsonb) FROM PUBLIC;

-- For applications, on their own connection before their COMMIT.
CREATE OR REPLACE FUNCTION edp_capture.publish(model text, version int, op text, key json, after json, before json)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Of its key: column -> type in JSON. The function is made from edp.yaml.
  known json := edp_capture.published_key(model);
BEGIN
  IF op IS NULL OR op NOT IN ('create', 'update', 'delete', 'truncate', 'read') OR (key IS NULL) <> (op = 'truncate') THEN
    RAISE EXCEPTION 'edp_capture.publish: op is create, update, delete or read with a key, or truncate without one'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF known IS NULL THEN
    RAISE EXCEPTION 'edp_capture.publish: edp.yaml has no table % with a key', coalesce(quote_ident(model), 'NULL')
      USING ERRCODE = 'invalid_parameter_value', HINT = 'edp capture install, after a change of edp.yaml';
  END IF;
  IF version IS NULL OR version NOT BETWEEN 1 AND (known ->> 'version')::int THEN
    RAISE EXCEPTION 'edp_capture.publish: % has versions up to %, and not %', model, known ->> 'version', coalesce(version::text, 'NULL')
      USING ERRCODE = 'invalid_parameter_value', HINT = 'edp capture install, after a change of edp.yaml';
  END IF;
  IF key IS NOT NULL AND (json_typeof(key) <> 'object' OR
    (SELECT count(*) FROM json_object_keys(CASE json_typeof(key) WHEN 'object' THEN key ELSE '{}' END))
      <> (SELECT count(*) FROM json_object_keys(known -> 'key'))
    OR EXISTS (SELECT FROM json_each_text(known -> 'key') AS k
      WHERE json_typeof(publish.key -> k.key) IS NULL OR position(json_typeof(publish.key -> k.key) IN k.value) = 0)) THEN
    RAISE EXCEPTION 'edp_capture.publish: the key of % is %, and not %', model, known -> 'key', key
      USING ERRCODE = 'invalid_parameter_value', HINT = 'bigint and numeric are strings, as in all events';
  END IF;
  IF op IN ('create', 'read', 'update') AND coalesce(json_typeof(after), 'null') <> 'object'
    OR coalesce(json_typeof(after), 'object') <> 'object' OR coalesce(json_typeof(before), 'object') <> 'object' THEN
    RAISE EXCEPTION 'edp_capture.publish: after and before are JSON objects; % needs after', op
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Whoever draws a number has its transaction id before.
  PERFORM pg_current_xact_id();
  IF (SELECT last_value FROM edp_capture.current_outbox) = 0 THEN
    INSERT INTO edp_capture.outbox_0 (sequence, model, version, op, key, after, before)
    VALUES (nextval('edp_capture.event_sequence'), model, version, op, translate(key::text, E'\n\r', '  '),
      translate(after::text, E'\n\r', '  '), translate(before::text, E'\n\r', '  '));
  ELSE
    INSERT INTO edp_capture.outbox_1 (sequence, model, version, op, key, after, before)
    VALUES (nextval('edp_capture.event_sequence'), model, version, op, translate(key::text, E'\n\r', '  '),
      translate(after::text, E'\n\r', '  '), translate(before::text, E'\n\r', '  '));
  END IF;
END$$;
REVOKE ALL ON FUNCTION edp_capture.publish(text, int, text, json, json, json) FROM PUBLIC;

-- Of two transactions that evaluate methods of one row, the second one does so when the first has ended, and so sees what both did.
CREATE OR REPLACE FUNCTION edp_capture.lock_methods(one text, keys jsonb[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF cardinality(keys) > 200 THEN
    PERFORM pg_advisory_xact_lock(1162104835, hashtext(one));
  ELSE
    PERFORM pg_advisory_xact_lock_shared(1162104835, hashtext(one));
    PERFORM pg_advisory_xact_lock(k.lock) FROM (
      SELECT DISTINCT hashtextextended(key::text, hashtext('methods ' || one)) AS lock FROM unnest(keys) AS key ORDER BY 1) AS k;
  END IF;
END$$;
REVOKE ALL ON FUNCTION edp_capture.lock_methods(text, jsonb[]) FROM PUBLIC;

-- The rows of these models that the transaction has touched, each once, with the texts of the columns that tell it apart.
CREATE OR REPLACE FUNCTION edp_capture.take_methods(models text[]) RETURNS TABLE (model text, key jsonb, row_texts json)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  own xid8 := pg_current_xact_id_if_assigned();
  one text;
  keys jsonb[];
BEGIN
  IF own IS NULL THEN
    RETURN;
  END IF;
  FOR one IN SELECT DISTINCT r.model FROM edp_capture.method_rows AS r WHERE r.xid = own AND r.model = ANY (models) AND r.key IS NOT NULL ORDER BY 1 LOOP
    WITH taken AS (DELETE FROM edp_capture.method_rows AS r WHERE r.xid = own AND r.model = one AND r.key IS NOT NULL RETURNING r.key)
    SELECT array_agg(DISTINCT t.key) INTO keys FROM taken AS t;
    PERFORM edp_capture.lock_methods(one, keys);
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      -- Its snapshot may lack what others have committed since: once more, later.
      INSERT INTO edp_capture.method_rows (xid, model, key) SELECT '0', one, k FROM unnest(keys) AS k;
    END IF;
    RETURN QUERY SELECT one, k, edp_capture.method_row_texts(k) FROM unnest(keys) AS k;
  END LOOP;
END$$;
REVOKE ALL ON FUNCTION edp_capture.take_methods(text[]) FROM PUBLIC;

CREATE OR REPLACE FUNCTION edp_capture.method_row_texts(key jsonb) RETURNS json LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT json_agg(v.text ORDER BY v.n) FROM jsonb_array_elements_text(key) WITH ORDINALITY AS v (text, n)$$;
REVOKE ALL ON FUNCTION edp_capture.method_row_texts(jsonb) FROM PUBLIC;

-- Rows that are due, up to so many; they are taken when the transaction of the caller is over. Those that another session takes are left to it.
CREATE OR REPLACE FUNCTION edp_capture.take_due_methods(models text[], most int) RETURNS TABLE (model text, key jsonb, row_texts json)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  one text;
  keys jsonb[];
BEGIN
  -- All rows of a model become its rows, one by one.
  FOR one IN WITH whole AS (DELETE FROM edp_capture.method_rows AS r WHERE r.key IS NULL AND r.model = ANY (models) RETURNING r.model)
    SELECT DISTINCT w.model FROM whole AS w LOOP
    EXECUTE format('INSERT INTO edp_capture.method_rows (xid, model, key) SELECT ''0'', $1, k FROM edp_capture.%I() AS k',
      'method rows ' || substr(md5(one), 1, 16)) USING one;
  END LOOP;
  FOR one IN SELECT DISTINCT r.model FROM edp_capture.method_rows AS r WHERE r.model = ANY (models) ORDER BY 1 LOOP
    WITH taken AS (DELETE FROM edp_capture.method_rows AS r WHERE r.ctid = ANY (ARRAY(
        SELECT d.ctid FROM edp_capture.method_rows AS d WHERE d.model = one LIMIT most FOR UPDATE SKIP LOCKED)) RETURNING r.key)
    SELECT array_agg(DISTINCT t.key) INTO keys FROM taken AS t;
    CONTINUE WHEN keys IS NULL;
    PERFORM edp_capture.lock_methods(one, keys);
    RETURN QUERY SELECT one, k, edp_capture.method_row_texts(k) FROM unnest(keys) AS k;
  END LOOP;
END$$;
REVOKE ALL ON FUNCTION edp_capture.take_due_methods(text[], int) FROM PUBLIC;

-- What the methods of a row said: attribute -> text of the value, and attribute -> why there is none.
CREATE OR REPLACE FUNCTION edp_capture.publish_methods(model text, key jsonb, texts json, errors json) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Whoever draws a number has its transaction id before.
  PERFORM pg_current_xact_id();
  EXECUTE format('SELECT edp_capture.%I($1, $2, $3)', 'publish methods ' || substr(md5(model), 1, 16)) USING key, texts, errors;
END$$;
REVOKE ALL ON FUNCTION edp_capture.publish_methods(text, jsonb, json, json) FROM PUBLIC;

-- Triggers of deferred constraints fire when the transaction ends.
CREATE OR REPLACE FUNCTION edp_capture.calculate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one record;
  name text;
BEGIN
  -- In one order, so that two transactions do not wait for each other.
  FOR one IN SELECT DISTINCT model FROM edp_capture.touched WHERE xid = NEW.xid ORDER BY model LOOP
    name := 'calculate ' || substr(md5(one.model), 1, 16);
    -- It is gone where the model is no longer captured.
    IF to_regprocedure(format('edp_capture.%I(xid8)', name)) IS NOT NULL THEN
      EXECUTE format('SELECT edp_capture.%I($1)', name) USING NEW.xid;
    END IF;
  END LOOP;
  DELETE FROM edp_capture.touched WHERE xid = NEW.xid;
  DELETE FROM edp_capture.at_commit WHERE xid = NEW.xid;
  RETURN NULL;
END$$;
REVOKE ALL ON FUNCTION edp_capture.calculate() FROM PUBLIC;

DO $$BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'edp_capture.at_commit'::regclass AND tgname = 'edp_capture_calculate') THEN
    CREATE CONSTRAINT TRIGGER edp_capture_calculate AFTER INSERT ON edp_capture.at_commit
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION edp_capture.calculate();
    ALTER TABLE edp_capture.at_commit ENABLE ALWAYS TRIGGER edp_capture_calculate;
  END IF;
END$$;

-- What a run does before it reads: calculations that are due once more.
CREATE OR REPLACE FUNCTION edp_capture.recalculate() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH taken AS (DELETE FROM edp_capture.due WHERE error IS NULL RETURNING model, key)
  INSERT INTO edp_capture.touched (model, key) SELECT DISTINCT model, key FROM taken;
  IF FOUND THEN
    INSERT INTO edp_capture.at_commit DEFAULT VALUES ON CONFLICT DO NOTHING;
  END IF;
END$$;
REVOKE ALL ON FUNCTION edp_capture.recalculate() FROM PUBLIC;

-- Of a trigger that never fires, and is there to be there. Whoever makes a partition makes a copy of it, and must be allowed to.
CREATE OR REPLACE FUNCTION edp_capture.never() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN NEW;
END$$;
GRANT EXECUTE ON FUNCTION edp_capture.never() TO PUBLIC;
