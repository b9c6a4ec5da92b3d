-- Tables that are folded from change events.

-- What has been folded into each realized table.
CREATE TABLE edp.realized (
  table_name text PRIMARY KEY,             -- as edp.yaml writes it, and events
  definition text NOT NULL,                -- a hash of the declaration that it was folded by
  version    int  NOT NULL,                -- that of the attributes of its events in the log
  history    text NOT NULL,                -- the database in which the snapshot means something
  snapshot   pg_snapshot NOT NULL,         -- events that were visible in it are in the table
  folded_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Keys whose events an undo takes out of the log: they are folded anew, from what is left.
CREATE TABLE edp.unfolded_keys (
  table_name text   NOT NULL,
  key        text   NOT NULL,              -- as in the log; empty for all keys of the table
  load_id    bigint NOT NULL REFERENCES edp.loads ON DELETE CASCADE,
  PRIMARY KEY (table_name, key, load_id)
);

-- Attributes of events in their order: of each attribute, the last one is left.
CREATE AGGREGATE edp.merged (jsonb) (SFUNC = pg_catalog.jsonb_concat, STYPE = jsonb);
