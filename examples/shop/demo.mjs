/**
 * Shows change events: a shop's database changes, and the warehouse follows.
 *
 *     npm run demo:events
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeEdp } from '../run-edp.mjs';

const { directory, environment, edp, read, urlOf, end } = makeEdp('shop');

/** What the application of the shop does, on its own connection. */
function shop(file, note) {
  process.stdout.write(`\n# ${note}\n\n`);
  process.stdout.write(readFileSync(path.join(directory, 'source', file), 'utf8'));
  const source = ['--database-url', environment.SOURCE_URL];
  read(['db', 'psql', ...source, '-q', '-v', 'ON_ERROR_STOP=1', '-f', `source/${file}`]);
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
  await edp(
    ['db', 'start'],
    'PostgreSQL stays up. One server has both databases here; yours need not.',
  );
  await edp(['db', 'psql', '-q', '-c', 'CREATE DATABASE shop']);
  environment.SOURCE_URL = urlOf('shop');
  shop('schema.sql', 'The shop, before anybody thought of a warehouse.');

  await edp(['codegen', 'json-schema'], 'What an event of each table looks like.');
  await edp(['schema', 'publish'], 'From now on, version 1 does not change.');
  await edp(['capture', 'install'], 'Triggers and an outbox in the database of the shop.');
  await edp(['capture', 'snapshot'], 'The rows that are there already.');
  await edp(['capture', 'run', '--to', 'events', '--once'], 'Events, as files.');
  await edp(['realize', 'events'], 'The tables of the warehouse.');
  await show(CUSTOMERS, 'Risk classes are put right; the account of the tests is not here.');
  await edp(['run'], 'A fact.');

  shop('day-2.sql', 'The next day in the shop.');
  await edp(['capture', 'run', '--to', 'events', '--once']);
  await edp(['realize', 'events'], 'Files that are known are skipped.');
  await edp(['run']);
  await show(FACT, 'Totals that the shop stores nowhere.');
  await show(
    'SELECT id, name, risk_class, valid_from < valid_to AS has_ended, is_current FROM customers_history ORDER BY id, valid_from',
    'Each state of a customer.',
  );

  shop('day-3.sql', 'The third day.');
  await edp(['capture', 'run', '--to', 'events', '--once']);
  await edp(
    ['realize', 'events'],
    'A credit of "unlimited" is no number: the event is rejected, and kept.',
    3,
  );
  const load = JSON.parse(read(['status', '--json'])).loads.find(
    ({ rows }) => rows.rejected > 0,
  ).loadId;
  await edp(['rejects', String(load)]);
  const declared = readFileSync(path.join(directory, 'edp.yaml'), 'utf8');
  writeFileSync(
    path.join(directory, 'edp.yaml'),
    declared.replace(
      'credit_limit: numeric',
      'credit_limit: { type: numeric, nulls: [unlimited] }',
    ),
  );
  await edp(['replay', String(load)], 'edp.yaml says now what that means: no limit.');
  await edp(['run']);
  await show(CUSTOMERS);
  await show(FACT, 'Order 3 is gone from the fact; the table keeps it, with deleted_at.');

  const last = JSON.parse(read(['status', '--json'])).loads.find(({ path: file }) =>
    file.includes('orders'),
  ).loadId;
  await edp(['undo', String(last), '--yes'], 'The load that brought the deletion is taken back.');
  await edp(['run']);
  await show(FACT, 'And so is what it did.');
  await edp(['realize', 'events'], 'It can be loaded again.');
  await edp(['run']);
  await show(FACT);
  await edp(['capture', 'status']);
} finally {
  end();
}
