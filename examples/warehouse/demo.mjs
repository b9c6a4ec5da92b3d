/**
 * Shows the warehouse: two days of files, a day that comes late, and a file that is taken back out of everything.
 *
 *     npm run demo:warehouse
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const EDP = path.resolve(import.meta.dirname, '../../dist/cli.js');
const directory = mkdtempSync(path.join(tmpdir(), 'edp-warehouse-'));

function edp(line, note) {
  if (note !== undefined) process.stdout.write(`\n# ${note}\n`);
  process.stdout.write(`\n$ edp ${line}\n`);
  const { status } = spawnSync(process.execPath, [EDP, ...line.split(' ')], {
    cwd: directory,
    stdio: 'inherit',
  });
  if (status !== 0) {
    process.exitCode = status ?? 1;
    throw new Error(`edp ${line} ended with status ${status}`);
  }
}

try {
  edp(
    'init warehouse',
    'A project: edp.yaml, SQL, and files of members, groups, events and answers.',
  );
  edp('db start', 'PostgreSQL stays up, so that the commands need not start it again.');
  edp('ingest data/*-2025-05-28.csv --on-conflict update', 'The first day.');
  edp(
    'run',
    'Bronze to silver to gold. Some members that answered are not known yet: they count as unknown.',
  );
  edp('ingest data/*-2025-05-29.csv --on-conflict update', 'The second day.');
  edp('run', 'What the new files changed, and nothing else.');
  edp('sample --limit 5', 'What the views answer.');
  edp(
    'sample signup_rate_by_day --limit 6',
    'Members who answered twice count once on each day, with the answer of that day.',
  );
  edp(
    'ingest data/late/*.csv --on-conflict update',
    'Answers of the 27th come late, and the members that were missing.',
  );
  edp('run', 'The late day arrives in the facts, and the unknown members have become known.');
  edp('sample answers_by_country', 'Fewer are not known yet.');
  edp('sample signup_rate_by_day --limit 6', 'The days before follow, too.');
  edp('run', 'Again: nothing changes.');
  edp('undo 9 --yes', 'The late answers were wrong: their load is taken back.');
  edp('run', 'And it is taken back out of everything that was made of it.');
  edp('sample answers_by_country', 'What stays are the answers of the two days.');
  edp('status --limit 3', 'The ledger remembers the load.');
} finally {
  spawnSync(process.execPath, [EDP, 'db', 'stop'], { cwd: directory, stdio: 'ignore' });
  rmSync(directory, { recursive: true, force: true });
}
