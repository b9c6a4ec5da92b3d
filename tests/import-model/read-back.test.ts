/** Tables that edp has made, imported, are the tables of the model that they were made from. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTables, nameTables } from '../../src/import-model/choose-tables.js';
import { proposeImport } from '../../src/import-model/propose-import.js';
import { readSourceTables } from '../../src/import-model/read-source-tables.js';
import { addImport, formatImport } from '../../src/import-model/write-import.js';
import { createTableStatements, withReferredTables } from '../../src/model/ddl.js';
import type { Table } from '../../src/model/model.js';
import { parseModel, toModel } from '../../src/model/schema.js';
import { formatTableName } from '../../src/model/table-name.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';
import { withClient } from '../../src/postgres/connection.js';
import { parseProject } from '../../src/project/parse.js';
import { useTestDatabase } from '../support/database.js';

const URL = 'postgresql:///shop';
const database = useTestDatabase('empty');

type Input = Parameters<typeof parseModel>[0];

/** What PostgreSQL takes for a name, and edp too. */
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/),
  fc.constantFrom(
    'no',
    'user',
    'Mixed Case',
    'größe',
    'a.b',
    '"q"',
    '1',
    'null',
    '日本',
    "it's",
    '#',
    '-',
    `\${x}`,
  ),
);
const note = fc.oneof(
  fc.constant(undefined),
  fc.stringMatching(/^[^\0:,\n]{1,30}$/),
  fc.constantFrom('a\n\nb', `\${A} $\${ $$\${B}`),
);
const notes = fc
  .record({
    description: note,
    owner: note,
    tags: fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 2 }),
  })
  // An owner is a line of the comment.
  .map(({ description, owner, tags }) => ({
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined || owner.includes('\n') ? {} : { owner }),
    ...(tags.length === 0 ? {} : { tags }),
  }));

const columns = fc.uniqueArray(
  fc.record({ name, type: fc.constantFrom(...COLUMN_TYPES), nullable: fc.boolean(), notes }),
  { selector: (column) => column.name, minLength: 1, maxLength: 6 },
);
const tables = fc.uniqueArray(
  fc.record({
    name,
    columns,
    keySize: fc.integer({ min: 1, max: 2 }),
    notes,
    targets: fc.array(fc.nat(5)),
  }),
  { selector: (table) => table.name, minLength: 1, maxLength: 5 },
);

/** Each refers to tables before it. */
const model = tables.map((drafts): readonly Table[] => {
  const input: Input = {};
  for (const [place, draft] of drafts.entries()) {
    const keyable = draft.columns.filter(({ type }) => type !== 'json' && type !== 'jsonb');
    const key = keyable.slice(0, draft.keySize).map((column) => column.name);
    if (key.length === 0) continue;
    const declared = draft.columns.map((column) => [
      column.name,
      {
        type: column.type,
        ...(column.nullable || key.includes(column.name) ? {} : { nullable: false }),
        ...column.notes,
      },
    ]);
    for (const target of draft.targets.map((number) => drafts[number % Math.max(1, place)]!)) {
      const other = input[formatTableName({ name: target.name })];
      if (place === 0 || other === undefined || typeof other.key !== 'string') continue;
      const { type } = other.columns[other.key] as { type: ColumnType };
      const column = { type, references: formatTableName({ name: target.name }) };
      declared.push([`ref_${declared.length}`, column]);
    }
    input[formatTableName({ name: draft.name })] = {
      ...draft.notes,
      key: key.length === 1 ? key[0]! : key,
      lineage: false,
      columns: Object.fromEntries(declared),
    };
  }
  return parseModel(input).tables;
});

/** Statements that make all, referenced ones first. */
function ddl(all: readonly Table[]): string[] {
  const ordered = [...new Set(all.flatMap((table) => withReferredTables(table, all)))];
  return ordered.flatMap(createTableStatements);
}

const sorted = (all: readonly Table[]) => [...all].sort((a, b) => (a.name < b.name ? -1 : 1));
/** A realized table has no number of a load, whatever the declaration says. */
const comparable = (all: readonly Table[]) =>
  sorted(all).map(({ lineageColumn: _, ...table }) => table);

describe('tables of a model', () => {
  it('are imported as the model has them, and edp.yaml says the same', async () => {
    await fc.assert(
      fc.asyncProperty(model, async (all) => {
        await database.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
        for (const statement of ddl(all)) await database.query(statement);
        const source = await withClient(database.config, 'test', readSourceTables);
        const named = nameTables(source, []);
        const imported = proposeImport(chooseTables(named, [], []), named, {});
        expect(comparable(imported.tables.map(({ table }) => table))).toEqual(comparable(all));
        if (all.length === 0) return;
        const { text } = addImport(undefined, imported, 'edp.yaml', [], 'shop', URL);
        const read = parseProject(text, { SOURCE_URL: URL });
        expect(comparable(toModel(read.tables!).tables)).toEqual(comparable(all));
        expect(parseProject(formatImport(imported, 'shop'), { SOURCE_URL: URL }).tables).toEqual(
          read.tables,
        );
        expect(sortedNames(read.capture!.tables.map(({ table }) => table))).toEqual(
          sortedNames(all.map((table) => table.name)),
        );
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});

function sortedNames(names: readonly string[]): string[] {
  return [...names].sort();
}
