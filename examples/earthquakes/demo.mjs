/**
 * Shows a real domain: two weeks of earthquakes, as an open API answered them, from HTTP to a report.
 *
 *     npm run demo:earthquakes
 */
import { cpSync } from 'node:fs';
import path from 'node:path';
import { makeEdp } from '../run-edp.mjs';
import { serveAnswers } from './server.mjs';

const { directory, edp, end } = makeEdp('earthquakes');

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
  end();
}
