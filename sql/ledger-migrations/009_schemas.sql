-- Loads and promotions know the schema of their table, so that tables of one name are told apart; and loads know
-- its oid, so that another table under the same name is noticed.

ALTER TABLE edp.loads
  ADD COLUMN IF NOT EXISTS schema_name text,
  ADD COLUMN IF NOT EXISTS table_oid oid,                   -- null where it is not known, 0 where there was no such table
  ADD COLUMN IF NOT EXISTS table_database text,             -- the database in which the oid means something
  ADD COLUMN IF NOT EXISTS gone_at timestamptz;             -- when edp noticed that another table has taken the place of its table

CREATE INDEX ON edp.loads (table_oid);

-- The log of changes has the schema. For older loads the catalog has it where only one schema has a table of the
-- name; else the search path decides, as it did for the load.
WITH logged AS (
  SELECT load_id, (parse_ident(relation))[2] AS table_name, min((parse_ident(relation))[1]) AS schema_name
  FROM edp.changes WHERE load_id IS NOT NULL GROUP BY 1, 2
), there AS (
  SELECT c.relname::text AS table_name, min(n.nspname)::text AS schema_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('edp', 'information_schema')
    AND n.nspname !~ '^pg_'
  GROUP BY c.relname HAVING count(*) = 1
)
UPDATE edp.loads l SET schema_name = coalesce(logged.schema_name, there.schema_name,
  (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = to_regclass(quote_ident(l.table_name))),
  current_schema(), 'public')
FROM edp.loads own LEFT JOIN logged USING (load_id, table_name) LEFT JOIN there USING (table_name)
WHERE own.load_id = l.load_id;

UPDATE edp.loads SET
  table_oid = coalesce((SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = schema_name AND c.relname = table_name), 0),
  table_database = concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
    (SELECT oid FROM pg_database WHERE datname = current_database()), 'edp.loads'::regclass::oid);

ALTER TABLE edp.loads
  ALTER COLUMN schema_name SET NOT NULL,
  ALTER COLUMN schema_name SET DEFAULT current_schema(),
  DROP CONSTRAINT IF EXISTS loads_table_name_content_hash_generation_key,
  ADD UNIQUE (schema_name, table_name, content_hash, generation);

ALTER TABLE edp.promotions ADD COLUMN IF NOT EXISTS schema_name text;

UPDATE edp.promotions p SET schema_name = coalesce(
  (SELECT min(schema_name) FROM edp.loads l WHERE l.table_name = p.table_name
   HAVING count(DISTINCT schema_name) = 1),
  (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = to_regclass(quote_ident(p.table_name))),
  current_schema(), 'public');

ALTER TABLE edp.promotions
  ALTER COLUMN schema_name SET NOT NULL,
  ALTER COLUMN schema_name SET DEFAULT current_schema(),
  DROP CONSTRAINT IF EXISTS promotions_pkey,
  ADD PRIMARY KEY (schema_name, table_name, column_name);
