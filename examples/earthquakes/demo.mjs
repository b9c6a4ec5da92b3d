/**
 * Shows a real domain: two weeks of earthquakes, as an open API answered them, from HTTP to a report.
 *
 *     npm run demo:earthquakes
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serveAnswers } from './server.mjs';

const EDP = path.resolve(import.meta.dirname, '../../dist/cli.js');
const directory = mkdtempSync(path.join(tmpdir(), 'edp-earthquakes-'));

async function run(args, stdio) {
  const child = spawn(process.execPath, [EDP, ...args], { cwd: directory, stdio });
  return new Promise((resolve) => child.once('close', resolve));
}

async function edp(args, note) {
  if (note !== undefined) process.stdout.write(`\n# ${note}\n`);
  process.stdout.write(`\n$ edp ${args.join(' ')}\n`);
  const status = await run(args, 'inherit');
  if (status === 0) return;
  process.exitCode = status ?? 1;
  throw new Error(`edp ${args.join(' ')} ended with status ${status}`);
}

const day = (number) => `2015-08-${String(number).padStart(2, '0')}`;
const days = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => urlOf(day(from + i), day(from + i + 1)));

const { server, urlOf } = await serveAnswers();
try {
  for (const name of ['edp.yaml', 'sql', 'tests', 'data']) {
    cpSync(path.join(import.meta.dirname, name), path.join(directory, name), { recursive: true });
  }
  await edp(['db', 'start'], 'PostgreSQL stays up, so that the commands need not start it again.');
  await edp(['ingest', 'data/networks.csv'], 'Who reports earthquakes.');
  await edp(
    ['ingest', ...days(1, 7), '--table', 'raw_quakes'],
    'The first week: one answer of the API for each day, read by HTTP.',
  );
  await edp(['run'], 'Bronze to silver to gold.');
  await edp(['sample', '--limit', '5'], 'Where the strongest were.');
  await edp(
    ['ingest', ...days(7, 14), '--table', 'raw_quakes'],
    'The second week; the 7th is known.',
  );
  await edp(['run'], 'The new days, and nothing else.');
  await edp(['check'], 'What must hold, holds.');
  await edp(
    ['verify', '2'],
    'The first day is asked for again, and each value compared with the table.',
  );
  await edp(['generate-report', 'quakes_by_day', '--format', 'table', '--out', '-'], 'A report.');
  await edp(['doctor'], 'Nothing is wrong.');
} finally {
  server.close();
  await run(['db', 'stop'], 'ignore');
  rmSync(directory, { recursive: true, force: true });
}
