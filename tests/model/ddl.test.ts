import { beforeAll, describe, expect, it } from 'vitest';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import {
  createTableStatements,
  quoteIdentifier,
  quoteLiteral,
  withReferredTables,
} from '../../src/model/ddl.js';
import { type Model, physicalColumns } from '../../src/model/model.js';
import { parseModel } from '../../src/model/schema.js';
import { formatTableName } from '../../src/model/table-name.js';
import { COLUMN_TYPES, SQL_TYPE } from '../../src/model/types.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

async function createTables(model: Model): Promise<void> {
  for (const table of model.tables) {
    for (const statement of createTableStatements(table)) await database.query(statement);
  }
}

/** Columns of a table as the server has them: name, type, whether NULL is refused. */
function readColumns(table: string): Promise<unknown[][]> {
  return database.query(
    `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum`,
    [quoteIdentifier(table)],
  );
}

async function readConstraints(table: string): Promise<unknown[]> {
  const rows = await database.query(
    `SELECT pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid = to_regclass($1) AND contype IN ('p', 'f') ORDER BY contype DESC, 1`,
    [quoteIdentifier(table)],
  );
  return rows.flat();
}

async function readIndexes(table: string): Promise<unknown[]> {
  const rows = await database.query(
    `SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') FROM pg_index
     WHERE indrelid = to_regclass($1) AND NOT indisprimary ORDER BY 1`,
    [quoteIdentifier(table)],
  );
  return rows.flat();
}

describe('the built-in tables', () => {
  it('are those of docs/model.md', async () => {
    await createTables(BUILTIN_MODEL);
    expect(await readColumns('first_dimensions')).toEqual([
      ['id', 'integer', true],
      ['name', 'text', false],
    ]);
    expect(await readColumns('second_dimensions')).toEqual([
      ['id', 'integer', true],
      ['name', 'text', false],
      ['first_dimension_id', 'integer', false],
    ]);
    expect(await readColumns('events')).toEqual([
      ['id', 'bigint', true],
      ['recorded_date', 'timestamp without time zone', false],
      ['created_date', 'timestamp without time zone', false],
      ['first_dimension_id', 'integer', false],
      ['second_dimension_id', 'integer', false],
      ['metric_one', 'integer', false],
      ['metric_two', 'integer', false],
      ['metric_n', 'integer', false],
      ['extra_metrics', 'jsonb', false],
      ['load_id', 'bigint', false],
    ]);
    expect(await readConstraints('events')).toEqual([
      'PRIMARY KEY (id)',
      'FOREIGN KEY (first_dimension_id) REFERENCES first_dimensions(id)',
      'FOREIGN KEY (second_dimension_id) REFERENCES second_dimensions(id)',
    ]);
    expect(await readConstraints('second_dimensions')).toEqual([
      'PRIMARY KEY (id)',
      'FOREIGN KEY (first_dimension_id) REFERENCES first_dimensions(id)',
    ]);
    expect(await readIndexes('events')).toEqual(['btree (first_dimension_id)']);
  });
});

describe('declared tables', () => {
  it('have the types by the names that the server gives them', async () => {
    const model = parseModel({
      typed: {
        columns: Object.fromEntries(COLUMN_TYPES.map((type) => [`a_${type}`, type])),
        lineage: false,
      },
    });
    await createTables(model);
    expect(await readColumns('typed')).toEqual(
      COLUMN_TYPES.map((type) => [`a_${type}`, SQL_TYPE[type], false]),
    );
  });

  const NASTY = [
    ...['"', '""; DROP TABLE events; --', "it's", 'select', 'Mixed Case', 'a.b', 'tschüß 😀'],
    ...['back\\slash', '$1', '%s', ' ', 'x'.repeat(63), 'ü'.repeat(31)],
  ];
  it.each(NASTY)('can be called anything: %j', async (name) => {
    const referringName = `re${name}`.slice(0, 30);
    const model = parseModel({
      [formatTableName({ name })]: {
        columns: { [name]: 'int', other: { type: 'text', nullable: false } },
        key: [name],
        indexes: [['other', name], name],
        metrics: { from: 'doc', columns: { 'm"1': 'int' }, extra: 'ex"tra' },
        lineage: 'lo"ad',
      },
      [formatTableName({ name: referringName })]: {
        columns: { ref: { type: 'int', references: formatTableName({ name }) } },
        lineage: false,
      },
    });
    await createTables(model);
    const [table] = model.tables;
    expect(await readColumns(name)).toEqual(
      physicalColumns(table!).map((column) => [
        column.name,
        SQL_TYPE[column.type],
        !column.isNullable,
      ]),
    );
    const [[constraints, indexes]] = (await database.query(
      `SELECT (SELECT count(*)::int FROM pg_constraint WHERE confrelid = t AND conrelid = to_regclass($2)),
              (SELECT count(*)::int FROM pg_index WHERE indrelid = t)
       FROM to_regclass($1) AS t`,
      [quoteIdentifier(name), quoteIdentifier(referringName)],
    )) as [number, number][];
    expect([constraints, indexes]).toEqual([1, 3]);
  });

  it('have keys of several columns, and none', async () => {
    const model = parseModel({
      pairs: { columns: { b: 'int', a: 'text', c: 'date' }, key: ['a', 'b'], lineage: false },
      heap: { columns: { a: 'int' }, lineage: false },
    });
    await createTables(model);
    expect(await readConstraints('pairs')).toEqual(['PRIMARY KEY (a, b)']);
    expect(await readColumns('pairs')).toEqual([
      ['b', 'integer', true],
      ['a', 'text', true],
      ['c', 'date', false],
    ]);
    expect(await readConstraints('heap')).toEqual([]);
  });
});

describe('quoting', () => {
  it('of literals gives the text back', async () => {
    for (const text of ["it's", "''", '\\', 'a\nb', '$$', 'é']) {
      expect(await database.query(`SELECT ${quoteLiteral(text)}`)).toEqual([[text]]);
    }
  });
});

describe('the order of tables', () => {
  const reference = (table: string) => ({ type: 'int' as const, references: table });
  const model = parseModel({
    leaf: {
      columns: { id: 'int', branch: reference('branch'), root: reference('root') },
      key: 'id',
    },
    branch: { columns: { id: 'int', root: reference('root') }, key: 'id' },
    alone: { columns: { id: 'int' } },
    root: { columns: { id: 'int', parent: reference('root') }, key: 'id' },
  });
  it.each([
    ['leaf', ['root', 'branch', 'leaf']],
    ['branch', ['root', 'branch']],
    ['alone', ['alone']],
    ['root', ['root']],
  ])('puts what %s refers to first', (name, expected) => {
    const table = model.tables.find((candidate) => candidate.name === name)!;
    expect(withReferredTables(table, model.tables).map((found) => found.name)).toEqual(expected);
  });
});
