/** Tables that edp has realized, as a source: the model has them without what edp adds. */
import { expect, it } from 'vitest';
import { chooseTables, nameTables } from '../../src/import-model/choose-tables.js';
import { withoutAdded } from '../../src/import-model/find-realized.js';
import { proposeImport } from '../../src/import-model/propose-import.js';
import { readSourceTables } from '../../src/import-model/read-source-tables.js';
import { formatImport } from '../../src/import-model/write-import.js';
import { withClient } from '../../src/postgres/connection.js';
import { parseProject } from '../../src/project/parse.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');

const TABLES = `
  CREATE TABLE plain (id int PRIMARY KEY, deleted_at timestamptz, change_sequence numeric);
  CREATE TABLE kept (id int PRIMARY KEY, a text, deleted_at timestamptz, change_sequence numeric);
  CREATE TABLE kept_history (id int, a text, change_sequence numeric, valid_from timestamptz, valid_to timestamptz,
    is_current boolean, PRIMARY KEY (id, valid_from));
  CREATE TABLE gone (id int PRIMARY KEY, a text, change_sequence numeric);
  CREATE TABLE gone_history (id int PRIMARY KEY, change_sequence numeric);
  -- Other people's.
  CREATE TABLE another_type (id int PRIMARY KEY, deleted_at timestamptz, change_sequence bigint);
  CREATE TABLE in_key (id int, change_sequence numeric, PRIMARY KEY (id, change_sequence));
  CREATE TABLE no_primary_key (id int NOT NULL UNIQUE, change_sequence numeric);
  CREATE TABLE numbers (n numeric PRIMARY KEY);
  CREATE TABLE referring (id int PRIMARY KEY, change_sequence numeric REFERENCES numbers);
  CREATE TABLE time_in_key (id int, deleted_at timestamptz, change_sequence numeric, PRIMARY KEY (id, deleted_at));
`;

it('leaves out what edp adds, and nothing else', async () => {
  await database.query(TABLES);
  const tables = withoutAdded(await withClient(database.config, 'test', readSourceTables));
  const named = nameTables(tables, []);
  const imported = proposeImport(chooseTables(named, [], []), named, {});
  expect(imported.leftOut).toEqual([]);
  const found = Object.fromEntries(
    imported.tables.map(({ table: { name, columns, softDelete, hasHistory }, capture }) => [
      name,
      [columns.map((column) => column.name).join(' '), softDelete, hasHistory, capture.where],
    ]),
  );
  const where = 'deleted_at IS NULL';
  expect(found).toEqual({
    plain: ['id', undefined, undefined, where],
    kept: ['id a', undefined, true, where],
    gone: ['id a', false, undefined, undefined],
    gone_history: ['id', false, undefined, undefined],
    another_type: ['id deleted_at change_sequence_2', 'row_deleted_at', undefined, undefined],
    in_key: ['id change_sequence_2', undefined, undefined, undefined],
    no_primary_key: ['id change_sequence_2', undefined, undefined, undefined],
    numbers: ['n', undefined, undefined, undefined],
    referring: ['id', false, undefined, undefined],
    time_in_key: ['id deleted_at', false, undefined, undefined],
  });
  const SOURCE_URL = 'postgresql:///shop';
  const { capture } = parseProject(formatImport(imported, 'shop'), { SOURCE_URL });
  expect(capture?.tables.find(({ table }) => table === 'kept')?.where).toBe(where);
});
