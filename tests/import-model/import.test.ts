/** `edp model import` of a source that has something of everything. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import type { ModelResult } from '../support/json.js';
import { makeProject } from '../support/scratch.js';

type ModelImportJson = ModelResult<'import'>;

const SOURCE = `
  CREATE SCHEMA sales; CREATE SCHEMA "Odd.Schema"; CREATE SCHEMA edp; CREATE SCHEMA hr;
  CREATE TYPE sales.state AS ENUM ('new', 'on hold');
  CREATE TYPE sales.size AS (width int, height int);
  CREATE DOMAIN sales.cents AS bigint NOT NULL;
  CREATE DOMAIN sales.more_cents AS sales.cents;
  CREATE TABLE regions (code text PRIMARY KEY, name varchar(20) NOT NULL);
  COMMENT ON TABLE regions IS E'where people live\\nowner: maps\\ntags: geo, public';
  COMMENT ON COLUMN regions.name IS 'in "English"';
  CREATE TABLE everything (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    a smallint, b bigint, c real, d double precision, e numeric(10,2), f char(3), g boolean, h date,
    i timestamp(3), j timestamptz, k uuid, l json, m jsonb, n bytea, o inet, p interval, q int[],
    r sales.state, s sales.size, t sales.more_cents, u oid, v time, w int4range, x name, y sales.state[],
    "user" text, "Mixed Case" inet, load_id int, deleted_at boolean, change_sequence int,
    doubled int GENERATED ALWAYS AS (a * 2) STORED);
  CREATE TABLE sales.orders (
    id bigint PRIMARY KEY, region text REFERENCES regions, other int REFERENCES everything,
    parent bigint REFERENCES sales.orders, name text, UNIQUE (id, name));
  CREATE TABLE sales.lines (
    order_id bigint, number int, order_name text, name text, PRIMARY KEY (order_id, number),
    FOREIGN KEY (order_id, order_name) REFERENCES sales.orders (id, name),
    FOREIGN KEY (order_id) REFERENCES sales.orders);
  CREATE TABLE by_name (id int NOT NULL, name text NOT NULL, code text);
  CREATE UNIQUE INDEX by_name_code ON by_name (code);
  CREATE UNIQUE INDEX by_name_name ON by_name (name);
  CREATE UNIQUE INDEX by_name_part ON by_name (id) WHERE id > 0;
  CREATE TABLE keyless (id int UNIQUE, name text);
  CREATE TABLE old_parent (id int PRIMARY KEY);
  CREATE TABLE old_child (PRIMARY KEY (id)) INHERITS (old_parent);
  CREATE TABLE husbands (id int PRIMARY KEY, wife int);
  CREATE TABLE wives (id int PRIMARY KEY, husband int REFERENCES husbands);
  ALTER TABLE husbands ADD FOREIGN KEY (wife) REFERENCES wives;
  CREATE TABLE parted (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE "Odd.Schema"."Odd.Name" ("a:b" int PRIMARY KEY, "no" text);
  CREATE TABLE sales.hr_people (id int PRIMARY KEY);
  CREATE TABLE sales_hr_people (id int PRIMARY KEY);
  CREATE TABLE edp.loads (id int PRIMARY KEY);
  CREATE VIEW orders_view AS TABLE sales.orders;`;

const source = useTestDatabase('empty');
const odd = useTestDatabase('empty');
beforeAll(async () => {
  await source.query(SOURCE);
});

/** As edp.yaml writes it. */
const VARIABLE = `\${SOURCE_URL}`;
const CAPTURED = `tables: { regions: { key: code, columns: { code: text } } }
capture: { source: { name: a, database-url: "${VARIABLE}" }, tables: { regions: {} } }
`;

interface Written {
  readonly tables: Record<string, Record<string, unknown> & { columns: Record<string, unknown> }>;
  readonly capture: { source: object; method: string; tables: Record<string, object> };
}

describe('a table that takes no change events as it is', () => {
  it('has another name where it is called as their log, and is left out where its key is JSON', async () => {
    await odd.query(`CREATE TABLE change_events (id int PRIMARY KEY); CREATE TABLE docs (doc jsonb PRIMARY KEY);
      CREATE TABLE two_keys (doc jsonb PRIMARY KEY, id int NOT NULL UNIQUE)`);
    const { status, stderr, json } = await edp(
      ['model', 'import', '--database-url', odd.url, '--json'],
      { cwd: '/' },
    );
    expect(status, stderr).toBe(0);
    const imported = json as ModelImportJson;
    const { tables, capture } = parse(imported.yaml) as Written;
    const [renamed, other, ...more] = Object.keys(tables).sort();
    expect([renamed, other, more]).toEqual([
      expect.stringMatching(/^change_events_[0-9a-f]{6}$/),
      'two_keys',
      [],
    ]);
    expect(capture.tables[renamed!]).toMatchObject({ from: 'change_events' });
    expect(tables.two_keys!.key).toBe('id');
    expect(JSON.stringify(imported)).toContain('its key is JSON');
  });
});

async function importAll(args: readonly string[] = [], text: string | null = null) {
  const cwd = await makeProject(text);
  const env = { SOURCE_URL: source.url };
  const run = (...more: readonly string[]) =>
    edp(['model', 'import', ...args, ...more, '--json'], { cwd, env });
  return {
    cwd,
    run,
    json: async (...more: string[]) => (await run(...more)).json as ModelImportJson,
  };
}

describe('the tables of a source', () => {
  let written: Written;
  let json: ModelImportJson;
  beforeAll(async () => {
    const result = await edp(['model', 'import', '--database-url', source.url, '--json'], {
      cwd: '/',
    });
    json = result.json as ModelImportJson;
    written = parse(json.yaml) as Written;
  });

  it('are named so that nothing depends on which are imported', () => {
    expect(json.tables.map(({ name }) => name)).toEqual([
      '"Odd.Schema_Odd.Name"',
      'by_name',
      'everything',
      'husbands',
      'parted',
      'regions',
      'sales_hr_people',
      'wives',
      expect.stringMatching(/^sales_hr_people_[0-9a-f]{6}$/),
      'sales_lines',
      'sales_orders',
    ]);
    expect(written.capture.tables).toMatchObject({
      regions: {},
      sales_orders: { from: 'sales.orders' },
      '"Odd.Schema_Odd.Name"': { from: '"Odd.Schema"."Odd.Name"' },
    });
  });

  it('have types of the model, and a cast where the source has others', () => {
    expect(written.tables.everything!.columns).toEqual({
      id: 'int',
      ...{ a: 'smallint', b: 'bigint', c: 'real', d: 'double', e: 'numeric', f: 'text' },
      ...{ g: 'boolean', h: 'date', i: 'timestamp', j: 'timestamptz', k: 'uuid', l: 'json' },
      ...{ m: 'jsonb', n: 'text', o: 'text', p: 'text', q: 'jsonb', r: 'text', s: 'jsonb' },
      t: { type: 'bigint', nullable: false },
      ...{ u: 'text', v: 'text', w: 'text', x: 'text', y: 'jsonb' },
      ...{ user: 'text', 'Mixed Case': 'text', load_id: 'int', deleted_at: 'boolean' },
      change_sequence_2: 'int',
      doubled: 'int',
    });
    expect(written.capture.tables.everything).toEqual({
      columns: {
        ...Object.fromEntries(
          ['n', 'o', 'p', 'r', 'u', 'v', 'w', 'x'].map((name) => [name, { sql: `${name}::text` }]),
        ),
        ...Object.fromEntries(['q', 's', 'y'].map((name) => [name, { sql: `to_jsonb(${name})` }])),
        'Mixed Case': { sql: '"Mixed Case"::text' },
        change_sequence_2: 'change_sequence',
      },
    });
    expect(written.tables.everything).toMatchObject({
      lineage: false,
      'soft-delete': 'row_deleted_at',
    });
    const remarks = json.tables.find(({ name }) => name === 'everything')!.remarks;
    expect(remarks).toEqual(
      expect.arrayContaining([
        'id: identity',
        'r: new, on hold',
        't: sales.more_cents',
        'doubled: generated: (a * 2)',
      ]),
    );
  });

  it('have the best key that there is, and are left out without one', () => {
    const keys = Object.entries(written.tables).map(([name, { key }]) => [name, key]);
    expect(Object.fromEntries(keys)).toMatchObject({
      by_name: 'name',
      parted: ['id', 'day'],
      sales_lines: ['order_id', 'number'],
      regions: 'code',
    });
    expect(json.leftOut).toEqual([
      { schema: 'public', name: 'keyless', why: expect.stringContaining('no primary key') },
      { schema: 'public', name: 'old_child', why: expect.stringContaining('inherits') },
      { schema: 'public', name: 'old_parent', why: expect.stringContaining('inherits') },
    ]);
    expect(json.yaml).toContain('# public.keyless is left out: it has no primary key');
  });

  it('refer to others where the model can', () => {
    const { sales_orders: orders, sales_lines: lines, husbands, wives } = written.tables;
    expect(orders!.columns).toMatchObject({
      region: { type: 'text', references: 'regions' },
      other: { references: 'everything' },
      parent: { references: 'sales_orders' },
    });
    expect(lines!.columns.order_id).toEqual({ type: 'bigint', references: 'sales_orders' });
    expect(json.yaml).toContain('# (order_id, order_name) refers to sales.orders (id, name)');
    expect(husbands!.columns.wife).toEqual({ type: 'int', references: 'wives' });
    expect(wives!.columns.husband).toBe('int');
    expect(json.yaml).toContain(
      'husband: int # refers to public.husbands (id), which refers to this table, too',
    );
  });

  it('have what comments say', () => {
    expect(written.tables.regions).toEqual({
      description: 'where people live',
      owner: 'maps',
      tags: ['geo', 'public'],
      key: 'code',
      columns: {
        code: 'text',
        name: { type: 'text', nullable: false, description: 'in "English"' },
      },
    });
  });
});

describe('edp model import', () => {
  it('writes a new edp.yaml, which edp reads, captures and makes schemas of', async () => {
    const { cwd, run } = await importAll(['--database-url', source.url]);
    const { status, stderr } = await run('--out', 'edp.yaml');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('public.keyless is left out');
    const text = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(text).not.toContain(source.url);
    const line = text.split('\n').findIndex((one) => one.includes(`database-url: "${VARIABLE}"`));
    expect(line).toBeGreaterThan(0);
    expect(stderr).toContain(
      `edp.yaml:${line + 1}: the address of the source is read from SOURCE_URL`,
    );
    const env = { SOURCE_URL: source.url };
    expect((await edp(['codegen', '--json'], { cwd, env })).json).toMatchObject({ tables: 11 });
    const install = await edp(['capture', 'install', '--dry-run', '--json'], { cwd, env });
    expect(install.status, install.stderr).toBe(0);
  });

  it('adds to what is there, and reports what is declared already', async () => {
    const own = `# ours\ntables:\n  regions: { key: code, columns: { code: text } } # kept\ncapture:\n  source: { name: mine, database-url: "\${SOURCE_URL}" }\n  tables:\n    # all of them\n    regions: {}\n`;
    const { cwd, run } = await importAll(['sales.orders', 'regions', 'everything'], own);
    const { json, stderr, status } = await run('--out', 'edp.yaml');
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({ declared: ['regions'], tables: [{}, {}] });
    // The file says already where its source is.
    expect(stderr).not.toContain('SOURCE_URL');
    const text = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(text).toContain('# ours');
    expect(text).toContain('{ key: code, columns: { code: text } } # kept');
    expect(text).toContain('    # all of them\n    regions: {}\n');
    const { tables, capture } = parse(text) as Written;
    expect(Object.keys(tables)).toEqual(['regions', 'everything', 'sales_orders']);
    expect(tables.sales_orders!.columns.region).toEqual({ type: 'text', references: 'regions' });
    expect(capture.source).toMatchObject({ name: 'mine' });
    expect(Object.keys(capture.tables)).toEqual(['regions', 'everything', 'sales_orders']);
    const again = await run('--out', 'edp.yaml');
    expect(again).toMatchObject({ status: 0, json: { tables: [], declared: [{}, {}, {}] } });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(text);
  });

  it('leaves alone what the model captures, under whatever name, and names no other table like it', async () => {
    const own = `tables:
  sale: { key: id, columns: { id: int } }
  sold: { key: id, columns: { id: int } }
  orders: { key: code, columns: { code: text } }
capture:
  source: { name: mine, database-url: "${VARIABLE}" }
  tables:
    sale: { from: sales.orders }
    sold: { from: sales.orders }
    orders: { from: regions }
`;
    const { cwd, run } = await importAll([], own);
    const { json, stderr, status } = await run('--schema', 'sales', '--out', 'edp.yaml');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(
      'sales.orders is captured already, as sale, sold, and is left as it is',
    );
    const { tables, declared } = json as ModelImportJson;
    expect(tables.map(({ name }) => name)).toEqual(['hr_people', 'lines']);
    expect(declared).toEqual(['sale', 'sold']);
    const all = await run('regions', 'sales.*', '--out', 'edp.yaml');
    expect(all.json).toMatchObject({ tables: [] });
    expect(all.stderr).toContain('public.regions is captured already, as orders');
    const { capture } = parse(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')) as Written;
    const sources = Object.entries(capture.tables).map(
      ([name, table]) => (table as { from?: string }).from ?? name,
    );
    expect(sources.toSorted()).toEqual(
      ['regions', 'sales.hr_people', 'sales.lines', 'sales.orders', 'sales.orders'].toSorted(),
    );
  });

  it('gives a table another name than one that captures something else, and lets it refer to a renamed one', async () => {
    const own = `tables:
  orders: { key: code, columns: { code: text } }
capture: { source: { name: a, database-url: "${VARIABLE}" }, tables: { orders: { from: regions } } }
`;
    const { json } = await importAll(['--schema', 'sales', 'orders'], own);
    const [table, ...more] = (await json()).tables;
    expect([table!.name, more]).toEqual(['sales_orders', []]);
    expect(table!.references).toContainEqual({ column: 'region', table: 'orders' });
  });

  it('puts what it says of the section capture before that, whatever is there', async () => {
    const own =
      'tables:\n  regions: { key: code, columns: { code: text } }\ncsv:\n  delimiter: ";"\n';
    const { cwd, run } = await importAll(
      ['keyless', 'husbands', '--database-url', source.url],
      own,
    );
    expect((await run('--out', 'edp.yaml')).status).toBe(0);
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toMatch(
      /csv:\n {2}delimiter: ";"\n\n# public\.keyless is left out: .*\ncapture:\n/,
    );
  });

  it('gives tables of one schema their own names', async () => {
    const { json } = await importAll(['--database-url', source.url, '--schema', 'sales']);
    const { tables } = await json();
    expect(tables.map(({ name, capture }) => [name, capture.from])).toEqual([
      ['hr_people', 'sales.hr_people'],
      ['lines', 'sales.lines'],
      ['orders', 'sales.orders'],
    ]);
    expect(tables[2]!.remarks).toContain(
      'region: refers to public.regions (code), which is not imported',
    );
  });

  it.each([
    [['sales.*'], ['sales_hr_people_', 'sales_lines', 'sales_orders']],
    [['*e*s'], ['regions', 'wives', 'sales_lines', 'sales_orders']],
    [['orders'], ['sales_orders']],
  ])('takes %j', async (patterns, names) => {
    const { json } = await importAll([...patterns, '--database-url', source.url]);
    const found = (await json()).tables.map(({ name }) => name.replace(/_[0-9a-f]{6}$/, '_'));
    expect(found).toEqual(names);
  });

  it.each([
    [['ordres'], 'unknown_table'],
    [['parted_1'], 'unknown_table'],
    [['--schema', 'nowhere'], 'unknown_table'],
    [['--out', 'model.json'], 'usage'],
  ])('refuses %j', async (args, code) => {
    const { run } = await importAll([...args, '--database-url', source.url]);
    expect(await run()).toMatchObject({ status: 2, json: { error: { code } } });
  });

  it('needs a source, which capture: may name', async () => {
    expect(await (await importAll()).run()).toMatchObject({
      status: 2,
      json: { error: { code: 'usage' } },
    });
    expect(await (await importAll([], CAPTURED)).json('orders')).toMatchObject({ tables: [{}] });
  });

  it('edits no section that stands in another file', async () => {
    const { cwd, run } = await importAll(['orders'], 'include: more.yaml\ntables: {}\n');
    await writeFile(path.join(cwd, 'more.yaml'), CAPTURED);
    const { status, stderr } = await run('--out', 'edp.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('the section capture of more.yaml');
    expect(stderr).toContain('from: sales.orders');
  });
});
