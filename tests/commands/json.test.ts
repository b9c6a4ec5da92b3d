/** What each command prints with `--json`, in its main variants and where it fails, is what is published. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DbJson } from '../../src/commands/json/db.schema.js';
import { COMMAND_NAMES, schemasOf } from '../../src/commands/json/results.js';
import { cloudEvent, toLines } from '../realize/event-lines.js';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { FileServer } from '../support/http-server.js';
import { nameResult, parseResult } from '../support/json.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/json.schema.json', import.meta.url));
const published = z.fromJSONSchema(JSON.parse(readFileSync(DOCUMENT, 'utf8')));

/** A dbt project. */
const LENDING = fileURLToPath(new URL('../from-dbt/lending', import.meta.url));

interface Step {
  /** Of the schema that its result must fit. */
  readonly result: string;
  readonly args: readonly string[];
  readonly status: number;
  /** What the JSON must have beside. */
  readonly json?: object;
  /** Run before. */
  readonly sql?: string;
  /** Text of edp.yaml, from this step on. */
  readonly project?: string;
}

/** One after the other in one project; load 3 is the one of events. */
const STEPS: readonly Step[] = [
  {
    result: 'generate-data',
    args: 'generate-data --files 1 --count 300 --dirty 0.1 --unknown-metrics 0.3'.split(' '),
    status: 0,
    json: { rows: { read: 300 }, dimensions: { written: true } },
  },
  { result: 'seed-dimensions', args: ['seed-dimensions'], status: 0 },
  { result: 'inspect', args: ['inspect', 'data/events-1-1.csv'], status: 0 },
  { result: 'inspect', args: ['inspect', 'notes.csv'], status: 0 },
  { result: 'model infer', args: ['model', 'infer', 'data/events-1-1.csv'], status: 0 },
  { result: 'model infer', args: ['model', 'infer', 'notes.csv', '--out', 'm.yaml'], status: 0 },
  {
    result: 'ingest --dry-run',
    args: ['ingest', 'data/events-1-1.csv', '--dry-run'],
    status: 3,
    json: { dryRun: true, rejects: expect.any(Object) },
  },
  {
    result: 'ingest --dry-run',
    args: ['ingest', 'data/events-1-1.csv', '--dry-run', '--max-rejects', '0'],
    status: 1,
    json: { ok: false, error: { code: 'too_many_rejects' } },
  },
  {
    result: 'ingest',
    args: ['ingest', 'data/events-1-1.csv'],
    status: 3,
    json: { files: [{ loadId: 3, status: 'loaded' }], unknownMetrics: expect.any(Object) },
  },
  {
    result: 'ingest',
    args: ['ingest', 'data/events-1-1.csv'],
    status: 0,
    json: { files: [{ status: 'skipped', reason: expect.any(String) }] },
  },
  {
    result: 'ingest',
    args: ['ingest', 'data/events-1-1.csv', '--force', '--max-rejects', '0'],
    status: 1,
    json: { ok: false, error: { code: 'too_many_rejects' }, rows: expect.any(Object) },
  },
  {
    result: 'ingest',
    args: ['ingest', 'notes.csv', '--create'],
    status: 0,
    json: { created: [{ name: 'notes', timeColumn: null }] },
  },
  {
    result: 'ingest',
    args: ['ingest', 'notes-2.csv', '--table', 'notes', '--on-new-column', 'keep'],
    status: 0,
    json: { files: [{ drift: { new: ['more'], onNew: 'keep' } }] },
  },
  { result: 'status', args: ['status'], status: 0 },
  { result: 'status <load>', args: ['status', '3'], status: 0, json: { load: { loadId: 3 } } },
  { result: 'status --runs', args: ['status', '--runs'], status: 0 },
  {
    result: 'status --runs <run>',
    args: ['status', '--runs', '1'],
    status: 0,
    json: { run: { runId: 1, state: 'done' } },
  },
  { result: 'rejects', args: ['rejects', '3'], status: 0 },
  { result: 'rejects --passed-over', args: ['rejects', '3', '--passed-over'], status: 0 },
  {
    result: 'promote',
    args: ['promote', 'metric_x', '--type', 'int'],
    status: 3,
    json: { column: 'metric_x', declared: true, rows: { left: 1 } },
  },
  { result: 'replay', args: ['replay', '3'], status: 3, json: { rows: { loaded: 0 } } },
  { result: 'verify', args: ['verify', '3'], status: 0, json: { ok: true, differences: [] } },
  {
    result: 'verify',
    args: ['verify', '3'],
    sql: 'UPDATE events SET metric_one = -1 WHERE id IN (SELECT id FROM events WHERE load_id = 3 LIMIT 2)',
    status: 1,
    json: { ok: false, counts: { changed: 2 } },
  },
  { result: 'generate-report', args: ['generate-report', 'load_history'], status: 0 },
  {
    result: 'generate-report',
    args: ['generate-report', 'load_history', '--format', 'table'],
    status: 0,
    json: { path: null },
  },
  {
    result: 'generate-report all',
    args: ['generate-report', 'all', '--format', 'parquet'],
    // The broken one: the others are written.
    status: 1,
    json: { ok: false, format: 'parquet' },
  },
  {
    result: 'generate-report --list',
    args: ['generate-report', '--list'],
    status: 0,
    json: {
      reports: expect.arrayContaining([
        expect.objectContaining({ name: 'broken', fault: expect.any(Object) }),
      ]),
    },
  },
  { result: 'doctor', args: ['doctor'], status: 0, json: { server: { kind: 'server' } } },
  { result: 'undo', args: ['undo', '3', '--yes'], status: 0, json: { state: 'undone' } },
  { result: 'db', args: ['db', 'start'], status: 0, json: { action: 'start', running: true } },
  { result: 'db', args: ['db', 'url'], status: 0, json: { action: 'url' } },
  {
    result: 'db',
    args: ['db', 'psql', '-c', 'SELECT 1 AS one', '-c', 'CREATE TABLE t ()'],
    status: 0,
    json: { results: [{ columns: ['one'], rows: [[1]] }, { rowCount: null }] },
  },
  { result: 'db', args: ['db', 'stop'], status: 0, json: { running: false, wasRunning: true } },
  {
    result: 'completion',
    args: ['completion', 'fish'],
    status: 0,
    json: { shell: 'fish', script: expect.stringContaining('complete -c edp') },
  },
  { result: 'completion failed', args: ['completion', 'tcsh'], status: 2 },
  { result: 'db failed', args: ['db', 'destroy', '--yes'], status: 2 },
  { result: 'ingest failed', args: ['ingest', 'gone.csv'], status: 2 },
  { result: 'inspect failed', args: ['inspect', 'gone.csv'], status: 2 },
  { result: 'model failed', args: ['model', 'infer', 'gone.csv'], status: 2 },
  { result: 'seed-dimensions failed', args: ['seed-dimensions', '--dir', 'gone'], status: 2 },
  { result: 'generate-data failed', args: ['generate-data', '--count', 'few'], status: 2 },
  { result: 'generate-report failed', args: ['generate-report', 'gone'], status: 2 },
  { result: 'status failed', args: ['status', '99'], status: 2 },
  { result: 'rejects failed', args: ['rejects', '99'], status: 2 },
  { result: 'replay failed', args: ['replay', '99'], status: 2 },
  { result: 'undo failed', args: ['undo', '99', '--yes'], status: 2 },
  { result: 'verify failed', args: ['verify', '99'], status: 2 },
  { result: 'promote failed', args: ['promote', 'x', '--table', 'gone'], status: 2 },
  { result: 'doctor failed', args: ['doctor', '--process-count', 'x'], status: 2 },
  { result: 'db failed', args: ['db', 'gone'], status: 2 },
  {
    result: 'run',
    args: ['run'],
    sql: 'CREATE TABLE plain AS SELECT 1 AS id',
    project:
      'silver: { plain: { from: public.plain, key: id, columns: { id: id } } }\nchecks: { silver.plain: [{ unique: id }] }\n',
    status: 0,
    json: { tasks: [{ task: 'silver.plain', state: 'done', checks: [{ name: 'unique_id' }] }] },
  },
  { result: 'check', args: ['check'], status: 0, json: { checks: [{ name: 'unique_id' }] } },
  { result: 'sample', args: ['sample'], status: 0, json: { views: [] } },
  {
    result: 'lineage',
    args: ['lineage', 'silver.plain.id'],
    status: 0,
    json: { of: 'silver.plain.id' },
  },
  { result: 'test', args: ['test'], status: 0, json: { tests: [{ name: 'same', line: 1 }] } },
  {
    result: 'run',
    args: ['run', '--env', 'dev'],
    project:
      'silver: { plain: { from: public.plain, key: id, columns: { id: { from: id, type: bigint } } } }\n',
    status: 0,
    json: { environment: { name: 'dev', differing: ['silver.plain'] } },
  },
  { result: 'diff', args: ['diff', 'plain', '--env', 'dev'], status: 0, json: { key: ['id'] } },
  {
    result: 'promote-env',
    args: ['promote-env', 'dev', '--yes'],
    status: 0,
    json: { action: 'promoted', tasks: ['silver.plain'] },
  },
  {
    result: 'notify test',
    args: ['notify', 'test'],
    project:
      'notify: [{ webhook: "HOOK", format: json }]\nsilver: { plain: { from: public.plain, key: id, columns: { id: id } } }\n',
    status: 0,
    json: { receivers: [{ receiver: 'json by localhost', delivered: true, fault: null }] },
  },
  {
    result: 'model import',
    args: ['model', 'import', 'imported'],
    sql: 'CREATE TABLE imported (id int PRIMARY KEY)',
    project: `tables: { kept: { key: id, columns: { id: int } } }
capture: { source: { name: shop, database-url: "\${DATABASE_URL}" }, tables: { kept: {} } }
`,
    status: 0,
    json: { tables: [{ name: 'imported', keyFrom: 'primary key' }], leftOut: [], declared: [] },
  },
  { result: 'codegen', args: ['codegen', '--check'], status: 4, json: { tables: 1, unchanged: 0 } },
  {
    result: 'schema publish',
    args: ['schema', 'publish'],
    status: 0,
    json: { published: [{ table: 'kept', version: 1 }] },
  },
  { result: 'schema check', args: ['schema', 'check'], status: 0, json: { needsAction: false } },
  { result: 'schema diff', args: ['schema', 'diff'], status: 0, json: { tables: [{ from: 1 }] } },
  { result: 'codegen failed', args: ['codegen', 'gone'], status: 2 },
  { result: 'schema failed', args: ['schema', 'diff', 'gone'], status: 2 },
  { result: 'init', args: ['init', 'warehouse', 'made'], status: 0, json: { directory: 'made' } },
  {
    result: 'init --from-dbt',
    args: ['init', '--from-dbt', LENDING, 'converted'],
    status: 0,
    json: { directory: 'converted' },
  },
  { result: 'init failed', args: ['init', 'warehouse', 'made'], status: 2 },
  { result: 'run failed', args: ['run', 'gone'], status: 2 },
  { result: 'test failed', args: ['test', 'gone'], status: 2 },
  { result: 'diff failed', args: ['diff', 'plain'], status: 2 },
  { result: 'promote-env failed', args: ['promote-env', 'gone'], status: 2 },
  { result: 'check failed', args: ['check', 'gone'], status: 2 },
  { result: 'sample failed', args: ['sample', 'gone'], status: 2 },
  { result: 'notify failed', args: ['notify', 'test'], project: '', status: 2 },
  { result: 'lineage failed', args: ['lineage', 'gone'], status: 2 },
  {
    result: 'realize',
    args: ['realize', 'changes.jsonl'],
    project: 'tables: { items: { key: id, history: true, columns: { id: int } } }\n',
    status: 3,
    json: { rows: { loaded: 1, rejected: 1 }, tables: [{ table: 'items', rows: { inserted: 1 } }] },
  },
  { result: 'realize failed', args: ['realize', 'gone.jsonl'], status: 2 },
  {
    result: 'capture status',
    args: ['capture', 'status'],
    sql: 'CREATE TABLE captured (id int PRIMARY KEY, text text)',
    project: `tables: { captured: { key: id, columns: { id: int, text: text } } }
capture: { source: { name: shop, database-url: "\${DATABASE_URL}" }, tables: { captured: {} } }
`,
    status: 3,
    json: { ok: false, installed: false },
  },
  {
    result: 'capture install',
    args: ['capture', 'install', '--dry-run'],
    status: 0,
    json: { dryRun: true, sql: expect.stringContaining('CREATE OR REPLACE TRIGGER') },
  },
  {
    result: 'capture install',
    args: ['capture', 'install'],
    status: 0,
    json: { tables: [{ source: 'public.captured', changed: true }] },
  },
  {
    result: 'capture run',
    args: ['capture', 'run', '--to', 'events', '--once'],
    sql: "INSERT INTO captured VALUES (1, 'x'), (2, 'y')",
    status: 0,
    // A transaction of another test may hold events back.
    json: { action: 'run', consumer: 'default' },
  },
  {
    result: 'capture snapshot',
    args: ['capture', 'snapshot', '--to', 'events'],
    status: 0,
    json: { events: { published: 3 } },
  },
  { result: 'capture status', args: ['capture', 'status'], status: 0, json: { ok: true } },
  {
    result: 'capture uninstall',
    args: ['capture', 'uninstall', '--yes'],
    status: 0,
    json: { tables: ['public.captured'] },
  },
  { result: 'capture failed', args: ['capture', 'run', '--to', 'events'], status: 2 },
  { result: 'no command', args: ['gone'], status: 2, json: { command: 'gone' } },
  { result: 'no command', args: [], status: 2, json: { command: null } },
];

const database = useTestDatabase('empty');
const web = new FileServer();
let cwd: string;
beforeAll(async () => {
  await web.start();
  web.serve('/hook', '');
  cwd = await mkdtemp(path.join(os.tmpdir(), 'edp-json-'));
  await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
  await writeFile(path.join(cwd, 'sql', 'reports', 'broken.sql'), 'SELECT 1\n');
  await mkdir(path.join(cwd, 'tests'));
  await writeFile(
    path.join(cwd, 'tests', 'plain.yaml'),
    'same: { task: plain, given: { public.plain: { columns: { id: int }, rows: [{ id: 1 }] } }, expect: [{ id: 1 }] }\n',
  );
  await writeFile(path.join(cwd, 'notes.csv'), 'id,body\n1,a\n2,\n3,"c"\n');
  const event = {
    table: 'items',
    op: 'create',
    sequence: 1,
    key: { id: 1 },
    after: { id: 1 },
  } as const;
  await writeFile(
    path.join(cwd, 'changes.jsonl'),
    toLines([cloudEvent(event), cloudEvent({ ...event, table: 'gone' })]),
  );
  await writeFile(path.join(cwd, 'notes-2.csv'), 'id,body,more\n4,a,x\n');
});
afterAll(async () => {
  await web.stop();
  await edp(['db', 'stop'], { cwd });
  await rm(cwd, { recursive: true, force: true, maxRetries: 3 });
});

describe('the JSON', () => {
  it.each(STEPS.map((step) => ({ ...step, line: `edp ${step.args.join(' ')}` })))(
    'of $line',
    async ({ args, sql, project, result, status, json = {} }) => {
      if (project !== undefined) {
        const text = project.replace('HOOK', web.url('/hook'));
        await writeFile(path.join(cwd, 'edp.yaml'), text);
      }
      if (sql !== undefined) await database.query(sql);
      const printed = await edp([...args, '--json'], { cwd, env: { DATABASE_URL: database.url } });
      expect(printed.status, printed.stderr).toBe(status);
      expect(nameResult(printed.json)).toBe(result);
      expect(printed.json).toMatchObject(json);
      const { error } = published.safeParse(printed.json);
      expect(error === undefined ? '' : z.prettifyError(error)).toBe('');
    },
  );

  it('is seen here of every command, in each of its modes, and where it fails', () => {
    const all = COMMAND_NAMES.flatMap((name) => Object.keys(schemasOf(name)));
    const seen = new Set(STEPS.map(({ result }) => result));
    expect([...all, 'no command'].filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe('the check of it', () => {
  const URL_RESULT = { command: 'db', ok: true, action: 'url', url: 'postgresql://x' };
  it.each<[string, unknown, RegExp]>([
    ['a key that is not described', { ...URL_RESULT, port: 1 }, /Unrecognized key: "port"/],
    ['a key that is missing', { command: 'db', ok: true, action: 'url' }, /at url/],
    ['a value of another type', { ...URL_RESULT, url: 1 }, /expected string/],
    ['a command that is none', { ...URL_RESULT, command: 'dbs' }, /no command/],
    [
      'an error code that is none',
      { command: 'db', ok: false, error: { code: 'gone', message: '' } },
      /at error\.code/,
    ],
  ])('finds %s', (_, value, message) => {
    expect(() => parseResult(JSON.stringify(value))).toThrow(message);
    expect(published.safeParse(value).success).toBe(false);
  });

  it('finds a key that is missing when the program is compiled, too', () => {
    // @ts-expect-error: there is no url
    const result: DbJson = { command: 'db', ok: true, action: 'url' };
    expect(() => parseResult(JSON.stringify(result))).toThrow(/at url/);
  });

  it('finds a second object', () => {
    const text = JSON.stringify(URL_RESULT);
    expect(parseResult(`${text}\n`)).toEqual(URL_RESULT);
    expect(() => parseResult(`${text}\n${text}\n`)).toThrow(SyntaxError);
  });
});
