/**
 * Shows change events: a shop's database changes, and the warehouse follows.
 *
 *     npm run demo:events
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const EDP = path.resolve(import.meta.dirname, '../../dist/cli.js');
const directory = mkdtempSync(path.join(tmpdir(), 'edp-shop-'));
const environment = { ...process.env };

function run(args, stdio) {
  return spawnSync(process.execPath, [EDP, ...args], {
    cwd: directory,
    stdio,
    env: environment,
    encoding: 'utf8',
  });
}

function edp(args, note, expected = 0) {
  if (note !== undefined) process.stdout.write(`\n# ${note}\n`);
  process.stdout.write(
    `\n$ edp ${args.map((arg) => (/[\s*]/.test(arg) ? `'${arg}'` : arg)).join(' ')}\n`,
  );
  const { status } = run(args, 'inherit');
  if (status === expected) return;
  process.exitCode = status || 1;
  throw new Error(`edp ${args.join(' ')} ended with status ${status}, not ${expected}`);
}

/** What the application of the shop does, on its own connection. */
function shop(file, note) {
  process.stdout.write(`\n# ${note}\n\n`);
  process.stdout.write(readFileSync(path.join(directory, 'source', file), 'utf8'));
  const { status, stderr } = run(
    [
      'db',
      'psql',
      '--database-url',
      environment.SOURCE_URL,
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-f',
      `source/${file}`,
    ],
    'pipe',
  );
  if (status !== 0) throw new Error(stderr);
}

const show = (sql, note) => edp(['db', 'psql', '-c', sql], note);
const CUSTOMERS =
  'SELECT id, name, risk_class, credit_limit, deleted_at FROM customers ORDER BY id';
const FACT = 'SELECT order_id, customer_id, status, total FROM gold.order_fact ORDER BY order_id';

try {
  for (const name of ['edp.yaml', 'source']) {
    cpSync(path.join(import.meta.dirname, name), path.join(directory, name), { recursive: true });
  }
  environment.SOURCE_URL = 'postgresql:///shop';
  edp(['db', 'start'], 'PostgreSQL stays up. One server has both databases here; yours need not.');
  edp(['db', 'psql', '-q', '-c', 'CREATE DATABASE shop']);
  environment.SOURCE_URL = run(['db', 'url'], 'pipe').stdout.trim().replace('/edp?', '/shop?');
  shop('schema.sql', 'The shop, before anybody thought of a warehouse.');

  edp(['codegen', 'json-schema'], 'What an event of each table looks like.');
  edp(['schema', 'publish'], 'From now on, version 1 does not change.');
  edp(['capture', 'install'], 'Triggers and an outbox in the database of the shop.');
  edp(['capture', 'snapshot'], 'The rows that are there already.');
  edp(['capture', 'run', '--to', 'events', '--once'], 'Events, as files.');
  edp(['realize', 'events'], 'The tables of the warehouse.');
  show(CUSTOMERS, 'Risk classes are put right; the account of the tests is not here.');
  edp(['run'], 'A fact.');

  shop('day-2.sql', 'The next day in the shop.');
  edp(['capture', 'run', '--to', 'events', '--once']);
  edp(['realize', 'events'], 'Files that are known are skipped.');
  edp(['run']);
  show(FACT, 'Totals that the shop stores nowhere.');
  show(
    'SELECT id, name, risk_class, valid_from < valid_to AS has_ended, is_current FROM customers_history ORDER BY id, valid_from',
    'Each state of a customer.',
  );

  shop('day-3.sql', 'The third day.');
  edp(['capture', 'run', '--to', 'events', '--once']);
  edp(
    ['realize', 'events'],
    'A credit of "unlimited" is no number: the event is rejected, and kept.',
    3,
  );
  const load = JSON.parse(run(['status', '--json'], 'pipe').stdout).loads.find(
    ({ rows }) => rows.rejected > 0,
  ).loadId;
  edp(['rejects', String(load)]);
  const declared = readFileSync(path.join(directory, 'edp.yaml'), 'utf8');
  writeFileSync(
    path.join(directory, 'edp.yaml'),
    declared.replace(
      'credit_limit: numeric',
      'credit_limit: { type: numeric, nulls: [unlimited] }',
    ),
  );
  edp(['replay', String(load)], 'edp.yaml says now what that means: no limit.');
  edp(['run']);
  show(CUSTOMERS);
  show(FACT, 'Order 3 is gone from the fact; the table keeps it, with deleted_at.');

  const last = JSON.parse(run(['status', '--json'], 'pipe').stdout).loads.find(({ path: file }) =>
    file.includes('orders'),
  ).loadId;
  edp(['undo', String(last), '--yes'], 'The load that brought the deletion is taken back.');
  edp(['run']);
  show(FACT, 'And so is what it did.');
  edp(['realize', 'events'], 'It can be loaded again.');
  edp(['run']);
  show(FACT);
  edp(['capture', 'status']);
} finally {
  run(['db', 'stop'], 'ignore');
  rmSync(directory, { recursive: true, force: true });
}
