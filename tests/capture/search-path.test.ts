/** Names without a schema in SQL of capture: found as the application finds them, and only where nobody else can put one. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/database.js';
import { brief, installIn, takeEvents, uninstallFrom } from './source.js';

const source = useTestDatabase('empty');
const STRANGER = 'edp_test_stranger';

const TEXT = `
tables:
  accounts: { key: id, columns: { id: int, label: text, total: bigint } }
capture:
  tables:
    accounts:
      from: app.accounts
      columns:
        label: { sql: label_of(name) }
        total: { calculation: total_of(id), also-on: { app.lines: account } }
`;

beforeEach(async () => {
  await uninstallFrom(source.config);
  await source.query(`DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE SCHEMA app;
    CREATE TABLE app.accounts (id int PRIMARY KEY, name text);
    CREATE TABLE app.lines (id serial PRIMARY KEY, account int, amount int);
    CREATE FUNCTION public.label_of(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT upper($1) $$;
    CREATE FUNCTION app.total_of(int) RETURNS bigint STABLE LANGUAGE plpgsql AS
      $$ BEGIN RETURN (SELECT sum(amount) FROM lines WHERE account = $1); END $$;
    DROP ROLE IF EXISTS ${STRANGER}; CREATE ROLE ${STRANGER}`);
});

afterAll(async () => {
  await source.query(`DROP OWNED BY ${STRANGER}; DROP ROLE ${STRANGER}`);
});

const write = `BEGIN; INSERT INTO app.accounts VALUES (1, 'ann'); INSERT INTO app.lines (account, amount) VALUES (1, 7), (1, 8); COMMIT`;

describe('names without a schema', () => {
  it('are those of the schemas of the captured tables, and of public', async () => {
    await installIn(source.config, TEXT);
    await source.query(`SET search_path = pg_catalog; ${write}; RESET search_path`);
    expect(brief(await takeEvents(source.config))).toEqual([
      ['accounts.created', { key: { id: 1 }, after: { id: 1, label: 'ANN' } }],
      ['accounts.updated', { key: { id: 1 }, after: { total: '15' }, partial: true }],
    ]);
  });

  it('are not looked up where a stranger may create functions', async () => {
    await source.query(`GRANT CREATE ON SCHEMA public TO ${STRANGER}`);
    await expect(installIn(source.config, TEXT)).rejects.toThrow(
      new RegExp(
        `label_of.*looked up in pg_catalog, app, without public, where ${STRANGER} may create`,
      ),
    );
  });

  it('are not looked up in public where everybody may create functions', async () => {
    await source.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
    await expect(installIn(source.config, TEXT)).rejects.toThrow(
      /without public, where PUBLIC may create/,
    );
  });

  it('may be looked up where the owner of the captured tables creates functions', async () => {
    await source.query(
      `ALTER TABLE app.accounts OWNER TO ${STRANGER}; GRANT CREATE ON SCHEMA public TO ${STRANGER}`,
    );
    await expect(installIn(source.config, TEXT)).resolves.toBeDefined();
    await source.query(`ALTER TABLE app.accounts OWNER TO CURRENT_USER`);
  });

  it('of a path that did not change leave what is installed as it is', async () => {
    await installIn(source.config, TEXT);
    const again = await installIn(source.config, TEXT);
    expect(again.steps).toEqual([]);
  });
});
