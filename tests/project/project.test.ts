import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { parseProject } from '../../src/project/parse.js';
import { loadProject, type Project } from '../../src/project/project.js';
import { makeDirectory } from '../support/cli.js';

async function loadText(text: string): Promise<Project> {
  const directory = await makeDirectory();
  await writeFile(path.join(directory, 'edp.yaml'), text);
  const project = await loadProject(directory);
  expect(project.directory).toBe(directory);
  return project;
}

describe('a project', () => {
  it('without edp.yaml has the built-in tables', async () => {
    const directory = await makeDirectory();
    expect(await loadProject(directory)).toEqual({
      directory,
      options: {},
      csv: {},
      model: BUILTIN_MODEL,
    });
  });

  it.each([
    ['an empty file', ''],
    ['comments alone', '# nothing yet\n'],
    ['options alone', 'count: 5\n'],
  ])('with %s has them, too', async (_, text) => {
    expect((await loadText(text)).model).toBe(BUILTIN_MODEL);
  });

  it('has its options as they are written', async () => {
    const { options } = await loadText(
      'process-count: 4\nmax-rejects: 1%\ndelimiter: tab\non-conflict: skip\ncount: "20"\ntables: {}\n',
    );
    expect(options).toEqual({
      'process-count': 4,
      'max-rejects': '1%',
      delimiter: 'tab',
      'on-conflict': 'skip',
      count: '20',
    });
  });

  it('has the tables that it declares, and no others', async () => {
    const { model } = await loadText(`
tables:
  customers:
    columns:
      id: bigint
      name: {type: text, field: Customer Name, nullable: false}
    key: id
    lineage: false
  countries:
    columns: {code: text}
    key: [code]
    files: land-*.csv
  orders:
    columns:
      shop: smallint
      number: int
      customer: {type: bigint, references: customers}
      country: {type: text, references: countries.code}
      raw: {type: json, field: doc}
    key: [shop, number]
    indexes: [customer, [country, number]]
    metrics:
      - from: doc
        path: totals.net
        columns:
          amount: numeric
          items: {type: int, key: item count}
        extra: doc_rest
      - from: flags
        columns: {}
    files: ['sales-*.csv', 'o-?.csv']
    ignore: [comment, checksum]
    lineage: brought_by
`);
    const column = (name: string, type: string, more = {}) => ({
      name,
      type,
      field: name,
      isNullable: true,
      ...more,
    });
    expect(model.tables).toEqual([
      {
        name: 'customers',
        columns: [
          column('id', 'bigint', { isNullable: false }),
          column('name', 'text', { field: 'Customer Name', isNullable: false }),
        ],
        key: ['id'],
        indexes: [],
        sources: [],
        files: [],
        ignoredFields: [],
      },
      {
        name: 'countries',
        columns: [column('code', 'text', { isNullable: false })],
        key: ['code'],
        indexes: [],
        sources: [],
        lineageColumn: 'load_id',
        files: ['land-*.csv'],
        ignoredFields: [],
      },
      {
        name: 'orders',
        columns: [
          column('shop', 'smallint', { isNullable: false }),
          column('number', 'int', { isNullable: false }),
          column('customer', 'bigint', { references: { table: 'customers', column: 'id' } }),
          column('country', 'text', { references: { table: 'countries', column: 'code' } }),
          column('raw', 'json', { field: 'doc' }),
        ],
        key: ['shop', 'number'],
        indexes: [['customer'], ['country', 'number']],
        sources: [
          {
            field: 'doc',
            path: ['totals', 'net'],
            metrics: [
              { column: 'amount', key: 'amount', type: 'numeric' },
              { column: 'items', key: 'item count', type: 'int' },
            ],
            extraColumn: 'doc_rest',
          },
          { field: 'flags', path: [], metrics: [], extraColumn: 'extra_metrics' },
        ],
        lineageColumn: 'brought_by',
        files: ['sales-*.csv', 'o-?.csv'],
        ignoredFields: ['comment', 'checksum'],
      },
    ]);
  });
});

/** Line and message of every fault. */
function faultsOf(text: string): [line: number, message: string][] {
  let error: unknown;
  try {
    parseProject(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(EdpError);
  expect(error).toMatchObject({ code: 'config', exitStatus: 2 });
  const [summary, ...list] = (error as EdpError).message.split('\n');
  expect(summary).toBe(`edp.yaml has ${list.length === 1 ? 'a fault' : `${list.length} faults`}:`);
  return list.map((line) => {
    const [, number, message] = /^ {2}edp\.yaml:(\d+): (.*)$/.exec(line)!;
    return [Number(number), message!];
  });
}

describe('faults of edp.yaml', () => {
  it.each([
    [
      'an unknown option',
      'count: 5\nproces-count: 4\n',
      2,
      'proces-count: "proces-count" is not known here; did you mean "process-count"?',
    ],
    [
      'an option for one run only',
      'count: 5\nforce: true\n',
      2,
      'force: "force" is not known here',
    ],
    ['not a whole number', 'process-count: many\n', 1, 'process-count: expected a whole number'],
    [
      'a number too small',
      'a: 1\nprocess-count: 0\n'.slice(5),
      1,
      'process-count: expected 1 or more',
    ],
    [
      'none of the choices',
      '\non-conflict: ignore\n',
      2,
      'on-conflict: expected reject, skip or update',
    ],
    [
      'a delimiter with a quote in it',
      "delimiter: 'a\"'\n",
      1,
      'delimiter: expected 1 to 16 characters, none of them a quote, a backslash or a line end; or a name such as tab',
    ],
    [
      'a share of rejects that is none',
      'max-rejects: 5 %\n',
      1,
      'max-rejects: expected a count such as 100, or a share such as 1%',
    ],
    ['tables that are a list', 'tables: [events]\n', 1, expect.stringMatching(/^tables: /)],
    ['a file that is a list', '- tables\n', 1, expect.stringMatching(/expected keys with values/)],
    [
      'a table without columns',
      'tables:\n  a:\n    columns: {}\n',
      3,
      'tables.a.columns: a table has at least one column',
    ],
    [
      'a table that declares none',
      'tables:\n  a:\n    key: id\n',
      2,
      expect.stringMatching(/^tables\.a\.columns: /),
    ],
    [
      'an unknown type',
      'tables:\n  a:\n    columns:\n      b: integer\n',
      4,
      expect.stringMatching(
        /^tables\.a\.columns\.b: "integer" is not a column type; the types are smallint, int,/,
      ),
    ],
    [
      'an unknown type, in full',
      'tables:\n  a:\n    columns:\n      b: {type: string}\n',
      4,
      expect.stringMatching(/"string" is not a column type/),
    ],
    [
      'an unknown word about a column',
      'tables:\n  a:\n    columns:\n      b: {type: int, unique: true}\n',
      4,
      'tables.a.columns.b.unique: "unique" is not known here',
    ],
    [
      'an unknown word about a table',
      'tables:\n  a:\n    columns: {b: int}\n    primary: b\n',
      4,
      'tables.a.primary: "primary" is not known here; there are description, owner, tags, columns, key, indexes, metrics, files, ignore, extra, format, csv, lineage, partition-by, partition-range, key-guard, versions, snapshot, version, soft-delete, timestamps, history, migrations',
    ],
    [
      'a key that is no column',
      'tables:\n  a:\n    columns: {b: int}\n    key: c\n',
      4,
      'tables.a.key: key column "c" is not declared',
    ],
    [
      'an index that is on no column',
      'tables:\n  a:\n    columns: {b: int}\n    indexes: [b, c]\n',
      4,
      'tables.a.indexes.1: "c" is not a column',
    ],
    [
      'a reference to no table',
      'tables:\n  a:\n    columns:\n      b: int\n      c: {type: int, references: d}\n',
      5,
      'tables.a.columns.c.references: there is no table "d" to refer to',
    ],
    [
      'a reference to no key',
      'tables:\n  a: {columns: {b: int}}\n  c:\n    columns: {d: {type: int, references: a.b}}\n',
      4,
      'tables.c.columns.d.references: a reference needs the key of "a", a single column',
    ],
    [
      'a reference to a key of two columns',
      'tables:\n  a: {columns: {b: int, e: int}, key: [b, e]}\n  c:\n    columns: {d: {type: int, references: a}}\n',
      4,
      expect.stringMatching(/a single column$/),
    ],
    [
      'metrics that are a word',
      'tables:\n  a:\n    columns: {b: int}\n    metrics: doc\n',
      4,
      'tables.a.metrics: metrics is {from, path, columns, extra}, or a list of such',
    ],
    [
      'a column twice',
      'tables:\n  a:\n    columns:\n      b: int\n      b: text\n',
      5,
      expect.stringMatching(/"b" is there twice: line 4/),
    ],
    ['not YAML', 'tables:\n  a: [1\n', 3, expect.any(String)],
    ['tabs for indentation', 'tables:\n\ta: 1\n', 2, expect.any(String)],
  ])('%s', (_, text, line, message) => {
    expect(faultsOf(text)).toEqual([[line, message]]);
  });

  it('are reported all at once, in the order of their lines', () => {
    const text = `
process-count: none
colour: red
tables:
  events:
    columns:
      id: integer
      at: {type: timestamp, nullable: maybe}
    keys: id
    lineage: 5
count: -1
`;
    expect(faultsOf(text)).toEqual([
      [2, 'process-count: expected a whole number'],
      [3, 'colour: "colour" is not known here'],
      [7, expect.stringMatching(/^tables\.events\.columns\.id: "integer" is not a column type/)],
      [8, 'tables.events.columns.at.nullable: expected true or false'],
      [9, 'tables.events.keys: "keys" is not known here; did you mean "key"?'],
      [10, expect.stringMatching(/^tables\.events\.lineage: /)],
      [11, 'count: expected 0 or more'],
    ]);
  });

  it('between the parts of the tables are reported all at once, too', () => {
    const text = `
tables:
  a:
    columns: {id: int, x: {type: int, references: nowhere}}
    key: [id, y]
    indexes: [z]
  b:
    columns:
      a: {type: int, references: a}
    key: a
`;
    expect(faultsOf(text)).toEqual([
      [4, 'tables.a.columns.x.references: there is no table "nowhere" to refer to'],
      [5, 'tables.a.key: key column "y" is not declared'],
      [6, 'tables.a.indexes.0: "z" is not a column'],
      [9, 'tables.b.columns.a.references: a reference needs the key of "a", a single column'],
    ]);
  });
});

describe('faults of edp.yaml in odd places', () => {
  it.each<[string, text: string, line: number, message: RegExp]>([
    [
      'a name too long',
      `tables:\n  ${'b'.repeat(64)}:\n    columns: {c: int}\n`,
      2,
      /at most 63 bytes/,
    ],
    [
      'a name with a control character',
      'tables:\n  a:\n    columns:\n      "b\\tc": int\n',
      4,
      /no control characters/,
    ],
    [
      'an unknown option with a list',
      'count: 5\ntabels:\n  events: {}\n',
      2,
      /^tabels: "tabels" is not known here/,
    ],
    [
      'a column twice',
      'tables:\n  a:\n    columns: {load_id: int}\n',
      2,
      /^tables\.a: two columns are called "load_id"/,
    ],
    [
      'a column that every table has',
      'tables:\n  a:\n    columns:\n      xmin: double\n',
      4,
      /^tables\.a\.columns\.xmin: every table of PostgreSQL has a column "xmin" of its own/,
    ],
    [
      'a lineage column that every table has',
      'tables:\n  a:\n    columns: { b: int }\n    lineage: ctid\n',
      4,
      /"ctid" of its own; give yours another name/,
    ],
    [
      'a metric of an unknown type',
      'tables:\n  a:\n    columns: {}\n    metrics:\n      from: doc\n      columns:\n        m: integer\n',
      7,
      /"integer" is not a column type/,
    ],
    ['an option without a value', 'count: 5\ntable:\n', 2, /^table: /],
    [
      'tables that refer to each other',
      'tables:\n  a:\n    key: id\n    columns:\n      id: int\n      b: { type: int, references: b }\n  b:\n    key: id\n    columns:\n      id: int\n      a: { type: int, references: a }\n',
      6,
      /"a" and "b" refer to each other/,
    ],
    [
      'a reference of another type',
      'tables:\n  a:\n    key: id\n    columns:\n      id: int\n  b:\n    columns:\n      a: { type: text, references: a }\n',
      8,
      /"a" is text, "a\.id" is int/,
    ],
    [
      'a switch for a number',
      'process-count: yes\nread-batch-size: true\n',
      2,
      /^read-batch-size: expected a whole number/,
    ],
  ])('%s', (_, text, line, message) => {
    expect(faultsOf(text)).toContainEqual([line, expect.stringMatching(message)]);
  });
});

describe('an edp.yaml that cannot be read', () => {
  it('is named', async () => {
    const directory = await makeDirectory();
    await mkdir(path.join(directory, 'edp.yaml'));
    await expect(loadProject(directory)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('edp.yaml cannot be read'),
      hint: expect.stringContaining(path.join(directory, 'edp.yaml')),
    });
  });
});
