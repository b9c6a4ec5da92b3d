/** Whether checks may be skipped: remembered within a session, and asked anew after any change of the catalog. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { DELETES, INSERTS, mayReplaceChecks, UPDATES } from '../../src/postgres/replaced-checks.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let asking: pg.Client;
let changing: pg.Client;
const FUNCTION = `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`;

beforeAll(async () => {
  database = await createTestDatabase();
  asking = await connect(database.config, 'asking');
  changing = await connect(database.config, 'changing');
  await changing.query(`CREATE TABLE place (id integer PRIMARY KEY); ${FUNCTION};
    CREATE DOMAIN place_id AS integer`);
});

afterAll(async () => {
  await Promise.all([asking?.end(), changing?.end()]);
});

/** Each table refers to places; `change` makes a check that edp does not replace. */
const CHANGES: Readonly<Record<string, string>> = {
  'a trigger': 'CREATE TRIGGER noted BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()',
  'a deferrable key': 'ALTER TABLE t ADD UNIQUE (a) DEFERRABLE',
  'a rule': 'CREATE RULE nothing AS ON INSERT TO t DO INSTEAD NOTHING',
  'a child with a trigger': `CREATE TABLE child () INHERITS (t);
    CREATE TRIGGER noted BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION note()`,
  'a foreign key that edp does not know': 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES place',
  'an exclusion that may wait': 'ALTER TABLE t ADD EXCLUDE USING btree (a WITH =) DEFERRABLE',
  'a trigger that is enabled': 'ALTER TABLE t ENABLE TRIGGER asleep',
  'a default of a column that is not written': 'ALTER TABLE t ALTER COLUMN b SET DEFAULT 7',
  'a default of the type of a column that is not written': 'ALTER DOMAIN place_id SET DEFAULT 7',
};

describe('mayReplaceChecks', () => {
  it.each(Object.entries(CHANGES))('notices %s', async (_, change) => {
    await changing.query(`DROP TABLE IF EXISTS t CASCADE; ALTER DOMAIN place_id DROP DEFAULT;
      CREATE TABLE t (a integer, b place_id, CONSTRAINT known FOREIGN KEY (b) REFERENCES place);
      CREATE TRIGGER asleep BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
      ALTER TABLE t DISABLE TRIGGER asleep`);
    const { rows } = await changing.query<{ oid: number; known: number }>(
      "SELECT 't'::regclass::oid AS oid, oid AS known FROM pg_constraint WHERE conname = 'known'",
    );
    const { oid, known } = rows[0]!;
    const ask = () =>
      mayReplaceChecks(asking, oid, { events: INSERTS, foreignKeys: [known], columns: ['a'] });
    expect([await ask(), await ask()]).toEqual([true, true]);
    // As a load that took its answer under its lock, a change comes between two transactions.
    await changing.query(change);
    expect([await ask(), await ask()]).toEqual([false, false]);
  });

  it('keeps the answers to different questions apart', async () => {
    await changing.query(`DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (a integer PRIMARY KEY);
      CREATE TABLE below (a integer REFERENCES t ON DELETE CASCADE)`);
    const { rows } = await changing.query<{ oid: number }>("SELECT 't'::regclass::oid AS oid");
    const ask = (events: number) => mayReplaceChecks(asking, rows[0]!.oid, { events });
    for (const _ of [1, 2]) {
      expect(await ask(INSERTS)).toBe(true);
      expect(await ask(DELETES)).toBe(false);
      expect(await ask(UPDATES)).toBe(false);
    }
  });
});
