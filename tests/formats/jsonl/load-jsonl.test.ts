/** Files of JSON lines through every command, as a user runs them. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { edp } from '../../support/cli.js';
import { type ModelResult, withoutLoads } from '../../support/json.js';
import { expectBalanced, killDuring, slowLoads } from '../../support/ledger.js';
import { utf16, zip, zstd } from '../../support/packed.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

const MODEL = `tables:
  sales:
    columns: { id: int, amount: numeric, note: text, tags: jsonb }
    key: id
    metrics:
      from: event_metrics
      path: metrics
      columns: { metric_one: int }
`;

const LINES = [
  '{"id": 1, "amount": 0.10, "note": "a", "tags": ["x", 1.0]}',
  '{"note": "", "id": 2, "event_metrics": {"metrics": {"metric_one": 7, "more": 1}}}',
  '{"id": 3, "amount": null, "tags": "text", "event_metrics": "{\\"metrics\\": {\\"metric_one\\": 8}}"}',
  '{"id": "four"}',
  '{"id": 5, "amount": 12345678901234567890.5}\r',
  'nonsense',
  '',
  '{"id": 6, "note": "caf\\u00e9 \\ud83d\\ude00"}',
];
const FILE = LINES.map((line) => `${line}\n`).join('');
const ROWS = [
  [1, '0.10', 'a', ['x', 1], null, null],
  [2, null, '', null, 7, { more: 1 }],
  [3, null, null, 'text', 8, null],
  [5, '12345678901234567890.5', null, null, null, null],
  [6, null, 'café 😀', null, null, null],
];
const COUNTS = { read: 7, loaded: 5, rejected: 2, duplicate: 0 };

const database = useEmptyDatabase();
const run = runnerFor(database);

const project = (files: Readonly<Record<string, string | Buffer>>, model: string | null = MODEL) =>
  makeProject(model, files);

const readSales = () =>
  database.query(
    'SELECT id, amount::text, note, tags, metric_one, extra_metrics FROM sales ORDER BY id',
  );

async function writeRaw(cwd: string): Promise<string> {
  const args = ['rejects', '1', '--raw', '--database-url', database.url];
  return (await edp(args, { cwd })).stdout;
}

describe('a file of JSON lines loads', () => {
  it.each<[string, string, string | Buffer, object]>([
    ['as it is', 'sales.jsonl', FILE, { lineEnd: 'lf', compression: 'none', encoding: 'utf-8' }],
    ['by its other name', 'sales-1.ndjson', FILE, {}],
    ['by its lines', 'sales', Buffer.from(FILE.replace('nonsense', '{"id": 7')), {}],
    ['with a mark', 'sales.jsonl', `\ufeff${FILE}`, { byteOrderMark: true }],
    ['in UTF-16', 'sales.jsonl', utf16(Buffer.from(FILE), 'le', true), { encoding: 'utf-16le' }],
    ['packed by gzip', 'sales.jsonl.gz', gzipSync(FILE), { compression: 'gzip' }],
    ['packed by zstd', 'sales.jsonl.zst', zstd(Buffer.from(FILE), 50), { compression: 'zstd' }],
    [
      'packed by zip',
      'sales.zip',
      zip([{ name: 'sales.jsonl', bytes: Buffer.from(FILE) }]),
      { compression: 'zip' },
    ],
  ])('%s', async (how, name, bytes, dialect) => {
    const cwd = await project({ [name]: bytes });
    // What is in doubt is said.
    const said = how === 'by its lines' || how === 'packed by zip' ? ['--format', 'jsonl'] : [];
    for (const size of ['1', '100000']) {
      const args = ['--read-batch-size', size, '--process-count', '3', '--write-batch-size', '2'];
      const result = await run(cwd, 'ingest', name, ...args, ...said);
      expect(result, result.stderr).toMatchObject({ status: 3, json: { ok: true, rows: COUNTS } });
      expect(result.json.files[0]).toMatchObject({ format: 'jsonl', dialect });
      expect(result.json.unknownMetrics).toEqual({ more: 1 });
      expect(await readSales()).toEqual(ROWS);
      const rejects = (await run(cwd, 'rejects', '1')).json.rejects;
      expect(rejects).toMatchObject([
        { line: 4, column: 'id', code: 'bad_integer', raw: LINES[3] },
        { line: 6, code: 'bad_record' },
      ]);
      const verified = await run(cwd, 'verify', '1', ...(how === 'as it is' ? [] : [name]));
      expect(verified.json, verified.stderr).toMatchObject({ ok: true });
      await expectBalanced(database, 'sales');
      expect((await run(cwd, 'undo', '1', '--yes')).status).toBe(0);
      expect(await readSales()).toEqual([]);
      await database.query('DROP SCHEMA edp CASCADE');
    }
  });

  it('from standard input, with and without --format', async () => {
    const cwd = await project({});
    const args = ['ingest', '-', '--table', 'sales', '--json', '--database-url', database.url];
    const said = await edp([...args, '--format', 'jsonl'], { cwd, input: FILE });
    expect(said, said.stderr).toMatchObject({ status: 3, json: { rows: COUNTS } });
    const again = await edp(args, { cwd, input: gzipSync('{"id": 8}\n{"id": 9}\n') });
    expect(again, again.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 2 } } });
  });

  it('with its dry run, which says the same', async () => {
    const cwd = await project({ 'sales.jsonl': FILE });
    const dry = await run(cwd, 'ingest', 'sales.jsonl', '--dry-run');
    expect(dry, dry.stderr).toMatchObject({ status: 3, json: { rows: COUNTS } });
    expect(dry.json.rejects).toEqual({ bad_integer: 1, bad_record: 1 });
    const result = await run(cwd, 'ingest', 'sales.jsonl');
    const rejects = (await run(cwd, 'rejects', '1')).json.rejects;
    expect(dry.json.firstRejects).toEqual(withoutLoads(rejects));
    expect(result.json.files[0].rows).toEqual(dry.json.files[0].rows);
  });

  it('together with CSV files of its table, in one run', async () => {
    const files = { 'sales-1.csv': 'id,note\n10,csv\n', 'sales-2.jsonl': FILE };
    const cwd = await project(files);
    const result = await run(cwd, 'ingest', 'sales-*', '--delimiter', ',');
    expect(result.json.files, result.stderr).toMatchObject([
      { format: 'csv', rows: { loaded: 1 } },
      { format: 'jsonl', rows: COUNTS },
    ]);
    expect(result.stderr).toContain(
      'sales-2.jsonl is read with: --delimiter unused, as it is jsonl',
    );
  });

  it('within --max-rejects, or not', async () => {
    const cwd = await project({ 'sales.jsonl': FILE });
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--max-rejects', '1');
    expect(result).toMatchObject({ status: 1, json: { error: { code: 'too_many_rejects' } } });
    const again = await run(cwd, 'ingest', 'sales.jsonl', '--max-rejects', '2');
    expect(again.json).toMatchObject({ ok: true, rows: COUNTS });
  });

  it('when the table says so, whatever the file is called', async () => {
    const model = MODEL.replace('    key: id', '    key: id\n    format: jsonl');
    const cwd = await project({ 'sales.txt': FILE, 'sales.csv': 'id\n9\n' }, model);
    expect((await run(cwd, 'ingest', 'sales.txt')).json.rows).toEqual(COUNTS);
    const csv = await run(cwd, 'ingest', 'sales.csv');
    expect(csv.json.files[0].reason).toContain('does not look like JSON lines');
    const said = await run(cwd, 'ingest', 'sales.csv', '--format', 'csv');
    expect(said.json.files[0]).toMatchObject({ format: 'csv', rows: { loaded: 1 } });
  });
});

describe('a value goes into its column', () => {
  const TABLE = `tables:
  t:
    columns:
      id: int
      text: text
      json: json
      jsonb: jsonb
      unwrapped: { type: jsonb, stored-as: json-string }
      listed: { type: jsonb, stored-as: list, separator: ';' }
      filled: { type: text, default: none }
      object: { type: jsonb, default: '{}' }
      same: { type: text, field: jsonb }
`;
  it.each<[string, string, string, unknown]>([
    ['an object into text', 'text', '{"b" : 1.0}', '{"b" : 1.0}'],
    ['a number into text', 'text', '1.50e400', '1.50e400'],
    ['true into text', 'text', 'true', 'true'],
    ['a string into json', 'json', '"a\\u0041"', '"a\\u0041"'],
    ['an object into json', 'json', '{"b" : 1.0, "b": 2}', '{"b" : 1.0, "b": 2}'],
    ['an empty string into json', 'json', '""', '""'],
    ['JSON in a string into json', 'json', '"{}"', '"{}"'],
    ['null into json', 'json', 'null', null],
    ['JSON in a string, to be unwrapped', 'unwrapped', '"{\\"b\\": 1}"', '{"b": 1}'],
    ['an object, not to be unwrapped', 'unwrapped', '{"b":1}', '{"b": 1}'],
    ['a list in a string', 'listed', '"a;b"', '["a", "b"]'],
    ['a default for no key', 'filled', '', 'none'],
    ['a default for null', 'filled', 'null', 'none'],
    ['a string into jsonb with a default', 'object', '"x"', '"x"'],
    ['a default of JSON', 'object', 'null', '{}'],
    ['text, where a key fills text as well', 'same', '"[1]"', '[1]'],
    ['JSON, where a key fills text as well', 'jsonb', '"[1]"', '[1]'],
  ])('%s', async (_, column, json, expected) => {
    const key = column === 'same' ? 'jsonb' : column;
    const member = json === '' ? '' : `, ${JSON.stringify(key)}: ${json}`;
    const cwd = await project({ 't.jsonl': `{"id": 1${member}}\n` }, TABLE);
    const result = await run(cwd, 'ingest', 't.jsonl');
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 1 } } });
    expect(await database.query(`SELECT "${column}"::text FROM t`)).toEqual([[expected]]);
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
  });
});

describe('rejects of JSON lines', () => {
  it('are given back byte for byte, mended, and loaded', async () => {
    const cwd = await project({ 'sales.jsonl': FILE });
    await run(cwd, 'ingest', 'sales.jsonl');
    expect(await writeRaw(cwd)).toBe('{"id": "four"}\nnonsense\n');
    await writeFile(path.join(cwd, 'mended.jsonl'), '{"id": 4}\n{"id": 7}\n');
    const mended = await run(cwd, 'ingest', 'mended.jsonl', '--table', 'sales');
    expect(mended.json.rows).toMatchObject({ loaded: 2 });
  });

  it('are tried again against the model of today', async () => {
    const late = Array.from({ length: 4000 }, (_, i) => `{"id": ${i}}\n`).join('');
    const file = `${late}{"id": "x4000", "shop": "z"}\n{"id": 4001, "shop": "y"}\n{"id": 4002\n`;
    const cwd = await project({ 'sales.jsonl': file });
    const result = await run(cwd, 'ingest', 'sales.jsonl');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 4000, rejected: 3 });
    const rejects = (await run(cwd, 'rejects', '1')).json.rejects;
    expect(rejects).toMatchObject([
      { line: 4001, code: 'unknown_key', column: 'shop' },
      { line: 4002, code: 'unknown_key', column: 'shop' },
      { line: 4003, code: 'bad_record' },
    ]);
    expect((await run(cwd, 'replay', '1')).json.rows).toMatchObject({ loaded: 0, rejected: 3 });
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);

    await writeFile(
      path.join(cwd, 'edp.yaml'),
      MODEL.replace('note: text', 'note: text, shop: text'),
    );
    await database.query('ALTER TABLE sales ADD COLUMN shop text');
    expect((await run(cwd, 'replay', '1')).json.rows).toMatchObject({ loaded: 1, rejected: 2 });
    expect(await database.query('SELECT id, shop FROM sales WHERE shop IS NOT NULL')).toEqual([
      [4001, 'y'],
    ]);
    expect((await run(cwd, 'rejects', '1')).json.rejects).toMatchObject([
      { line: 4001, code: 'bad_integer', column: 'id' },
      { line: 4003, code: 'bad_record' },
    ]);
    const verified = await run(cwd, 'verify', '1');
    expect(verified.json, verified.stderr).toMatchObject({ ok: true });
    await expectBalanced(database, 'sales');
  });

  it('a line that is too long is one, of which the beginning is kept', async () => {
    const long = `{"id": 2, "note": "${'x'.repeat(70 * 1024 * 1024)}"}\n`;
    const files = { 'sales.jsonl': `{"id": 1}\n${long}{"id": 3}\n` };
    const cwd = await project({ ...files, 'sales.jsonl.gz': gzipSync(files['sales.jsonl']) });
    for (const name of ['sales.jsonl', 'sales.jsonl.gz']) {
      const result = await run(cwd, 'ingest', name);
      expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 1 });
      const [reject] = (await run(cwd, 'rejects', '1')).json.rejects;
      expect(reject).toMatchObject({ line: 2, byteOffset: 10, code: 'record_too_long' });
      expect(reject.raw).toHaveLength(64 * 1024);
      expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
      await database.query('DROP TABLE sales; DROP SCHEMA edp CASCADE');
    }
  });
});

describe('new keys', () => {
  const NEW =
    '{"id": 1, "shop": "Zoë", "n": 1.50}\n{"id": 2, "note": "b", "shop": null}\n{"id": 3}\n';

  it('of the first lines are the fault of the file, and nothing is loaded', async () => {
    const cwd = await project({ 'sales.jsonl': NEW });
    const result = await run(cwd, 'ingest', 'sales.jsonl');
    expect(result.json.files[0]).toMatchObject({ status: 'failed', loadId: null });
    expect(result.json.files[0].reason).toMatch(
      /keys of its first records do not fit table "sales".*"shop", "n".*--on-new-column/s,
    );
    expect((await run(cwd, 'ingest', 'sales.jsonl', '--dry-run')).json.files[0].reason).toBe(
      result.json.files[0].reason,
    );
  });

  it('are passed over by `ignore`, reported, counted and recorded', async () => {
    const cwd = await project({ 'sales.jsonl': NEW });
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'ignore');
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 3 } } });
    expect(result.stderr).toContain('new fields "shop", "n" passed over');
    expect(result.stderr).toContain('no column is declared for "shop": passed over in 2 records');
    expect(result.json.corrections).toEqual({
      shop: { 'passed-over': 2 },
      n: { 'passed-over': 1 },
    });
    const status = await run(cwd, 'status', '1');
    expect(status.json.load).toMatchObject({
      drift: { new: ['shop', 'n'], onNew: 'ignore', isReordered: false },
      corrections: { shop: { 'passed-over': 2 }, n: { 'passed-over': 1 } },
    });
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
  });

  it('are kept by `keep` with their types, also those that come late', async () => {
    const late = Array.from({ length: 3000 }, (_, i) => `{"id": ${i + 10}}\n`).join('');
    const cwd = await project({
      'sales.jsonl': `${NEW}${late}{"id": 4, "late": [1.0, {"x": "y"}]}\n{"id": "x", "late": 2}\n`,
    });
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'keep');
    expect(result, result.stderr).toMatchObject({ json: { rows: { loaded: 3004, rejected: 1 } } });
    expect(result.json.corrections).toEqual({
      shop: { kept: 2 },
      n: { kept: 1 },
      late: { kept: 1 },
    });
    expect(
      await database.query('SELECT id, extra_fields::text FROM sales WHERE id < 10 ORDER BY id'),
    ).toEqual([
      [1, '{"n": 1.50, "shop": "Zoë"}'],
      [2, '{"shop": null}'],
      [3, null],
      [4, '{"late": [1.0, {"x": "y"}]}'],
    ]);
    // Neither command is told again what was said then.
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
    await database.query('ALTER TABLE sales ALTER id TYPE text');
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL.replace('id: int', 'id: text'));
    expect((await run(cwd, 'replay', '1')).json.rows).toMatchObject({ loaded: 1 });
    expect(await database.query("SELECT extra_fields FROM sales WHERE id = 'x'")).toEqual([
      [{ late: 2 }],
    ]);
    expect((await run(cwd, 'status', '1')).json.load.corrections.late).toEqual({ kept: 2 });
    await database.query("UPDATE sales SET extra_fields = '{}' WHERE id = '4'");
    expect((await run(cwd, 'verify', '1')).status).toBe(1);
  });

  it('are kept where the table declares it, without an option', async () => {
    const cwd = await project({ 'sales.jsonl': NEW }, `${MODEL}    extra: rest\n`);
    expect((await run(cwd, 'ingest', 'sales.jsonl')).status).toBe(0);
    expect(await database.query('SELECT rest FROM sales WHERE id = 2')).toEqual([[{ shop: null }]]);
  });

  it('become columns by `add`, also those that come late', async () => {
    const late = Array.from({ length: 3000 }, (_, i) => `{"id": ${i + 10}}\n`).join('');
    const cwd = await project({
      'sales.jsonl': `${NEW}${late}{"id": 4, "Late At": "2024-01-02"}\n`,
    });
    const dry = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'add', '--dry-run');
    expect(dry.json.rows, dry.stderr).toMatchObject({ loaded: 3004, rejected: 0 });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(MODEL);
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'add');
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 3004 } } });
    expect(
      await database.query(
        'SELECT id, shop, n::text, late_at::text FROM sales WHERE id < 10 ORDER BY id',
      ),
    ).toEqual([
      [1, 'Zoë', '1.50', null],
      [2, null, null, null],
      [3, null, null, null],
      [4, null, null, '2024-01-02'],
    ]);
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
    // The next file has nothing new.
    await writeFile(path.join(cwd, 'sales-2.jsonl'), NEW.replaceAll('"id": ', '"id": 500'));
    expect((await run(cwd, 'ingest', 'sales-2.jsonl', '--on-new-column', 'add')).status).toBe(0);
  });

  it('of any name are counted', async () => {
    const names = ['a\\u0000b', '\\ud800', '__proto__', '', 'x y', 'é'];
    const lines = names.map((name, i) => `{"id": ${i}, "${name}": 1}\n`);
    const cwd = await project({ 'sales.jsonl': lines.join('') });
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'ignore');
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 6 } } });
    const counted = Object.keys(result.json.corrections);
    expect(counted.sort()).toEqual(['', '__proto__', 'a\\0b', 'x y', 'é', '\ufffd\ufffd\ufffd']);
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
  });

  it('that the table ignores are no news', async () => {
    const cwd = await project({ 'sales.jsonl': NEW }, `${MODEL}    ignore: [shop, n]\n`);
    const result = await run(cwd, 'ingest', 'sales.jsonl');
    expect(result, result.stderr).toMatchObject({ status: 0, json: { corrections: {} } });
  });

  it('a column that needs a value, which the first lines do not have, is the fault of the file', async () => {
    const cwd = await project({ 'sales.jsonl': '{"note": "a"}\n' });
    const result = await run(cwd, 'ingest', 'sales.jsonl');
    expect(result.json.files[0].reason).toContain('no field for columns that need a value: "id"');
  });
});

describe('a run that was killed', () => {
  it('goes on where it stopped, and with the same rule for new keys only', async () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, i) => `{"id": ${i}, "note": "n${i}", "x": 1}\n`,
    );
    const cwd = await project({ 'sales.jsonl': lines.join('') });
    const hurry = await slowLoads(database);
    const args = [
      'ingest',
      'sales.jsonl',
      '--read-batch-size',
      '1000',
      '--process-count',
      '2',
    ] as const;
    const all = [...args, '--on-new-column', 'keep', '--database-url', database.url];
    for (let delay = 700; ; delay *= 1.5) {
      if ((await killDuring(database, 'ingest', all, { cwd }, delay)) !== null) break;
      const [[receipts]] = (await database.query('SELECT count(*) FROM edp.receipts')) as [
        [number],
      ];
      if (receipts > 0) break;
    }
    await hurry();
    const [[state]] = (await database.query('SELECT state FROM edp.loads')) as [[string]];
    expect(state).toBe('loading');
    const other = await run(cwd, ...args, '--on-new-column', 'ignore');
    expect(other.json.files[0]).toMatchObject({ status: 'failed', loadId: 1 });
    expect(other.json.files[0]!.reason).toContain('in another format');
    const again = await run(cwd, ...args, '--on-new-column', 'keep');
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(again.json.files[0]!.rows).toMatchObject({ read: 30_000, loaded: 30_000 });
    expect(again.json.corrections).toEqual({ x: { kept: 30_000 } });
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
    await expectBalanced(database, 'sales');
    const known = await run(cwd, 'ingest', 'sales.jsonl', '--on-new-column', 'keep');
    expect(known.json.files[0]).toMatchObject({ status: 'skipped' });
  });
});

describe('of files without a table', () => {
  const NEW_FILE = `${Array.from(
    { length: 20 },
    (_, i) =>
      `{"id": ${i}, "Sold At": "2024-01-0${1 + (i % 9)}T10:00:00Z", "zip": "0123${i % 10}", "price": ${i}.50, "m": {"metrics": {"hits": ${i}}}}\n`,
  ).join('')}{"id": 99, "late": true, "nested": [1]}\n{"id": 5, "bad"\n`;

  it('inspect says what they are', async () => {
    const cwd = await project({ 'shop.jsonl': NEW_FILE }, null);
    const { json, status } = await edp(['inspect', 'shop.jsonl', '--json'], { cwd });
    expect(status).toBe(0);
    expect(json).toMatchObject({
      format: 'jsonl',
      why: { format: 'its name ends in .jsonl' },
      dialect: { lineEnd: 'lf', encoding: 'utf-8', compression: 'none' },
      key: 'id',
      timeColumn: 'Sold At',
      odd: { bad_record: 1 },
      sample: { records: 22, isWhole: true },
    });
    expect(json).not.toHaveProperty('csv');
    const { columns } = json;
    expect(columns.map(({ name, type, nulls }) => [name, type, nulls])).toEqual([
      ['id', 'int', 0],
      ['Sold At', 'timestamptz', 1],
      ['zip', 'text', 1],
      ['price', 'numeric', 1],
      ['m', 'jsonb', 1],
      ['late', 'boolean', 20],
      ['nested', 'jsonb', 20],
    ]);
    expect(json.preview[0]).toEqual([
      '0',
      '2024-01-01T10:00:00Z',
      '01230',
      '0.50',
      '{"metrics": {"hits": 0}}',
      null,
      null,
    ]);
    const { stdout } = await edp(['inspect', 'shop.jsonl'], { cwd });
    expect(stdout).toMatch(/^format +jsonl +its name ends in \.jsonl$/m);
    expect(stdout).toContain('format: jsonl');
  });

  it('--create makes one, and the next file of the kind needs no option', async () => {
    const cwd = await project({ 'shop-1.jsonl.gz': gzipSync(NEW_FILE) }, null);
    const result = await run(cwd, 'ingest', 'shop-1.jsonl.gz', '--create');
    expect(result, result.stderr).toMatchObject({ json: { rows: { loaded: 21, rejected: 1 } } });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).not.toContain('format:');
    expect(
      await database.query(
        'SELECT id, sold_at::date::text, zip, price::text, hits, late, nested FROM shop WHERE id IN (1, 99) ORDER BY id',
      ),
    ).toEqual([
      [1, '2024-01-02', '01231', '1.50', 1, null, null],
      [99, null, null, null, null, true, [1]],
    ]);
    await writeFile(path.join(cwd, 'shop-2.jsonl'), '{"id": 100}\n');
    expect((await run(cwd, 'ingest', 'shop-2.jsonl')).json.rows).toMatchObject({ loaded: 1 });
    expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
  });

  it('--create declares the format that was said', async () => {
    const cwd = await project({ 'shop.csv': NEW_FILE }, null);
    const result = await run(cwd, 'ingest', 'shop.csv', '--create', '--format', 'jsonl');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 21 });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toContain('format: jsonl');
    await writeFile(path.join(cwd, 'shop-2.csv'), '{"id": 100}\n');
    expect((await run(cwd, 'ingest', 'shop-2.csv')).json.rows).toMatchObject({ loaded: 1 });
  });

  it('keys that are data are no columns', async () => {
    const lines = Array.from({ length: 11_000 }, (_, i) => `{"k${i}": 1}\n`).join('');
    const cwd = await project({ 'shop.jsonl': lines }, null);
    const { json } = await edp(['model', 'infer', 'shop.jsonl', '--json'], { cwd });
    expect(json.error).toMatchObject({
      code: 'wrong_format',
      message: expect.stringContaining('more than 10000 different keys'),
    });
  });

  it('model infer takes the keys of all lines, of all files', async () => {
    const more = '{"id": 1, "late": "no"}\n{"other": 1.5}\n';
    const cwd = await project({ 'shop-1.jsonl': NEW_FILE, 'shop-2.jsonl': more }, null);
    const args = [
      'model',
      'infer',
      'shop-1.jsonl',
      'shop-2.jsonl',
      '--table',
      'shop',
      '--json',
    ] as const;
    const { json, stderr } = await edp(args, { cwd });
    const { columns } = (json as ModelResult<'infer'>).tables[0]!;
    expect(
      columns.map(({ field, type, nulls }) => [field, type, nulls]),
      stderr,
    ).toEqual([
      ['id', 'int', 1],
      ['Sold At', 'timestamptz', 1],
      ['zip', 'text', 1],
      ['price', 'numeric', 1],
      ['m', 'jsonb', 1],
      ['late', 'text', 21],
      ['nested', 'jsonb', 20],
      ['other', 'numeric', 1],
    ]);
  });
});

describe('--format', () => {
  it('jsonl and options about CSV exclude each other', async () => {
    const cwd = await project({ 'sales.jsonl': FILE });
    const result = await run(cwd, 'ingest', 'sales.jsonl', '--format', 'jsonl', '--delimiter', ';');
    expect(result).toMatchObject({ status: 2, json: { error: { code: 'usage' } } });
    expect(result.json.error.message).toContain('--delimiter and --format jsonl');
  });

  it('an option about CSV does not fit a file that is found to be JSON lines', async () => {
    const lines = '{"id":1}\n{"id":2}\n';
    const files = { 'sales.jsonl': lines, 'sales.txt': lines };
    const cwd = await project(files);
    const unknown = await project(files, 'tables: {}\n');
    for (const command of ['inspect', 'ingest'] as const) {
      for (const file of ['sales.jsonl', 'sales.txt']) {
        const flags = ['--delimiter', ';', '--no-header'] as const;
        const args = command === 'ingest' ? ['--create'] : [];
        const { status, stdout } = await edp([command, file, ...flags, ...args, '--json'], {
          cwd: command === 'ingest' ? unknown : cwd,
          env: { DATABASE_URL: database.url },
        });
        expect(status).toBe(1);
        expect(stdout).toContain('"code":"wrong_format"');
        expect(stdout).toContain('--delimiter, --header are for CSV');
      }
    }
  });

  it('takes one of the formats, also from a variable and from edp.yaml', async () => {
    const cwd = await project({ 'sales.txt': FILE });
    const wrong = await run(cwd, 'ingest', 'sales.txt', '--format', 'xml');
    expect(wrong).toMatchObject({ status: 2 });
    const args = [
      'ingest',
      'sales.txt',
      '--json',
      '--database-url',
      database.url,
      '--dry-run',
    ] as const;
    const env = { EDP_INPUT_FORMAT: 'csv' };
    expect((await edp(args, { cwd, env })).json.files[0].status).toBe('failed');
    await writeFile(path.join(cwd, 'edp.yaml'), `input-format: csv\n${MODEL}`);
    expect((await edp(args, { cwd })).json.files[0].status).toBe('failed');
    const said = { EDP_INPUT_FORMAT: 'jsonl' };
    expect((await edp(args, { cwd, env: said })).json.rows).toEqual(COUNTS);
  });
});
