/** Real files written by nobody here, where this machine has them. */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const FILES = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const fileFor = (name: string) => path.join(FILES, name);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

async function ingest(file: string, model: string, args: readonly string[] = []) {
  const cwd = await makeDirectory();
  await copyFile(fileFor(file), path.join(cwd, file));
  await writeFile(path.join(cwd, 'edp.yaml'), model);
  const result = await edp(['ingest', file, '--json', '--database-url', database.url, ...args], {
    cwd,
  });
  expect(result, result.stderr).toMatchObject({ status: 0 });
  return result.json;
}

function read(file: string): Record<string, string>[] {
  return parse(readFileSync(fileFor(file)), { columns: true, bom: true });
}

describe.runIf(existsSync(fileFor('usgs-earthquakes.csv')))('usgs-earthquakes.csv', () => {
  const MODEL = `
tables:
  earthquakes:
    files: usgs-earthquakes*.csv
    key: id
    columns:
      time: timestamp
      latitude: double
      longitude: double
      depth: double
      mag: numeric
      magType: text
      nst: int
      gap: double
      dmin: double
      rms: double
      net: text
      id: text
      updated: timestamptz
      place: text
      type: text
`;
  it('loads with every value as it stands in the file', async () => {
    const json = await ingest('usgs-earthquakes.csv', MODEL, ['--read-batch-size', '500']);
    const records = read('usgs-earthquakes.csv');
    expect(json.rows).toEqual({
      read: records.length,
      loaded: records.length,
      rejected: 0,
      duplicate: 0,
    });
    const rows = await database.query(
      `SELECT to_char(time, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), latitude::text, longitude::text, depth::text, mag::text, "magType",
              nst::text, gap::text, net, id, to_char(updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), place, type
       FROM earthquakes`,
    );
    const number = (text: string) => (text === '' ? null : Number(text));
    const expected = new Map(
      records.map((r) => [
        r.id,
        [
          r.time,
          number(r.latitude!),
          number(r.longitude!),
          number(r.depth!),
          r.mag || null,
          r.magType || null,
          number(r.nst!),
          number(r.gap!),
          r.net,
          r.id,
          r.updated,
          r.place || null,
          r.type,
        ],
      ]),
    );
    for (const row of rows) {
      const actual = row.map((value, i) =>
        [1, 2, 3, 6, 7].includes(i) && value !== null ? Number(value) : value,
      );
      expect(actual).toEqual(expected.get(row[9] as string));
    }
    expect(rows.length).toBe(expected.size);
  });
});

describe.runIf(existsSync(fileFor('amplitude-events.csv')))('amplitude-events.csv', () => {
  const header = () => Object.keys(read('amplitude-events.csv')[0]!);
  const TYPED: Record<string, string> = {
    device_id: 'uuid',
    id: 'bigint',
    server_upload_time: 'timestamp',
    _fivetran_synced: 'timestamp',
    amplitude_id: 'bigint',
    event_time: 'timestamp',
    is_attribution_event: 'boolean',
    groups: 'jsonb',
    event_properties: 'jsonb',
    session_id: 'int',
    uuid: 'uuid',
  };
  it('loads, with two of its JSON columns flattened', async () => {
    const flattened = ['data', 'user_properties'];
    const columns = header()
      .filter((name) => !flattened.includes(name))
      .map((name) => `      ${name}: ${TYPED[name] ?? 'text'}`);
    const model = `
tables:
  amplitude_events:
    files: amplitude-*.csv
    columns:
${columns.join('\n')}
    metrics:
      - { from: data, extra: extra_data, columns: { first_event: boolean } }
      - { from: user_properties, extra: extra_properties, columns: { cohort: { type: text, key: Cohort } } }
`;
    const records = read('amplitude-events.csv');
    const json = await ingest('amplitude-events.csv', model);
    expect(json.rows).toEqual({
      read: records.length,
      loaded: records.length,
      rejected: 0,
      duplicate: 0,
    });
    const rows = await database.query(
      'SELECT uuid, first_event, cohort, extra_data, event_properties FROM amplitude_events',
    );
    const byUuid = new Map(rows.map((row) => [row[0], row]));
    for (const record of records) {
      const { first_event = null, ...restOfData } = JSON.parse(record.data || '{}') as Record<
        string,
        unknown
      >;
      const { Cohort = null } = JSON.parse(record.user_properties || '{}') as Record<
        string,
        unknown
      >;
      const [, firstEvent, cohort, extra, properties] = byUuid.get(record.uuid!)!;
      expect([firstEvent, cohort]).toEqual([first_event, Cohort]);
      expect(extra ?? {}).toEqual(restOfData);
      expect(properties).toEqual(JSON.parse(record.event_properties || 'null'));
    }
  });
});

describe.runIf(existsSync(fileFor('nab-rogue-agent-key-updown.csv')))(
  'nab-rogue-agent-key-updown.csv',
  () => {
    it('loads a series with CRLF line ends', async () => {
      const json = await ingest(
        'nab-rogue-agent-key-updown.csv',
        'tables:\n  series:\n    files: nab-*.csv\n    columns: { timestamp: timestamp, value: double }\n    key: timestamp\n',
      );
      const records = read('nab-rogue-agent-key-updown.csv');
      const unique = new Map(records.map((r) => [r.timestamp, Number(r.value)]));
      expect(json.rows.read).toBe(records.length);
      const rows = await database.query('SELECT timestamp, value::text FROM series');
      expect(new Map(rows.map(([t, v]) => [t, Number(v)]))).toEqual(unique);
    });
  },
);
