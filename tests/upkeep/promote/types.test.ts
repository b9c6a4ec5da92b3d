/** The type of a promoted column: chosen by the values, mended later; and names that no row has. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `tables:
  t:
    columns: { id: int }
    key: id
    metrics: { from: m, columns: {} } # ours
`;

/** A project whose table keeps metric `x` with these values, as JSON. */
async function keep(values: readonly string[]): Promise<string> {
  const records = values.map((value, i) => `${i},"${`{"x":${value}}`.replaceAll('"', '""')}"`);
  const cwd = await makeProject(MODEL, { 't.csv': `id,m\n${records.join('\n')}\n` });
  expect((await run(cwd, 'ingest', 't.csv')).status).toBe(0);
  return cwd;
}

const typeOf = async () =>
  (
    await database.query(
      "SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND column_name = 'x'",
    )
  )[0]?.[0];

describe('without --type', () => {
  it.each([
    { values: ['1', '-2147483648', 'null'], type: 'int' },
    { values: ['1', '2147483648'], type: 'bigint' },
    { values: ['1', '9223372036854775808'], type: 'numeric' },
    { values: ['1', '0.25', '-3e-7'], type: 'double' },
    { values: ['0.1234567890123456789', '1'], type: 'numeric' },
    { values: ['true', 'false'], type: 'boolean' },
    { values: ['"a"', '"12"'], type: 'text' },
    { values: ['"2024-01-31"', '"2023-12-01"'], type: 'date' },
    { values: ['"2024-01-31T10:00:00Z"', '"2024-01-31 10:00+02:00"'], type: 'timestamptz' },
    { values: ['"2024-01-31T10:00:00"', '"2024-01-31 10:00:00.5"'], type: 'timestamp' },
    { values: ['"00112233-4455-6677-8899-AABBCCDDEEFF"'], type: 'uuid' },
    { values: ['{"a":1}', '[1]'], type: 'jsonb' },
    { values: ['null', 'null'], type: 'text' },
  ])('$values become $type, and all of them are moved', async ({ values, type }) => {
    const cwd = await keep(values);
    const promoted = await run(cwd, 'promote', 'x');
    expect(promoted, promoted.stderr).toMatchObject({
      status: 0,
      json: { type, rows: { left: 0 } },
    });
    expect(await database.query('SELECT count(*) FROM t WHERE extra_metrics ? $1', ['x'])).toEqual([
      [0],
    ]);
    expect((await run(cwd, 'verify', '1')).json.counts).toEqual({});
  });

  it('the values of most rows decide; others stay', async () => {
    const cwd = await keep(['1', '"n/a"', '2.5', '3']);
    expect((await run(cwd, 'promote', 'x')).json).toMatchObject({
      type: 'double',
      rows: { moved: 3, left: 1 },
    });
  });
});

describe('--type of a promoted metric', () => {
  it('changes the column, edp.yaml, and moves what did not fit before', async () => {
    const cwd = await keep(['1', '2.5', '3', '"x"']);
    const first = await run(cwd, 'promote', 'x', '--type', 'int');
    expect(first).toMatchObject({ status: 3, json: { rows: { moved: 2, left: 2 } } });
    const second = await run(cwd, 'promote', 'x', '--type', 'double');
    expect(second, second.stderr).toMatchObject({
      status: 3,
      json: { type: 'double', rows: { left: 1 } },
    });
    expect(await typeOf()).toBe('double precision');
    const third = await run(cwd, 'promote', 'x', '--type', 'text');
    expect(third, third.stderr).toMatchObject({ status: 0, json: { rows: { left: 0 } } });
    expect(await database.query('SELECT id, x FROM t ORDER BY id')).toEqual([
      [0, '1'],
      [1, '2.5'],
      [2, '3'],
      [3, 'x'],
    ]);
    const yaml = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(yaml).toMatch(/x: text/);
    expect(yaml).toContain('# ours');
    // The same command again, and without --type, changes nothing.
    for (const more of [['--type', 'text'], []]) {
      expect((await run(cwd, 'promote', 'x', ...more)).json).toMatchObject({ type: 'text' });
    }
  });

  it('is refused where a value would be lost, and nothing changes', async () => {
    const cwd = await keep(['"a"', '"7"']);
    expect((await run(cwd, 'promote', 'x')).json).toMatchObject({ type: 'text' });
    const yaml = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    const refused = await run(cwd, 'promote', 'x', '--type', 'int');
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/"x" of "t" cannot become int from text[\s\S]*such as text/);
    expect(await typeOf()).toBe('text');
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(yaml);
    const rounded = await keepOthers();
    expect(rounded.stderr).toMatch(/cannot become int from double precision: 1 of its values/);
  });

  async function keepOthers() {
    await database.query('DROP TABLE t');
    await database.query('DROP SCHEMA edp CASCADE');
    const other = await keep(['1.5', '2']);
    await run(other, 'promote', 'x');
    return run(other, 'promote', 'x', '--type', 'int');
  }
});

describe('a metric that no row has', () => {
  it.each([
    { asked: 'y', message: /no row of "t" has a metric "y"\n.*kept there: latency_ms, x/ },
    { asked: 'latncy_ms', message: /did you mean "latency_ms"\?/ },
  ])('$asked is refused', async ({ asked, message }) => {
    const cwd = await makeProject(MODEL, {
      't.csv': 'id,m\n1,"{""x"":1,""latency_ms"":2}"\n2,"{""latency_ms"":5}"\n',
    });
    const loaded = await run(cwd, 'ingest', 't.csv');
    expect(loaded.stderr).toMatch(
      /"latency_ms" is not declared.*; edp promote latency_ms makes it a column/,
    );
    const refused = await run(cwd, 'promote', asked);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(message);
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(MODEL);
  });

  it('may be promoted before there is a table', async () => {
    const cwd = await makeProject(MODEL);
    expect((await run(cwd, 'promote', 'x')).json).toMatchObject({
      tableExists: false,
      declared: true,
    });
  });
});
