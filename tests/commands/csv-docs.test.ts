/**
 * Statements of docs/csv.md that need more than one file and its table (the others are in oddities.test.ts), or
 * that are about `edp inspect`. The names of the tests use the words of the page.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { help as ingestUsage } from '../../src/commands/ingest/ingest.help.js';
import { command as inspectCommand } from '../../src/commands/inspect.command.js';
import { help as inspectUsage } from '../../src/commands/inspect.help.js';
import { describeCsv } from '../../src/formats/csv/describe-csv.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import {
  CSV_SETTING_NAMES,
  type CsvSettingName,
  csvSectionSchema,
  toCsvSettings,
} from '../../src/model/csv-settings.js';
import { findEncoding } from '../../src/model/encodings.js';
import { REJECT_CODES } from '../../src/model/reject-codes.js';
import { toModel } from '../../src/model/schema.js';
import { environmentName, optionsOf } from '../../src/options/option-definitions.js';
import { resolveCsvSettings } from '../../src/options/resolve-options.js';
import { parseProject } from '../../src/project/parse.js';
import { localVersion } from '../../src/source/local-files.js';
import { Output } from '../../src/terminal/output.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { DIALECT_FILES, USUAL_DIALECT } from '../support/dialect-files.js';
import { MAX_MEMORY_MEGABYTES, measureEdp } from '../support/memory.js';
import { zip, zstd } from '../support/packed.js';
import { runnerFor } from '../support/scratch.js';

const DOCUMENT = await readFile(new URL('../../docs/csv.md', import.meta.url), 'utf8');

const database = useTestDatabase('empty');

const run = runnerFor(database);

/** What `edp inspect` prints of a file of that content, run without a process of its own. */
async function inspect(bytes: Buffer | string, isJson: boolean, name = 'file.csv') {
  const directory = await makeDirectory();
  const file = path.join(directory, name);
  await writeFile(file, bytes);
  let text = '';
  const stream = {
    isTTY: false,
    write(chunk: string) {
      text += chunk;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  await inspectCommand.run({
    given: { file: name, 'process-count': 1 },
    project: { directory, options: {}, csv: {}, model: BUILTIN_MODEL },
    output: new Output(isJson, stream),
    signal: new AbortController().signal,
  });
  return { file, text };
}

/** 40 records. */
const NOTES = `id,body,rank\n${Array.from({ length: 40 }, (_, i) => `${i},text ${i},${i % 7}\n`).join('')}`;

interface PackedFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly dialect: { readonly compression: string };
  readonly records: number;
}

const PACKED: readonly PackedFile[] = [
  { name: 'gzip', bytes: gzipSync(NOTES), dialect: { compression: 'gzip' }, records: 40 },
  { name: 'zstd', bytes: zstd(Buffer.from(NOTES)), dialect: { compression: 'zstd' }, records: 40 },
  {
    name: 'bzip2',
    bytes: await readFile(fileURLToPath(new URL('../support/fixtures/notes.bz2', import.meta.url))),
    dialect: { compression: 'bzip2' },
    records: 1198,
  },
  {
    name: 'zip',
    bytes: zip([{ name: 'notes.csv', bytes: Buffer.from(NOTES) }]),
    dialect: { compression: 'zip' },
    records: 40,
  },
];

describe('`edp inspect FILE` shows what was detected, the reasons, and how to specify something else', () => {
  it.each([...DIALECT_FILES, ...PACKED])(
    '$name: its settings have the same effect if they are specified',
    async ({ bytes, dialect }) => {
      const { file, text } = await inspect(bytes, true);
      const json = JSON.parse(text);
      expect(json.dialect).toEqual({ ...USUAL_DIALECT, ...dialect });
      expect(Object.values(json.why).every(Boolean)).toBe(true);
      const specified = toCsvSettings(csvSectionSchema.parse(json.csv));
      const version = await localVersion(file);
      const found = await describeCsv(version, 'file.csv', undefined, {});
      const again = await describeCsv(version, 'file.csv', undefined, specified);
      for (const part of [
        'recordForm',
        'fields',
        'dataStart',
        'dataLine',
        'headerBytes',
      ] as const) {
        expect(again[part]).toEqual(found[part]);
      }
      expect(again.form).toMatchObject({
        encoding: found.form.encoding,
        compression: found.form.compression,
        markBytes: found.form.markBytes,
      });
    },
  );

  const ODD = `by me\nid;value;note\n1;1.5;NA\n\n2;2.5;x\n# a remark\n3;NA;NA\n4;3.25;"a;b"\n5;4;y\n6;5;z\n7\nTotal\n`;

  it('in a table for people', async () => {
    const { text } = await inspect(ODD, false);
    const lines = text.split('\n').map((line) => line.replace(/ {2,}/g, '  ').trim());
    for (const line of [
      /^file\.csv: 90 B; looked at 8 records, all of them$/,
      /^delimiter {2}semicolon {2}\d+ of \d+ sampled records have 3 fields/,
      /^encoding {2}utf-8 {2}the sample is ASCII$/,
      /^line end {2}lf {2}the line ends in the sample$/,
      /^lines before {2}1 {2}these lines are unlike the following lines$/,
      /^header {2}yes {2}it has .* where numbers, dates and the like follow$/,
      /^comments {2}# {2}lines between the records that begin with # are not records$/,
      /^value {2}text {2}.*1 × NA; numeric without: all 5 values are numbers/,
      /^records: wrong_field_count {2}2$/,
      /^blank lines, passed over {2}1$/,
      /^comment lines, passed over {2}1$/,
      /^lines at the end that look like a footer \(--skip-footer 2\): 7 {2}2$/,
      /^fields that may stand for NULL: NA {2}3$/,
      /^1 {2}1\.5 {2}NA$/,
      /^In edp\.yaml, under csv: \(each is also an option, such as --delimiter\):$/,
      /^delimiter: semicolon$/,
      /^skip-lines: 1$/,
    ]) {
      expect(lines).toContainEqual(expect.stringMatching(line));
    }
  });

  it('and counts the words that may stand for NULL', async () => {
    const json = JSON.parse((await inspect(ODD, true)).text);
    expect(json.nullTokens).toEqual({ NA: 3 });
    expect(json.columns).toMatchObject([
      { name: 'id', type: 'int', nullTokens: {} },
      { name: 'value', type: 'text', nullTokens: { NA: 1 }, typeWithoutNullTokens: 'numeric' },
      { name: 'note', type: 'text', nullTokens: { NA: 2 } },
    ]);
  });
});

describe('each setting is an option, a variable, and a line of `edp.yaml`', () => {
  const SPECIFIED: Readonly<Record<CsvSettingName, readonly [text: string, value: unknown]>> = {
    delimiter: ['semicolon', ';'],
    quote: ['single', "'"],
    escape: ['backslash', 'backslash'],
    'line-end': ['crlf', 'crlf'],
    encoding: ['cp1252', 'windows-1252'],
    compression: ['gzip', 'gzip'],
    header: ['false', false],
    columns: ['a, b', ['a', 'b']],
    'skip-lines': ['2', 2],
    'skip-footer': ['1', 1],
    comment: ['//', '//'],
    ragged: ['pad', 'pad'],
  };

  it.each(CSV_SETTING_NAMES)('%s', (name) => {
    const [text, value] = SPECIFIED[name];
    const settings = {
      [name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]: value,
    };
    const nothing = { options: {}, csv: {} };
    const ofProject = parseProject(stringify({ csv: { [name]: text } }));
    const ofTable = parseProject(
      stringify({ tables: { t: { columns: { id: 'int' }, csv: { [name]: text } } } }),
    );
    const [table] = toModel(ofTable.tables!).tables;
    expect(resolveCsvSettings({ [name]: text }, nothing, {})()).toEqual(settings);
    const variable = { [environmentName(name)]: text };
    expect(resolveCsvSettings({}, nothing, variable)()).toEqual(settings);
    expect(resolveCsvSettings({}, ofProject, {})()).toEqual(settings);
    expect(resolveCsvSettings({}, nothing, {})(table)).toEqual(settings);
    for (const command of [ingestUsage, inspectUsage]) expect(optionsOf(command)).toContain(name);
    // The page explains the setting.
    expect(DOCUMENT).toContain(`\`--${name}`);
  });

  it('as in the example', () => {
    const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(DOCUMENT)!;
    const { csv, tables } = parseProject(yaml!);
    const model = toModel(tables!);
    const settingsFor = resolveCsvSettings({}, { options: {}, csv }, {});
    expect(settingsFor(model.tables[0])).toEqual({
      encoding: 'windows-1252',
      delimiter: ';',
      skipLines: 2,
    });
  });

  it('and every code of a reject on the page is one', () => {
    const codes = [...DOCUMENT.matchAll(/`([a-z0-9]+(?:_[a-z0-9]+)+)`/g)].map(([, code]) => code!);
    const isName = (code: string) => code.startsWith('column_');
    expect(
      new Set(
        codes.filter(
          (code) => !isName(code) && !(code in REJECT_CODES) && findEncoding(code) === undefined,
        ),
      ),
    ).toEqual(new Set());
    expect(codes.length).toBeGreaterThan(10);
  });
});

it('`edp ingest` reports what is unusual', async () => {
  const cwd = await makeDirectory();
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    'tables: { unusual: { columns: { id: int, name: text } } }\n',
  );
  const ingest = async (bytes: string | Buffer) => {
    await writeFile(path.join(cwd, 'unusual.csv'), bytes);
    const result = await edp(['ingest', 'unusual.csv', '--database-url', database.url], { cwd });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return result.stderr + result.stdout;
  };
  const text = "by me\nid;name;\n1;'a;b';\n2;'c';\n3;'d';\n# none\n4;'e';\n";
  expect(await ingest(gzipSync(text))).toContain(
    'unusual.csv is read with: gzip, semicolon between fields, single quotes, comments that begin with #, a delimiter behind the last field, 1 line before the header',
  );
  expect(await ingest('id,name\n1,a\n')).not.toContain('is read with');
});

describe('compression', () => {
  const COLUMNS = '{ columns: { id: int, body: text, rank: int } }';
  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS notes');
  });

  async function project(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { notes: ${COLUMNS} }\n`);
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(cwd, name), bytes);
    return cwd;
  }

  const makeNotes = (count: number) =>
    `id,body,rank\n${Array.from({ length: count }, (_, i) => `${i},text ${i},${i % 7}\n`).join('')}`;

  it('`--compression` specifies the compression', async () => {
    const cwd = await makeDirectory();
    const tables = PACKED.map(
      ({ name }) =>
        `specified_${name}: { columns: { id: int, body: text, rank: int }, csv: { compression: ${name} } }`,
    );
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { ${tables.join(', ')} }\n`);
    for (const { name, bytes } of PACKED)
      await writeFile(path.join(cwd, `specified_${name}.csv`), bytes);
    const files = PACKED.map(({ name }) => `specified_${name}.csv`);
    const { json, stderr } = await run(cwd, 'ingest', ...files);
    for (const { name, records, dialect } of PACKED) {
      const found = json.files.find(({ table }) => table === `specified_${name}`);
      expect(found, stderr).toMatchObject({
        status: 'loaded',
        dialect,
        rows: { loaded: records },
      });
    }
  });

  it('zstd runs as WebAssembly where Node has none', async () => {
    const cwd = await project({
      'notes.csv': zstd(Buffer.from(makeNotes(5000)), 1000),
      'without.cjs': "delete require('node:zlib').createZstdDecompress;",
    });
    const { json, stderr } = await edp(
      ['ingest', 'notes.csv', '--json', '--database-url', database.url],
      { cwd, env: { NODE_OPTIONS: `--require ${path.join(cwd, 'without.cjs')}` } },
    );
    expect(json.rows, stderr).toMatchObject({ read: 5000, loaded: 5000 });
  });

  it('the text is split between records during decompression, and all workers parse it', async () => {
    const cwd = await project({ 'notes.csv': gzipSync(makeNotes(60_000)) });
    // Each worker has a connection of its own to the server.
    await database.query(
      'CREATE TABLE notes (id int, body text, rank int, load_id bigint, backend int DEFAULT pg_backend_pid())',
    );
    const sizes = ['--process-count', '3', '--read-batch-size', '500'];
    const { json, stderr } = await run(cwd, 'ingest', 'notes.csv', ...sizes);
    expect(json.rows, stderr).toMatchObject({ loaded: 60_000 });
    const [[ids, backends]] = (await database.query(
      'SELECT count(DISTINCT id), count(DISTINCT backend) FROM notes',
    )) as [[number, number]];
    expect(Number(ids)).toBe(60_000);
    expect(Number(backends)).toBeGreaterThan(1);
  });

  it('the same text with another compression is skipped; a plain file and the same file compressed count as two contents', async () => {
    const text = Buffer.from(makeNotes(3000));
    const cwd = await project({
      'a.csv': gzipSync(text),
      'b.csv': gzipSync(text, { level: 1 }),
      'c.csv': zstd(text),
      'd.csv': zip([{ name: 'x', bytes: text }]),
      'e.csv': text,
      'f.csv': text,
    });
    const load = async (...files: string[]) => {
      const { json } = await run(cwd, 'ingest', ...files, '--table', 'notes');
      return json.files;
    };
    const loaded = { status: 'loaded', rows: { loaded: 3000 } };
    const [first] = await load('a.csv');
    expect(first).toMatchObject(loaded);
    const skipped = { status: 'skipped', loadId: first!.loadId };
    const [plain, ...others] = await load('e.csv', 'b.csv', 'c.csv', 'd.csv');
    expect(others).toMatchObject([skipped, skipped, skipped]);
    expect(plain).toMatchObject(loaded);
    expect(plain!.loadId).not.toBe(first!.loadId);
    expect(await load('f.csv')).toMatchObject([{ status: 'skipped', loadId: plain!.loadId }]);
  });

  it('if the damage changed records before it was detected, `edp undo` removes the part', async () => {
    const text = Buffer.from(makeNotes(40_000));
    const packed = Buffer.from(gzipSync(text, { level: 0 }));
    // Stored as it is, the text shows; behind 4 KB of it, one letter becomes another.
    const at = packed.indexOf('\n2500,text');
    packed[at + '\n2500,te'.length] = 'z'.charCodeAt(0);
    const cwd = await project({ 'notes.csv': packed });
    const broken = await run(cwd, 'ingest', 'notes.csv', '--read-batch-size', '2000');
    expect(broken.status).toBe(1);
    const [{ loadId, reason, rows }] = broken.json.files;
    expect(reason).toMatch(/cannot be unpacked: incorrect data check/);
    expect(rows.loaded).toBeGreaterThan(0);
    const status = await run(cwd, 'status', String(loadId));
    expect(status.json.load).toMatchObject({ state: 'interrupted' });
    await writeFile(path.join(cwd, 'notes.csv'), gzipSync(text));
    const undone = await run(cwd, 'undo', String(loadId), '--yes');
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT count(*) FROM notes')).toEqual([[0]]);
    const whole = await run(cwd, 'ingest', 'notes.csv');
    expect(whole, whole.stderr).toMatchObject({ status: 0 });
    expect(
      await database.query(
        "SELECT count(*), count(*) FILTER (WHERE body LIKE 'text %') FROM notes",
      ),
    ).toEqual([[40_000, 40_000]]);
  });

  it('an encrypted archive is refused', async () => {
    const bytes = zip([{ name: 'notes.csv', bytes: Buffer.from(makeNotes(10)) }]);
    // Flag 1, in the entry itself and in the archive's list.
    bytes[6]! |= 1;
    bytes[bytes.indexOf('PK\x01\x02', 0, 'latin1') + 8]! |= 1;
    const cwd = await project({ 'notes.csv': bytes });
    const result = await run(cwd, 'ingest', 'notes.csv');
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toMatch(/notes\.csv is encrypted[\s\S]*unpack it first/);
  });

  it('`edp verify` decompresses the text into `.edp/spool`, and removes it afterwards', async () => {
    const cwd = await project({ 'notes.csv': gzipSync(makeNotes(100)) });
    const { json } = await run(cwd, 'ingest', 'notes.csv');
    const spool = path.join(cwd, '.edp', 'spool');
    await expect(readdir(spool)).rejects.toThrow('ENOENT');
    const verified = await run(cwd, 'verify', String(json.files[0].loadId));
    expect(verified, verified.stderr).toMatchObject({ status: 0, json: { sameContent: true } });
    expect(await readdir(spool)).toEqual([]);
  });
});

describe('wide and big', () => {
  /** With the column for lineage 1,599. */
  const WIDTH = 1598;
  const names = Array.from({ length: WIDTH - 1 }, (_, i) => `c${i}`);
  const wide = (id: number, value: string) => `${id}${`,${value}`.repeat(WIDTH - 1)}\n`;

  it('1,599 columns are loaded; rows that do not fit into a page are rejects', async () => {
    const cwd = await makeDirectory();
    const columns = Object.fromEntries(['id', ...names].map((name) => [name, 'text']));
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      stringify({ tables: { wide: { columns: { ...columns, id: 'int' } } } }),
    );
    const COUNT = 300;
    const bad = [0, 150, COUNT - 1];
    const records = Array.from({ length: COUNT }, (_, i) =>
      wide(i, bad.includes(i) ? 'nine char' : 'abc'),
    );
    const header = `id,${names.join(',')}\n`;
    await writeFile(path.join(cwd, 'wide.csv'), header + records.join(''));
    const { result, peakMegabytes } = await measureEdp(
      [
        'ingest',
        'wide.csv',
        '--json',
        '--process-count',
        '2',
        '--read-batch-size',
        '100',
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: COUNT, loaded: COUNT - 3, rejected: 3, duplicate: 0 });
    const rejects = await database.query(
      'SELECT code, reason, byte_offset, length(raw) FROM edp.rejects WHERE load_id = $1 ORDER BY byte_offset',
      [result.json.files[0].loadId],
    );
    expect(rejects).toEqual(
      bad.map((i) => [
        'refused_by_server',
        expect.stringContaining('row is too big'),
        header.length + records.slice(0, i).join('').length,
        records[i]!.length - 1,
      ]),
    );
    expect(
      await database.query(
        "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE c0 = 'abc' AND c1596 = 'abc') FROM wide",
      ),
    ).toEqual([[COUNT - 3, COUNT - 3, COUNT - 3]]);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });

  it('--create reports an error before it declares a table with more columns', async () => {
    const cwd = await makeDirectory();
    const files = [WIDTH, WIDTH + 1].map((width) => `fields${width}x.csv`);
    for (const [i, file] of files.entries()) {
      const fields = Array.from({ length: WIDTH + i }, (_, n) => n);
      const text = [fields.map((n) => `f${n}`), fields, fields.map((n) => n + 1), ''];
      await writeFile(path.join(cwd, file), text.map(String).join('\n'));
    }
    const made = await run(cwd, 'ingest', files[0]!, '--create');
    expect(made.json.rows, made.stderr).toMatchObject({ loaded: 2 });
    const refused = await run(cwd, 'ingest', files[1]!, '--create');
    expect(refused.status).toBe(2);
    expect(refused.json.error).toMatchObject({
      code: 'model',
      message: expect.stringContaining('has 1600 columns; it can have 1599'),
      hint: expect.stringContaining('ignore:'),
    });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).not.toContain('fields1599x');
  });

  it('an existing table with 1,600 columns is loaded; if the server refuses a record, the load reports the reason', async () => {
    const cwd = await makeDirectory();
    const columns = Object.fromEntries(['id', ...names, 'last'].map((name) => [name, 'text']));
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      stringify({ tables: { full: { columns: { ...columns, id: 'int' } } } }),
    );
    const list = ['id int', ...[...names, 'last'].map((name) => `${name} text`), 'load_id bigint'];
    await database.query(`CREATE TABLE "full" (${list.join(', ')})`);
    const header = `id,${names.join(',')},last\n`;
    const ingest = async (file: string, value: string) => {
      await writeFile(path.join(cwd, file), header + wide(1, value).replace('\n', ',x\n'));
      return run(cwd, 'ingest', file, '--table', 'full');
    };
    expect(await ingest('a.csv', 'abc')).toMatchObject({ status: 0 });
    const refused = await ingest('b.csv', 'nine char');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/as many columns as the server allows[\s\S]*remove a column/);
    expect(await database.query('SELECT count(*) FROM "full"')).toEqual([[1]]);
  });

  it('a record of less than 64 MB is loaded', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables: { large: { columns: { id: int, body: text } } }\n',
    );
    const length = 60 << 20;
    await writeFile(
      path.join(cwd, 'large.csv'),
      Buffer.concat([
        Buffer.from('id,body\n1,a\n2,'),
        Buffer.alloc(length, 'words of some length '),
        Buffer.from('\n3,b\n'),
      ]),
    );
    const { result, peakMegabytes } = await measureEdp(
      ['ingest', 'large.csv', '--json', '--process-count', '2', '--database-url', database.url],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT id, length(body) FROM large ORDER BY id')).toEqual([
      [1, 1],
      [2, length],
      [3, 1],
    ]);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });

  it('a first record of more than a megabyte is no header, and is loaded if the fields are specified', async () => {
    const cwd = await makeDirectory();
    const columns = '{ columns: { id: int, body: text } }';
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      `tables: { first_plain: ${columns}, first_packed: ${columns} }\n`,
    );
    const length = 3 << 20;
    const text = Buffer.from(`about this\n1;${'words, '.repeat(length / 7)}\n2;b\n`);
    await writeFile(path.join(cwd, 'first_plain.csv'), text);
    await writeFile(path.join(cwd, 'first_packed.csv'), gzipSync(text));
    const files = ['first_plain.csv', 'first_packed.csv'];
    const refused = await run(cwd, 'ingest', ...files, '--skip-lines', '1');
    expect(refused.status).toBe(1);
    for (const { reason } of refused.json.files) {
      expect(reason).toMatch(/its first line does not end[\s\S]*--columns/);
    }
    const form = ['--columns', 'id,body', '--skip-lines', '1', '--delimiter', ';'];
    const result = await run(cwd, 'ingest', ...files, ...form);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    for (const table of ['first_plain', 'first_packed']) {
      expect(await database.query(`SELECT id, length(body) FROM ${table} ORDER BY id`)).toEqual([
        [1, 7 * Math.floor(length / 7)],
        [2, 1],
      ]);
    }
  });

  it('a file with ten million columns in its only line is not a CSV', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables: { garbage: { columns: { id: int, body: text } } }\n',
    );
    await writeFile(path.join(cwd, 'garbage.csv'), Buffer.alloc(10_000_000, 'x,'));
    const { result, peakMegabytes } = await measureEdp(
      ['ingest', 'garbage.csv', '--json', '--database-url', database.url],
      { cwd },
    );
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toMatch(/does not look like a CSV/);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });

  it('`edp inspect` counts a line with ten million columns as one irregular record', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'garbage.csv'),
      `id,body\n1,a\n${','.repeat(10_000_000)}\n2,b\n3,c\n`,
    );
    const { result, peakMegabytes } = await measureEdp(['inspect', 'garbage.csv', '--json'], {
      cwd,
    });
    expect(result.json, result.stderr).toMatchObject({
      sample: { records: 4, isWhole: true },
      odd: { wrong_field_count: 1 },
      columns: [{ name: 'id', type: 'int' }, { name: 'body' }],
    });
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });
});
