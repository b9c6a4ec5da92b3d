/** U: change events from the outbox into files, and from files into tables. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import {
  createTable,
  ROWS,
  SHOP_MODEL,
  SHOP_PROJECT,
  SHOP_TABLES,
  statementSql,
} from '../capture/shop.js';
import { captureRun, realize, runCapture, upsertEvents } from '../contenders/change-events.js';
import { edp } from '../contenders/edp.js';
import type { Dataset } from '../datasets/dataset.js';
import { hashFile } from '../datasets/events.js';
import { createTables, type LoadTarget, NO_ROWS } from '../tables.js';
import type { Workbench } from '../workbench.js';
import type { Workload } from '../workload.js';

const TABLE = 'wide';
const SOURCE = 'bench_shop_events';
/** Each row is created, and changed once. */
const EVENTS = 2 * ROWS;

/** The lines of the same files, as they are. */
const LINES = `tables:
  lines:
    columns:
      specversion: text
      id: uuid
      source: text
      type: text
      subject: text
      time: timestamptz
      datacontenttype: text
      dataschema: text
      sequence: text
      data: jsonb
    lineage: false
`;

export const changeEvents: Workload = {
  letter: 'U',
  name: 'change-events',
  title: 'change events of a table with 19 columns: out of the outbox, and into tables',
  notes: [
    `${EVENTS.toLocaleString('en')} events: rows are created by one statement, and two columns of each are changed by another one.`,
    'All but the first read the same files. edp keeps each event in change_events and folds them into the table; the upserts only change the table; plain lines are loaded into a table without constraints, and folded into nothing.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'edp realize : a prepared upsert for each event',
      of: 'realize',
      against: 'upsert',
      atLeast: 10,
      aim: 20,
    },
    {
      kind: 'byte speed',
      title: 'edp realize : the same lines as plain JSON, MB/s',
      of: 'realize',
      against: 'lines',
      atLeast: 0.5,
      aim: 0.7,
    },
  ],
  diskBytes: () => 2e9,

  async prepare(bench) {
    const project = await bench.project('shop', SHOP_PROJECT);
    const warehouse = await bench.project('warehouse of the shop', SHOP_MODEL);
    const dataset = await bench.dataset('change events', 'change events', () =>
      makeEvents(bench, project),
    );
    const empty = await bench.once('realized shop', async () => {
      await bench.server.createTemplate('bench_shop_realized', async (client) => {
        await createTables(client, warehouse, TABLE);
      });
      return 'bench_shop_realized';
    });
    const lines = await bench.project('lines', LINES);
    await bench.once('lines', () =>
      bench.server.createTemplate('bench_lines', async (client) => {
        await createTables(client, lines, 'lines');
      }),
    );
    const target = (template: string, table: string, at: string, sql: string): LoadTarget => ({
      template,
      table,
      project: at,
      existing: NO_ROWS,
      assertDone: (client) => assertOne(client, sql),
    });
    const isFolded = `count(*) = ${ROWS} AND count(DISTINCT changed_at) = ${ROWS} FROM ${TABLE}`;
    return [
      {
        key: 'run',
        title: captureRun.title,
        contender: captureRun,
        dataset,
        target: target(SOURCE, TABLE, project, `events = ${EVENTS} FROM edp_capture.consumers`),
      },
      {
        key: 'realize',
        title: realize.title,
        contender: realize,
        dataset,
        target: target(empty, TABLE, warehouse, isFolded),
      },
      {
        key: 'upsert',
        title: upsertEvents.title,
        contender: upsertEvents,
        dataset,
        target: target(empty, TABLE, warehouse, isFolded),
      },
      {
        key: 'lines',
        title: `${edp.title}, the same lines as plain JSON`,
        contender: edp,
        dataset,
        target: target('bench_lines', 'lines', lines, `count(*) = ${EVENTS} FROM lines`),
      },
    ];
  },
};

/** @param sql of a condition and its tables */
async function assertOne(client: pg.Client, sql: string): Promise<void> {
  const { rows } = await client.query<{ done: boolean }>({
    text: `SELECT done FROM (SELECT ${sql.replace(' FROM ', ' AS done FROM ')}) AS t`,
  });
  if (rows[0]?.done !== true) throw new Error(`not so: ${sql}`);
}

/** A source with events in its outbox, and the files of these. */
async function makeEvents(bench: Workbench, project: string): Promise<Dataset> {
  const { url } = bench.server.describe(SOURCE);
  await bench.server.createTemplate(SOURCE, async (client) => {
    for (const table of SHOP_TABLES) await client.query(createTable(table));
    await runCapture(['install'], project, url);
    await client.query(statementSql(TABLE, 'insert', 'true'));
    await client.query(statementSql(TABLE, 'update', `id > ${ROWS}`));
  });
  // Of a copy, so that the events stay in the template's outbox.
  const copy = await bench.server.createRunDatabase(SOURCE);
  const folder = path.join(bench.data, 'change-events');
  await runCapture(['run', '--once', '--to', folder], project, copy.url);
  const names = (await readdir(path.join(folder, TABLE))).sort();
  const files = names.map((name) => path.join(folder, TABLE, name));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return {
    name: 'change_events',
    title: 'change events of a table with 19 columns',
    rows: EVENTS,
    files,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    sha256: await hashFile(files[0]!),
    columns: [],
    sumColumns: [],
    flat: undefined,
    encoded: [],
    totals: NO_ROWS,
  };
}
