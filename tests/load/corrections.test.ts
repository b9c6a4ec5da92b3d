/** Corrections that columns declare: what comes into the table, and what is counted, by every way there. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

/** A table of one column, and what a value of its becomes. */
interface Correction {
  readonly name: string;
  /** As edp.yaml declares the column `value`. */
  readonly column: string;
  /** Fields as a CSV writes them → what the table has, as text. */
  readonly values: readonly (readonly [field: string, text: string | null])[];
  readonly counts: Readonly<Record<string, number>>;
  /** Fields that are rejects, and their codes. */
  readonly faults?: readonly (readonly [field: string, code: string])[];
}

const CORRECTIONS: readonly Correction[] = [
  {
    name: 'trim',
    column: '{ type: text, trim: true }',
    values: [
      [' a ', 'a'],
      ['b', 'b'],
      ['" c\t"', 'c'],
      ['', null],
    ],
    counts: { trim: 2 },
  },
  {
    name: 'nulls, of a number',
    column: "{ type: int, nulls: [NA, '\\N', null, '-', '-999'] }",
    values: [
      ['NA', null],
      ['"NA"', null],
      ['\\N', null],
      ['null', null],
      ['-', null],
      ['-999', null],
      ['7', '7'],
    ],
    counts: { nulls: 6 },
    faults: [['na', 'bad_integer']],
  },
  {
    name: 'nulls, of a text',
    column: '{ type: text, nulls: NA }',
    values: [
      ['NA', null],
      ['NAN', 'NAN'],
      ['""', ''],
    ],
    counts: { nulls: 1 },
  },
  {
    name: 'empty text',
    column: '{ type: text, empty-as-null: true }',
    values: [
      ['""', null],
      ['', null],
      ['" "', ' '],
    ],
    counts: { 'empty-as-null': 1 },
  },
  {
    name: 'case',
    column: '{ type: text, case: lower }',
    values: [
      ['ÀB', 'àb'],
      ['ab', 'ab'],
      ['"A ""B"""', 'a "b"'],
    ],
    counts: { case: 2 },
  },
  {
    name: 'spellings of a value',
    column: '{ type: text, values: { open: [OPEN, Opened], closed: [shut] } }',
    values: [
      ['OPEN', 'open'],
      ['Opened', 'open'],
      ['shut', 'closed'],
      ['closed', 'closed'],
      ['other', 'other'],
    ],
    counts: { values: 3 },
  },
  {
    name: 'words of a boolean',
    column: '{ type: boolean, values: { true: [ja, oui], false: [nein] } }',
    values: [
      ['ja', 'true'],
      ['nein', 'false'],
      ['t', 'true'],
    ],
    counts: { values: 2 },
    faults: [['si', 'bad_boolean']],
  },
  {
    name: 'decimal comma, thousands and currency',
    column: "{ type: numeric, decimal: ',', thousands: '.', currency: [€, EUR] }",
    values: [
      ['"1.234,50 €"', '1234.50'],
      ['EUR 7', '7'],
      ['"-0,5"', '-0.5'],
    ],
    counts: { currency: 2, thousands: 1, decimal: 2 },
    faults: [['1.5', 'bad_number']],
  },
  {
    name: 'formats of a date',
    column: "{ type: date, format: ['%d.%m.%Y', '%d %b %Y'] }",
    values: [
      ['31.12.2024', '2024-12-31'],
      ['1 Feb 2024', '2024-02-01'],
    ],
    counts: { format: 2 },
    faults: [
      ['2024-12-31', 'bad_date'],
      ['31.02.2024', 'bad_date'],
    ],
  },
  {
    name: 'seconds since 1970',
    column: '{ type: timestamp, epoch: seconds }',
    values: [['1700000000', '2023-11-14 22:13:20']],
    counts: { epoch: 1 },
    faults: [['2024-01-01', 'bad_timestamp']],
  },
  {
    name: 'milliseconds since 1970',
    column: '{ type: timestamp, epoch: millis }',
    values: [['1700000000123', '2023-11-14 22:13:20.123']],
    counts: { epoch: 1 },
  },
  {
    name: 'times of a zone, cut to the minute',
    column: '{ type: timestamp, timezone: Europe/Amsterdam, truncate: minute }',
    values: [
      ['2024-07-01 12:00:59', '2024-07-01 10:00:00'],
      ['2024-01-01 12:00:00', '2024-01-01 11:00:00'],
      ['2024-01-01T12:00:00Z', '2024-01-01 12:00:00'],
      ['infinity', 'infinity'],
    ],
    counts: { timezone: 2, truncate: 1 },
  },
  {
    name: 'a default for missing times',
    column: "{ type: timestamp, nullable: false, nulls: '-', default: '1970-01-01' }",
    values: [
      ['', '1970-01-01 00:00:00'],
      ['-', '1970-01-01 00:00:00'],
      ['2024-01-01', '2024-01-01 00:00:00'],
    ],
    counts: { nulls: 1, default: 2 },
  },
  {
    name: 'JSON in a string',
    column: '{ type: jsonb, stored-as: json-string }',
    values: [
      ['"""{\\""a\\"":1}"""', '{"a": 1}'],
      ['[1]', '[1]'],
    ],
    counts: { 'stored-as': 1 },
  },
  {
    name: 'literals of Python',
    column: '{ type: jsonb, stored-as: python }',
    values: [[`"{'a': None, 'b': [True]}"`, '{"a": null, "b": [true]}']],
    counts: { 'stored-as': 1 },
    faults: [['nothing', 'bad_json']],
  },
  {
    name: 'arrays of PostgreSQL',
    column: '{ type: jsonb, stored-as: postgres-array }',
    values: [['"{a,NULL}"', '["a", null]']],
    counts: { 'stored-as': 1 },
  },
  {
    name: 'lists',
    column: "{ type: jsonb, stored-as: list, separator: ';' }",
    values: [['a;b', '["a", "b"]']],
    counts: { 'stored-as': 1 },
  },
  {
    name: 'a constant',
    column: "{ type: text, constant: 'web' }",
    values: [
      ['x', 'web'],
      ['', 'web'],
    ],
    counts: { constant: 2 },
  },
  {
    name: 'a computed column',
    column: `{ type: numeric, computed: 'n * 2 + coalesce(value, 0)' }`,
    values: [
      ['0.5', '2.5'],
      ['', '4'],
    ],
    counts: { computed: 2 },
    faults: [['x', 'bad_number']],
  },
];

/** Each way for a record to come into its table. */
const WAYS = [
  { name: 'the byte lane', delimiter: ',', key: '' },
  // A delimiter of which the byte lane has no notion.
  { name: 'the csv lane', delimiter: '::', key: '' },
  // A key that is taken sends a split the careful way.
  { name: 'the careful way', delimiter: ',', key: 'key: n' },
] as const;

const tableOf = (index: number) => `c${index}`;

describe.each(WAYS)('each correction, by $name', ({ delimiter, key }) => {
  it('gives its values, counts and rejects', async () => {
    const tables = CORRECTIONS.map(({ column }, i) => {
      const ignored = /constant|computed/.test(column) ? 'ignore: value' : '';
      return `  ${tableOf(i)}:\n    columns:\n      n: int\n      value: ${column}\n    ${key}\n    ${ignored}\n`;
    });
    const files = CORRECTIONS.map(({ values, faults = [] }, i) => {
      const fields = [...values, ...faults].map(([field]) => field);
      const lines = fields.map((field, n) => `${n + 1}${delimiter}${field}`);
      return [`${tableOf(i)}.csv`, `n${delimiter}value\n${lines.join('\n')}\n`] as const;
    });
    const cwd = await makeProject(`tables:\n${tables.join('')}`, Object.fromEntries(files));
    if (key !== '') {
      // A row that the first record is a duplicate of, and one that is in nobody's way.
      for (const [i, { values }] of CORRECTIONS.entries()) {
        const first = `n,value\n1,${values[0]![0]}\n0,\n`;
        await writeFile(path.join(cwd, `${tableOf(i)}-0.csv`), first);
      }
      const before = await run(cwd, 'ingest', '*-0.csv');
      expect([0, 3], before.stderr).toContain(before.status);
    }
    const earlier = await loadsByTable(cwd);
    const names = files.map(([name]) => name);
    const result = await run(cwd, 'ingest', ...names, '--delimiter', delimiter);
    expect(result.status, result.stderr).toBe(3);
    const loads = await loadsByTable(cwd);
    for (const [i, { name, values, counts, faults = [] }] of CORRECTIONS.entries()) {
      const load = loads.get(tableOf(i))!;
      const first = earlier.get(tableOf(i))?.firstCounts ?? {};
      const left = Object.entries(counts)
        .map(([correction, count]) => [correction, count - (first[correction] ?? 0)] as const)
        .filter(([, count]) => count > 0);
      expect(load.corrections.value ?? {}, name).toEqual(Object.fromEntries(left));
      const rows = await database.query(
        `SELECT value::text FROM ${tableOf(i)} WHERE n > 0 ORDER BY n`,
      );
      expect(rows, name).toEqual(values.map(([, text]) => [text]));
      const rejects = await database.query(
        'SELECT column_name, code FROM edp.rejects WHERE load_id = $1 ORDER BY byte_offset',
        [load.loadId],
      );
      expect(rejects, name).toEqual(faults.map(([, code]) => ['value', code]));
      await expectBalanced(database, tableOf(i));
    }
  });
});

interface Load {
  readonly loadId: number;
  readonly table: string;
  readonly corrections: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of `value`, in the load's first record. */
  readonly firstCounts: Readonly<Record<string, number>>;
}

/** The newest load of each table. */
async function loadsByTable(cwd: string): Promise<Map<string, Load>> {
  const { loads } = (await run(cwd, 'status', '--limit', '1000')).json;
  const found = new Map<string, Load>();
  for (const load of loads) {
    const firstCounts = { ...load.corrections.value };
    // The second record of those files has no value: what acted on it, acted on none of the first.
    for (const name of ['default', 'constant', 'computed']) {
      if (firstCounts[name] !== undefined) firstCounts[name] = Math.max(0, firstCounts[name] - 1);
    }
    if (!found.has(load.table)) found.set(load.table, { ...load, firstCounts });
  }
  return found;
}

it('verify reads the file as the load did', async () => {
  const chosen = ['trim', 'formats of a date', 'a computed column', 'lists'];
  for (const { name, column, values } of CORRECTIONS) {
    if (!chosen.includes(name)) continue;
    const ignored = /computed/.test(column) ? ', ignore: value' : '';
    const lines = values.map(([field], n) => `${n + 1},${field}`);
    const cwd = await makeProject(
      `tables: { t: { columns: { n: int, value: ${column} }${ignored} } }`,
      {
        't.csv': `n,value\n${lines.join('\n')}\n`,
      },
    );
    const load = String((await run(cwd, 'ingest', 't.csv')).json.files[0].loadId);
    expect((await run(cwd, 'verify', load)).status, name).toBe(0);
    await database.query('DELETE FROM t WHERE n = 1');
    expect((await run(cwd, 'verify', load)).status, name).toBe(1);
    await database.query('DROP TABLE t');
  }
});

const MANY = `
tables:
  kinds:
    columns: { id: int, name: text }
    key: id
    lineage: false
  facts:
    columns:
      id: int
      kind: { type: int, references: kinds, nulls: '?', trim: true }
      total: { type: numeric, computed: price * quantity, field: null }
    key: id
    ignore: [price, quantity]
`.replace(', field: null', '');

describe('together', () => {
  const facts = (count: number) =>
    `id,kind,price,quantity\n${Array.from({ length: count }, (_, i) => `${i},${['1', ' 2', '?', '2'][i % 4]},0.1,${i}`).join('\n')}\n`;

  it('are the same with any number of workers and splits, and by a dry run', async () => {
    const cwd = await makeProject(MANY, {
      'kinds.csv': 'id,name\n1,one\n2,two\n',
      'facts.csv': facts(5000),
    });
    await run(cwd, 'ingest', 'kinds.csv');
    const corrections = { kind: { trim: 1250, nulls: 1250 }, total: { computed: 5000 } };
    const dry = await run(cwd, 'ingest', 'facts.csv', '--dry-run');
    expect(dry.json).toMatchObject({ rows: { loaded: 5000 }, corrections });
    let content: unknown;
    for (const [workers, batch] of [
      [1, 100_000],
      [4, 300],
    ]) {
      const result = await run(
        cwd,
        'ingest',
        'facts.csv',
        '--process-count',
        String(workers),
        '--read-batch-size',
        String(batch),
      );
      expect(result.json, result.stderr).toMatchObject({ rows: { loaded: 5000 }, corrections });
      const rows = await database.query('SELECT id, kind, total::text FROM facts ORDER BY id');
      expect(rows[5]).toEqual([5, 2, '0.5']);
      content ??= rows;
      expect(rows).toEqual(content);
      const load = String(result.json.files[0].loadId);
      expect((await run(cwd, 'undo', load)).status).toBe(0);
    }
  });

  it('count for a reject once it is replayed', async () => {
    const cwd = await makeProject(MANY, {
      'facts.csv': facts(100),
      'kinds.csv': 'id,name\n2,two\n',
    });
    await run(cwd, 'ingest', 'kinds.csv');
    const first = await run(cwd, 'ingest', 'facts.csv');
    expect(first.json.rows).toMatchObject({ loaded: 75, rejected: 25 });
    expect(first.json.corrections).toEqual({
      kind: { trim: 25, nulls: 25 },
      total: { computed: 75 },
    });
    await database.query("INSERT INTO kinds VALUES (1, 'one')");
    const replayed = await run(cwd, 'replay', '2');
    expect(replayed.json).toMatchObject({
      rows: { loaded: 25 },
      corrections: { total: { computed: 25 } },
    });
    const { load } = (await run(cwd, 'status', '2')).json;
    expect(load.corrections.total).toEqual({ computed: 100 });
    expect((await run(cwd, 'verify', '2')).status).toBe(0);
  });

  it('a column under another name, and the default of one whose field is missing', async () => {
    const cwd = await makeProject(
      `
tables:
  facts:
    columns:
      id: { type: int, field: Nr }
      at: { type: timestamp, nullable: false, default: '2024-01-01' }
`,
      { 'facts.csv': 'Nr\n1\n2\n' },
    );
    const result = await run(cwd, 'ingest', 'facts.csv');
    expect(result.json.corrections).toEqual({ at: { default: 2 } });
    expect(await database.query('SELECT id, "at"::text FROM facts')).toEqual([
      [1, '2024-01-01 00:00:00'],
      [2, '2024-01-01 00:00:00'],
    ]);
  });
});

it('zones are those of PostgreSQL, in every hour around a change of the clocks', async () => {
  const zones = ['Europe/Amsterdam', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'];
  const starts = [
    '2024-03-09',
    '2024-03-30',
    '2024-10-05',
    '2024-10-26',
    '2024-11-02',
    '2024-04-06',
  ];
  const times = starts.flatMap((day) =>
    Array.from({ length: 48 * 4 }, (_, i) => {
      const at = new Date(`${day}T00:00:00Z`);
      at.setUTCMinutes(i * 15);
      return at.toISOString().slice(0, 19).replace('T', ' ');
    }),
  );
  for (const zone of zones) {
    const cwd = await makeProject(
      `tables: { facts: { columns: { n: int, local: text, utc: { type: timestamp, field: local2, timezone: ${zone} } } } }`,
      { 'facts.csv': `n,local,local2\n${times.map((at, i) => `${i},${at},${at}`).join('\n')}\n` },
    );
    expect((await run(cwd, 'ingest', 'facts.csv')).status).toBe(0);
    const wrong = await database.query(
      "SELECT local, utc::text FROM facts WHERE utc <> (local::timestamp AT TIME ZONE $1) AT TIME ZONE 'UTC'",
      [zone],
    );
    expect(wrong, zone).toEqual([]);
    await database.query('DROP TABLE facts');
    await database.query('DROP SCHEMA edp CASCADE');
  }
});

describe('what does not go together is told, with its line', () => {
  it.each([
    ['{ type: int, case: lower }', /case: only for columns of type text/],
    ['{ type: text, decimal: "," }', /decimal: only for columns/],
    ['{ type: date, format: "%d.%q" }', /%q is not known/],
    ['{ type: date, format: "%d.%m" }', /year, month and day are needed/],
    ['{ type: timestamp, timezone: Mars/Olympus }', /is no time zone/],
    ['{ type: timestamp, epoch: days }', /expected seconds, millis/],
    ['{ type: numeric, thousands: "." }', /same as what stands before the decimals/],
    ['{ type: text, values: { a: [x], b: [x] } }', /"x" means "a" and "b"/],
    ['{ type: text, constant: x, field: y }', /reads no field/],
    ['{ type: text, constant: x, trim: true }', /nothing to correct/],
    ['{ type: int, computed: "a b" }', /operator is missing/],
    ['{ type: int, nulls: [-999] }', /in quotes/],
    ['{ type: jsonb, separator: ";" }', /only with `stored-as: list`/],
  ])('%s', async (column, message) => {
    const cwd = await makeProject(`tables:\n  facts:\n    columns:\n      value: ${column}\n`, {
      'facts.csv': 'value\n1\n',
    });
    const result = await run(cwd, 'ingest', 'facts.csv');
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/edp\.yaml:4/);
    expect(result.stderr).toMatch(message);
  });
});

it.each([
  ['{ type: int, default: abc }', /the default of column "value" of table "facts" does not fit it/],
  ['{ type: smallint, constant: "40000" }', /the constant of column "value"/],
  ['{ type: date, nullable: false, default: "2024-02-30" }', /the default .* "2024-02-30"/],
])('%s is told before anything is loaded', async (column, message) => {
  const cwd = await makeProject(
    `tables: { facts: { columns: { id: int, value: ${column} }, lineage: false } }`,
    { 'facts.csv': 'id\n1\n' },
  );
  for (const more of [[], ['--dry-run']]) {
    const result = await run(cwd, 'ingest', 'facts.csv', ...more);
    expect(result.json).toMatchObject({ ok: false, error: { code: 'config' } });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(message);
  }
});

it('the schema of edp.yaml knows them', async () => {
  const file = new URL('../../docs/edp.schema.json', import.meta.url);
  const schema = await readFile(file, 'utf8');
  for (const name of ['empty-as-null', 'stored-as', 'timezone', 'computed']) {
    expect(schema).toContain(`"${name}"`);
  }
});
