/** P: tables that are divided into partitions, or keep a copied name, beside the same without. */
import type pg from 'pg';
import { findTable, type Table } from '../../src/model/model.js';
import { migrate } from '../../src/postgres/migrate.js';
import { makePartitions } from '../../src/postgres/partitions-in-catalog.js';
import { inspectTable } from '../../src/postgres/table-in-catalog.js';
import { ensureTable } from '../../src/postgres/tables.js';
import { loadProject } from '../../src/project/project.js';
import { edp } from '../contenders/edp.js';
import { reportByJoin, reportByName } from '../contenders/edp-report.js';
import type { Dataset } from '../datasets/dataset.js';
import { spreadEvents } from '../datasets/spread-events.js';
import { launchApart } from '../measure/launch.js';
import { CLI } from '../repository.js';
import { type LoadTarget, NO_ROWS, readTotals } from '../tables.js';
import type { Workbench } from '../workbench.js';
import type { Workload } from '../workload.js';

const MONTHS = 60;
const EVENTS = 'events';
const KEY = '[id, recorded_date]';

/** @param more lines of the table */
const projectWith = (key: string, more: string, columns = '') => `tables:
  first_dimensions: { key: id, lineage: false, columns: { id: int, name: text } }
  second_dimensions:
    key: id
    lineage: false
    columns: { id: int, name: text, first_dimension_id: { type: int, references: first_dimensions } }
  events:
    key: ${key}
    indexes: [first_dimension_id]
${more}    columns:
      id: bigint
      recorded_date: timestamp
      created_date: timestamp
      first_dimension_id: { type: int, references: first_dimensions }
      second_dimension_id: { type: int, references: second_dimensions }
${columns}    metrics:
      from: event_metrics
      path: metrics
      columns: { metric_one: int, metric_two: int, metric_n: int }
      extra: extra_metrics
`;

const PROJECTS = {
  one: projectWith(KEY, ''),
  parts: projectWith(KEY, '    partition-by: { column: recorded_date, every: month }\n'),
  copied: projectWith(
    KEY,
    '',
    '      first_dimension_name: { copy-of: first_dimensions.name, by: first_dimension_id }\n',
  ),
};

export const partitions: Workload = {
  letter: 'P',
  name: 'partitions',
  title: `nested events of ${MONTHS} months: partitions by month, and the copied name of a dimension`,
  notes: [
    'The month of a record has nothing to do with those of its neighbours, so that each part of the file has rows for all partitions.',
    'All tables have the key (id, recorded_date), an index and two foreign keys; in the full ones there are as many events already.',
    'The reports count the events of each hour by the name of their first dimension: by a join, and by the name that each event keeps.',
  ],
  goals: [
    {
      kind: 'speed',
      title: 'into partitions : into one table, empty',
      of: 'parts empty',
      against: 'one empty',
      atLeast: 0.9,
      aim: 1,
    },
    {
      kind: 'speed',
      title: 'into partitions : into one table, full',
      of: 'parts full',
      against: 'one full',
      atLeast: 0.9,
      aim: 1,
    },
    {
      kind: 'speed',
      title: 'with a copied name : without',
      of: 'copied empty',
      against: 'one empty',
      atLeast: 0.9,
      aim: 0.95,
    },
  ],
  diskBytes: (scale) => scale * 4e9,

  async prepare(bench) {
    const events = await bench.events();
    const dataset = await bench.dataset('months', `the events in ${MONTHS} months`, () =>
      spreadEvents(events, MONTHS),
    );
    const empty = { one: '', parts: '', copied: '' };
    const entries = [];
    for (const kind of Object.keys(empty) as (keyof typeof PROJECTS)[]) {
      const target = await makeTarget(bench, kind, undefined);
      entries.push({
        key: `${kind} empty`,
        title: titleOf(kind, 'empty'),
        contender: edp,
        dataset,
        target,
      });
    }
    const before = await bench.dataset('months before', 'as many events before them', async () =>
      spreadEvents(await bench.earlierEvents(), MONTHS),
    );
    for (const kind of ['one', 'parts'] as const) {
      const target = await makeTarget(bench, kind, before);
      entries.push({
        key: `${kind} full`,
        title: titleOf(kind, 'full'),
        contender: edp,
        dataset,
        target,
      });
    }
    const target = await makeTarget(bench, 'copied', before);
    for (const contender of [reportByJoin, reportByName]) {
      entries.push({ key: contender.name, title: contender.title, contender, dataset, target });
    }
    return entries;
  },
};

function titleOf(kind: keyof typeof PROJECTS, state: string): string {
  const what = {
    one: 'one table',
    parts: `${MONTHS} partitions`,
    copied: 'one table with a copied name',
  };
  return `edp ingest, ${what[kind]}, ${state}`;
}

/** @param existing what is in the table already */
function makeTarget(
  bench: Workbench,
  kind: keyof typeof PROJECTS,
  existing: Dataset | undefined,
): Promise<LoadTarget> {
  const name = `months_${kind}_${existing === undefined ? 'empty' : 'full'}`;
  return bench.once(name, async () => {
    const project = await bench.project(`months-${kind}`, PROJECTS[kind]);
    const template = `bench_${name}`;
    let totals = NO_ROWS;
    await bench.server.createTemplate(template, async (client) => {
      const table = await makeTables(client, project);
      await makeMonths(client, table);
      const files = ['first_dimensions', 'second_dimensions'].map(
        (dimension) => `${bench.data}/${dimension}.csv`,
      );
      const { url } = bench.server.describe(template);
      await ingest(project, url, files);
      if (existing === undefined) return;
      await ingest(project, url, existing.files);
      totals = await readTotals(client, EVENTS, existing, false);
    });
    return { template, table: EVENTS, project, existing: totals };
  });
}

async function makeTables(client: pg.Client, project: string): Promise<Table> {
  const { model } = await loadProject(project);
  const table = findTable(model, EVENTS)!;
  await migrate(client);
  await ensureTable(client, model, table, async () => {});
  return table;
}

/** The partitions are there, as in a table that is loaded every day. */
async function makeMonths(client: pg.Client, table: Table): Promise<void> {
  const found = await inspectTable(client, table);
  const { partitions: divided } = found;
  if (divided === undefined) return;
  const wanted = Array.from({ length: MONTHS }, (_, i) => ({
    value: undefined,
    day: (Date.UTC(2020, i) - Date.UTC(2000, 0)) / 86_400_000,
  }));
  await makePartitions(client, found, divided, wanted);
}

async function ingest(project: string, url: string, files: readonly string[]): Promise<void> {
  const tables = files.length === 1 ? ['--table', EVENTS] : [];
  await launchApart({
    command: process.execPath,
    args: [CLI, 'ingest', ...files, ...tables, '--json'],
    cwd: project,
    environment: { DATABASE_URL: url },
  });
}
