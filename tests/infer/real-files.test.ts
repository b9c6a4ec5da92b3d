/**
 * Files of others by `edp ingest --create` with no option: the same records and values as PostgreSQL's own
 * COPY reads into columns of text, and types that a reader would choose.
 */
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/model/ddl.js';
import { withClient } from '../../src/postgres/connection.js';
import { edp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeTemporary } from '../support/temporary.js';

const inModules = (name: string) =>
  fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url));
const SPECTRUM = inModules('csv-spectrum');
const VEGA = inModules('vega-datasets/data');
const SHARED = fileURLToPath(new URL('../../../shared/data', import.meta.url));

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

interface CreatedColumn {
  readonly name: string;
  readonly field: string;
  readonly type: string;
}

interface Loaded {
  readonly table: string;
  readonly columns: readonly CreatedColumn[];
  readonly key: string | readonly string[] | null;
}

/** Loads copies of the files in a project of their own. @returns by file name */
async function loadAll(files: readonly string[]): Promise<Map<string, Loaded>> {
  const cwd = await makeTemporary();
  afterAll(() => rm(cwd, { recursive: true, force: true }));
  const names = files.map((file) => path.basename(file));
  for (const file of files) await copyFile(file, path.join(cwd, path.basename(file)));
  const { status, json, stderr } = await edp(
    ['ingest', ...names, '--create', '--json', '--database-url', database.url],
    { cwd },
  );
  expect(status, stderr).toBe(0);
  expect(json.rows).toMatchObject({ rejected: 0, duplicate: 0 });
  const loaded = json.files.map(({ path: name, table }) => {
    const { columns, key } = json.created.find((created) => created.name === table)!;
    return [name, { table, columns, key }] as const;
  });
  return new Map(loaded);
}

describe('csv-spectrum', () => {
  const cases = readdirSync(path.join(SPECTRUM, 'csvs')).map((name) => path.parse(name).name);

  /** What the package expects of this file is not what stands in it. */
  const CORRECTIONS: Readonly<Record<string, Record<string, string>>> = {
    location_coordinates: { 'Contact Phone Number': '2095257564' },
  };

  let loaded: Map<string, Loaded>;
  beforeAll(async () => {
    loaded = await loadAll(cases.map((name) => path.join(SPECTRUM, 'csvs', `${name}.csv`)));
  });

  it.each(cases)('%s has exactly the expected values', async (name) => {
    const { table, columns } = loaded.get(`${name}.csv`)!;
    const json = JSON.parse(readFileSync(path.join(SPECTRUM, 'json', `${name}.json`), 'utf8'));
    const expected = ([json].flat() as Record<string, string>[]).map((record) => ({
      ...record,
      ...CORRECTIONS[name],
    }));
    expect(columns.map(({ field }) => field)).toEqual(Object.keys(expected[0]!));
    const list = columns.map(({ name: column }) => `${quoteIdentifier(column)}::text`);
    const rows = await database.query(
      `SELECT ${list} FROM ${quoteIdentifier(table)} ORDER BY ctid`,
    );
    // Where the type is not text, there is no empty value but NULL.
    expect(rows.map((row) => row.map((value) => value ?? ''))).toEqual(
      expected.map((record) => Object.values(record)),
    );
  });
});

/** Types that a reader would choose, where it is worth a word; each table has them all right otherwise. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'airports.csv': { iata: 'text', latitude: 'numeric' },
  'birdstrikes.csv': { 'Flight Date': 'date', 'Cost Total $': 'int', 'Time of day': 'text' },
  'co2-concentration.csv': { Date: 'date', CO2: 'numeric' },
  'flights-airport.csv': { origin: 'text', count: 'int' },
  'github.csv': { time: 'timestamp', count: 'int' },
  'seattle-weather-hourly-normals.csv': { date: 'timestamp', temperature: 'numeric' },
  'seattle-weather.csv': { date: 'date', weather: 'text' },
  'sp500-2000.csv': { date: 'date', volume: 'bigint' },
  'sp500.csv': { date: 'text', price: 'numeric' },
  'species.csv': { county_id: 'text', item_id: 'text' },
  'stocks.csv': { date: 'text' },
  'unemployment.tsv': { id: 'int', rate: 'numeric' },
  'zipcodes.csv': { zip_code: 'text', latitude: 'numeric' },
  'usgs-earthquakes.csv': {
    time: 'timestamptz',
    mag: 'numeric',
    nst: 'int',
    id: 'text',
    place: 'text',
  },
  'nab-rogue-agent-key-updown.csv': { timestamp: 'timestamp', value: 'numeric' },
  'amplitude-events.csv': {
    device_id: 'uuid',
    amplitude_id: 'bigint',
    is_attribution_event: 'boolean',
    event_time: 'timestamp',
    event_properties: 'jsonb',
    ad_id: 'text',
  },
};

const KEYS: Readonly<Record<string, string>> = {
  'population_engineers_hurricanes.csv': 'id',
  'unemployment.tsv': 'id',
  'usgs-earthquakes.csv': 'id',
  'amplitude-events.csv': 'id',
};

const SQL_TYPES: Readonly<Record<string, string>> = { double: 'double precision' };

/** What is in one of two queries, and not in the other. */
async function compare(a: string, b: string): Promise<unknown[][]> {
  return database.query(`(${a} EXCEPT ALL ${b}) UNION ALL (${b} EXCEPT ALL ${a}) LIMIT 3`);
}

const FILES = [VEGA, SHARED]
  .filter((directory) => existsSync(directory))
  .flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => /\.[ct]sv$/.test(name))
      .map((name) => [name, path.join(directory, name)] as const),
  );

describe('against COPY into columns of text', () => {
  let loaded: Map<string, Loaded>;
  beforeAll(async () => {
    loaded = await loadAll(FILES.map(([, file]) => file));
  });

  it('there are files to be held against it, each with a table of its own', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(20);
    const tables = [...loaded.values()].map(({ table }) => table);
    expect(new Set(tables).size).toBe(FILES.length);
  });

  it.each(FILES)('%s', async (name, file) => {
    const { table, columns, key } = loaded.get(name)!;
    const types = Object.fromEntries(columns.map(({ field, type }) => [field, type]));
    expect(types).toMatchObject(TYPES[name] ?? {});
    expect(key).toBe(KEYS[name] ?? null);

    const raw = `${table}_raw`;
    const names = columns.map(({ name: column }) => quoteIdentifier(column));
    await database.query(`CREATE TABLE ${raw} (${names.map((column) => `${column} text`)})`);
    const delimiter = name.endsWith('.tsv') ? '\t' : ',';
    await withClient(database.config, 'test', (client) =>
      pipeline(
        createReadStream(file),
        client.query(
          copyFrom(`COPY ${raw} FROM STDIN (FORMAT csv, HEADER, DELIMITER '${delimiter}')`),
        ),
      ),
    );
    const [[copied]] = (await database.query(`SELECT count(*)::int FROM ${raw}`)) as [[number]];
    expect(await database.query(`SELECT count(*)::int FROM ${table}`)).toEqual([[copied]]);
    const values = columns.map(({ name: column, type }) =>
      type === 'text'
        ? quoteIdentifier(column)
        : `nullif(${quoteIdentifier(column)}, '')::${SQL_TYPES[type] ?? type}`,
    );
    expect(await compare(`SELECT ${names} FROM ${table}`, `SELECT ${values} FROM ${raw}`)).toEqual(
      [],
    );
    // Nothing of how numbers were written is lost, either.
    for (const { name: column } of columns.filter(({ type }) => type === 'numeric')) {
      const text = `SELECT ${quoteIdentifier(column)}::text`;
      const plain = `SELECT regexp_replace(${quoteIdentifier(column)}, '^(-?)\\.', '\\10.')`;
      expect(await compare(`${text} FROM ${table}`, `${plain} FROM ${raw}`), column).toEqual([]);
    }
  });
});
