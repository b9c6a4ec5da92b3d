/** `edp model infer`, and what `edp inspect` tells of types. */
import { execFile } from 'node:child_process';
import { lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseProject } from '../../src/project/parse.js';
import { addTables } from '../../src/project/write-model.js';
import { edp, makeDirectory } from '../support/cli.js';

let cwd: string;
beforeEach(async () => {
  cwd = await makeDirectory();
});
const write = (name: string, content: string) => writeFile(path.join(cwd, name), content);

const EVENTS = [
  'id,recorded_date,first_dimension_id,event_metrics',
  ...Array.from(
    { length: 12 },
    (_, i) =>
      `${i},2024-03-01 10:00:${10 + i},${i % 3},"{""metrics"": {""metric_one"": ${i}, ""Metric-2"": 3000000000}}"`,
  ),
  '',
].join('\n');

/** A named pipe that nobody writes to. */
const makePipe = (name: string) => promisify(execFile)('mkfifo', [path.join(cwd, name)]);

describe('edp model infer', () => {
  it('with --out - prints the model, and makes no file of that name', async () => {
    await write('ev.csv', EVENTS);
    const printed = await edp(['model', 'infer', 'ev.csv'], { cwd });
    for (const out of ['-', '/dev/stdout']) {
      const { status, stdout } = await edp(['model', 'infer', 'ev.csv', '--out', out], { cwd });
      expect({ status, stdout }).toEqual({ status: 0, stdout: printed.stdout });
    }
    expect(await readdir(cwd)).toEqual(['ev.csv']);
  });

  it('with standard input and --out - reads the one and prints to the other', async () => {
    const args = ['model', 'infer', '-', '--table', 'ev', '--out', '-'] as const;
    const { status, stdout, stderr } = await edp(args, { cwd, input: EVENTS });
    expect(status, stderr).toBe(0);
    expect(parseProject(stdout).tables).toHaveProperty('ev');
  });

  it('neither opens nor replaces a pipe', async () => {
    await write('ev.csv', EVENTS);
    await makePipe('model.yaml');
    const { status, stderr } = await edp(['model', 'infer', 'ev.csv', '--out', 'model.yaml'], {
      cwd,
    });
    expect(status).toBe(2);
    expect(stderr).toContain('model.yaml cannot be read: it is not a file');
    expect((await lstat(path.join(cwd, 'model.yaml'))).isFIFO()).toBe(true);
  });

  it('prints a model as a person would write it', async () => {
    await write('ev.csv', EVENTS);
    const { status, stdout, stderr } = await edp(['model', 'infer', 'ev.csv'], { cwd });
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/^table ev: key id: its name is that of an identifier.*\n$/);
    expect(stdout).toBe(`tables:
  ev:
    columns:
      id: int
      recorded_date: timestamp # the time of the record
      first_dimension_id: int
    key: id
    metrics:
      from: event_metrics
      path: metrics
      columns:
        metric_one: int
        metric_2:
          type: bigint
          key: Metric-2
`);
    expect(parseProject(stdout).tables).toHaveProperty('ev');
  });

  it('with --json tells each decision', async () => {
    await write('ev.csv', EVENTS);
    const { json } = await edp(['model', 'infer', 'ev.csv', '--json'], { cwd });
    expect(json).toMatchObject({
      command: 'model',
      ok: true,
      action: 'infer',
      out: null,
      tables: [
        {
          name: 'ev',
          files: ['ev.csv'],
          records: 12,
          key: 'id',
          timeColumn: 'recorded_date',
          columns: [
            { name: 'id', field: 'id', type: 'int', nullable: false, uniqueness: 'unique' },
            { name: 'recorded_date', type: 'timestamp' },
            { name: 'first_dimension_id', type: 'int' },
            { field: 'event_metrics', type: 'jsonb', metrics: ['metric_one', 'metric_2'] },
          ],
        },
      ],
    });
    expect(json.yaml).toMatch(/^tables:\n {2}ev:\n/);
  });

  it('with --out makes the file, and another table is added to it', async () => {
    await write('ev.csv', EVENTS);
    await write('Unit Sales.csv', 'A\nx\n');
    const first = await edp(['model', 'infer', 'ev.csv', '--out', 'edp.yaml'], { cwd });
    expect(first.status, first.stderr).toBe(0);
    expect(first.stdout).toContain('edp.yaml: table ev, 4 fields, key id, from 12 records');
    const before = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    const second = await edp(['model', 'infer', 'Unit Sales.csv', '--out', 'edp.yaml'], { cwd });
    expect(second.status, second.stderr).toBe(0);
    const after = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(after.startsWith(before.trimEnd())).toBe(true);
    expect(Object.keys(parseProject(after).tables!)).toEqual(['ev', 'unit_sales']);
    expect(after).toContain('- Unit Sales.*');
    expect(after).toContain('- Unit Sales[-_ ][0-9]*');
  });

  it('does not touch a table that is declared', async () => {
    await write('ev.csv', EVENTS);
    const yaml = 'tables:\n  ev:\n    columns: { id: int }\n';
    await write('edp.yaml', yaml);
    const { status, json } = await edp(
      ['model', 'infer', 'ev.csv', '--out', 'edp.yaml', '--json'],
      { cwd },
    );
    expect(status).toBe(2);
    expect(json.error).toMatchObject({ code: 'config', message: 'table "ev" is declared already' });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(yaml);
  });

  it('does not lose a word of what files are made of', async () => {
    const hostile = 'a: b #c,"x\u2028y","on","-","{}","[","\u00e4\u0308"\nnull,2,3,4,5,6,7\n';
    await write("it's: #1.csv", hostile);
    const { status, stdout, stderr } = await edp(['model', 'infer', "it's: #1.csv"], { cwd });
    expect(status, stderr).toBe(0);
    const [table] = Object.values(parseProject(stdout).tables!);
    const fields = Object.entries(table!.columns).map(([name, column]) =>
      typeof column === 'string' ? name : column.field,
    );
    expect(fields).toEqual(['a: b #c', 'x\u2028y', 'on', '-', '{}', '[', '\u00e4\u0308']);
  });
});

describe('an edp.yaml that is there', () => {
  const CASES: readonly [
    name: string,
    text: string | undefined,
    keeps: boolean,
    tables: string[],
  ][] = [
    ['is not', undefined, false, ['t']],
    [
      'is not, and built-in tables are in use',
      undefined,
      true,
      ['first_dimensions', 'second_dimensions', 'events', 't'],
    ],
    ['is empty', '', false, ['first_dimensions', 'second_dimensions', 'events', 't']],
    [
      'is a comment',
      '# nothing yet\n',
      false,
      ['first_dimensions', 'second_dimensions', 'events', 't'],
    ],
    [
      'has options alone',
      'process-count: 3',
      false,
      ['first_dimensions', 'second_dimensions', 'events', 't'],
    ],
    ['has a table', 'tables:\n  a:\n    columns:\n      x: int\n', false, ['a', 't']],
    [
      'has a table at the end of which there is no line end',
      'tables:\n  a:\n    columns:\n      x: int',
      false,
      ['a', 't'],
    ],
    [
      'has options behind its tables',
      'tables:\n  a:\n    columns: { x: int }\n\n# how many\nprocess-count: 3\n',
      false,
      ['a', 't'],
    ],
    [
      'has a comment behind its last table',
      'tables:\n  a:\n    columns: { x: int } # x\n    # the end\n',
      false,
      ['a', 't'],
    ],
    ['has tables in braces', 'tables: { a: { columns: { x: int } } }\n', false, ['a', 't']],
    ['has no tables in braces', 'tables: {}\n', false, ['t']],
    ['has no tables in braces, and a comment', 'tables: {} # ours\n', false, ['t']],
    [
      'has CRLF',
      'tables:\r\n  a:\r\n    columns: { x: int }\r\nprocess-count: 3\r\n',
      false,
      ['a', 't'],
    ],
    [
      'is indented by four',
      'tables:\n    a:\n        columns:\n            x: int\n',
      false,
      ['a', 't'],
    ],
    [
      'has a csv section',
      'csv: { delimiter: tab }\ntables:\n  a:\n    columns: { x: int }\n',
      false,
      ['a', 't'],
    ],
  ];
  it.each(CASES)('and %s', (_, text, keepsBuiltin, tables) => {
    const input = { columns: { id: 'int', b: { type: 'text', field: 'B' } } } as const;
    const parsed = parseProject(
      'tables:\n  t:\n    columns: { id: int, b: { type: text, field: B } }\n',
    );
    const table = {
      name: 't',
      columns: [
        { name: 'id', type: 'int', field: 'id', isNullable: true },
        { name: 'b', type: 'text', field: 'B', isNullable: true },
      ],
      key: [],
      indexes: [],
      sources: [],
      lineageColumn: 'load_id',
      files: [],
      ignoredFields: [],
    } as const;
    const proposal = {
      name: 't',
      input,
      table,
      columns: [],
      comments: new Map([['b', 'a word']]),
      inference: undefined as never,
    };
    const edited = addTables(text, [proposal], { keepsBuiltin }, 'edp.yaml');
    const project = parseProject(edited);
    expect(Object.keys(project.tables!)).toEqual(tables);
    expect(project.tables!.t).toEqual(parsed.tables!.t);
    expect(project.options).toEqual(parseProject(text ?? '').options);
    expect(project.csv).toEqual(parseProject(text ?? '').csv);
    expect(edited.endsWith('\n')).toBe(true);
    if (text?.includes('\r\n')) expect(edited).not.toMatch(/[^\r]\n/);
    for (const [comment] of (text ?? '').matchAll(/#.*/g)) expect(edited).toContain(comment);
  });
});

describe('edp inspect', () => {
  it('tells types from all records, with the key and the time', async () => {
    await write('ev.csv', EVENTS);
    const { json } = await edp(['inspect', 'ev.csv', '--json'], { cwd });
    expect(json).toMatchObject({
      key: 'id',
      timeColumn: 'recorded_date',
      sample: { records: 12, isWhole: true },
    });
    expect(json.columns.at(-1)).toMatchObject({
      type: 'jsonb',
      metrics: { path: ['metrics'], keys: ['metric_one', 'Metric-2'] },
    });
  });

  it('of a large file tells a sample from all of it', async () => {
    const record = `${'x'.repeat(1000)},1\n`;
    await write('large.csv', `text,n\n${record.repeat(70_000)}y,oops\n`);
    const sampled = await edp(['inspect', 'large.csv'], { cwd });
    expect(sampled.stdout).toContain('(--whole reads all)');
    const { json } = await edp(['inspect', 'large.csv', '--whole', '--json'], { cwd });
    expect(json.sample).toMatchObject({ records: 70_001, isWhole: true });
    expect(json.columns[1]).toMatchObject({ type: 'text' });
    expect(json.columns[1].why).toContain('"oops" (line 70002) is no whole number');
  });

  it('counts blank lines, comments and records that are no good', async () => {
    await write('odd.csv', 'a,b\r\n1,2\r\n\r\n# x\r\n3,4\r\n5\r\n6,7\r\n');
    const { json } = await edp(['inspect', 'odd.csv', '--json', '--comment', '#'], { cwd });
    expect(json).toMatchObject({
      blankLines: 1,
      commentLines: 1,
      odd: { wrong_field_count: 1 },
      sample: { records: 4 },
    });
    expect(json.columns).toMatchObject([{ type: 'int', values: 3 }, { type: 'int' }]);
  });
});
