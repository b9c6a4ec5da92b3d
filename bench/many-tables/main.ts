/**
 * `npm run bench:many-tables`: a source of 420 tables with 8,000 columns, and a million of its change events: how long
 * each command takes that deals with all of them, and with a few.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { toEventTable } from '../../src/events/event-table.js';
import { isRealizable } from '../../src/model/realized-model.js';
import { loadProject } from '../../src/project/project.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { formatBytes, formatCount } from '../../src/terminal/output.js';
import { makeLargeSource } from '../../tests/support/large-source.js';
import { killRunning, launchApart } from '../measure/launch.js';
import { CLI } from '../repository.js';
import { Server } from '../server.js';
import { SourceEvents, sharesOf, writeEvents } from './source-events.js';

const HELP = `npm run bench:many-tables -- [options]

  --tables N          of the source (default 420)
  --columns N         of all tables together (default 8000)
  --events N          (default 1000000)
  --batch N           events of a small batch, of three tables (default 100)
  --batches N         (default 5)
  --history           with a history of each table
  --dir PATH          for the project and its server (default .edp/many-tables); emptied before
  --keep              leaves project and databases there, and the server running
  --cli PATH          of another build
`;

const SEED = 1;
/** Tables that a small batch is about: the largest, one of the middle, the smallest. */
const BATCH_TABLES = [0, 0.5, 1];

const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly note?: string;
}

function parse() {
  const { values } = parseArgs({
    options: {
      tables: { type: 'string', default: '420' },
      columns: { type: 'string', default: '8000' },
      events: { type: 'string', default: '1000000' },
      batch: { type: 'string', default: '100' },
      batches: { type: 'string', default: '5' },
      history: { type: 'boolean', default: false },
      dir: { type: 'string', default: path.join('.edp', 'many-tables') },
      keep: { type: 'boolean', default: false },
      cli: { type: 'string', default: CLI },
      help: { type: 'boolean', default: false },
    },
  });
  const { tables, columns, events, batch, batches, ...rest } = values;
  return {
    ...rest,
    tables: Number(tables),
    columns: Number(columns),
    events: Number(events),
    batch: Number(batch),
    batches: Number(batches),
  };
}

async function main(): Promise<void> {
  const options = parse();
  if (options.help) return say(HELP);
  const directory = path.resolve(options.dir);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const server = await Server.start(directory);
  process.once('SIGINT', killRunning);
  try {
    await measure(server, directory, options);
  } finally {
    if (!options.keep) {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    }
  }
}

async function measure(
  server: Server,
  directory: string,
  options: ReturnType<typeof parse>,
): Promise<void> {
  const steps: Step[] = [];
  const source = server.describe('source').url;
  const target = server.describe('warehouse').url;
  const run = async <T>(name: string, args: readonly string[], note?: (json: T) => string) => {
    const startedAt = performance.now();
    const [output] = await launchApart({
      command: process.execPath,
      args: [options.cli, ...args, '--json'],
      cwd: directory,
      environment: { DATABASE_URL: target, SOURCE_URL: source },
    });
    const seconds = (performance.now() - startedAt) / 1000;
    steps.push({
      name,
      seconds,
      ...(note === undefined ? {} : { note: note(JSON.parse(output!)) }),
    });
    say(`${name}: ${seconds.toFixed(2)} s`);
  };

  for (const name of ['source', 'warehouse']) {
    await server.withClient('postgres', (client) => client.query(`CREATE DATABASE ${name}`));
  }
  const large = makeLargeSource({ tables: options.tables, columns: options.columns });
  await server.withClient('source', (client) => client.query(large.statements.join(';\n')));
  await run('model import', ['model', 'import', '--database-url', source, '--out', 'edp.yaml']);
  await run('capture install', ['capture', 'install']);
  await run('capture install, again', ['capture', 'install']);
  await run('codegen', ['codegen', '--out', 'generated']);
  await run('schema publish', ['schema', 'publish']);
  await run('schema check', ['schema', 'check']);
  if (options.history) await addHistories(directory);

  process.env.SOURCE_URL = source;
  const { model } = await loadProject(directory);
  const tables = model.tables.filter(isRealizable).map((table) => toEventTable(table));
  const made = new SourceEvents(SEED);
  const files = await writeEvents(
    made,
    sharesOf(tables, options.events),
    path.join(directory, 'events'),
    'first',
  );
  const events = files.reduce((sum, file) => sum + file.events, 0);
  const bytes = await sizeOf(files.map((file) => file.path));
  say(`${formatCount(events)} events of ${tables.length} tables, ${formatBytes(bytes)}`);
  await run('realize, all', ['realize', 'events'], toNote);
  const places = BATCH_TABLES.map((share) => Math.round(share * (tables.length - 1)));
  const few = new Map(
    places.map((place) => [tables[place]!, Math.ceil(options.batch / places.length)]),
  );
  for (let i = 1; i <= options.batches; i++) {
    await writeEvents(made, few, path.join(directory, `batch-${i}`), `batch-${i}`);
    await run(
      `realize, ${options.batch} events of ${few.size} tables`,
      ['realize', `batch-${i}`],
      toNote,
    );
  }
  await run('realize, nothing', ['realize']);
  const { name: log } = eventLogTable(model);
  const { rows } = await server.withClient('warehouse', (client) =>
    client.query<{ bytes: number }>(`SELECT pg_total_relation_size('${log}')::float8 AS bytes`),
  );
  say();
  for (const { name, seconds, note = '' } of steps) {
    say(`${name.padEnd(40)} ${seconds.toFixed(2).padStart(8)} s  ${note}`);
  }
  say(`${log}: ${formatBytes(rows[0]!.bytes)}`);
}

/** Declares a history for each table that `edp model import` wrote. */
async function addHistories(directory: string): Promise<void> {
  const file = path.join(directory, 'edp.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(/^( {4})key: /gm, '$1history: true\n$1key: '));
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

interface RealizeJson {
  readonly rows: { readonly loaded: number };
  readonly tables: readonly unknown[];
}

function toNote({ rows, tables }: RealizeJson): string {
  return `${formatCount(rows.loaded)} events, ${tables.length} tables folded`;
}

void main();
