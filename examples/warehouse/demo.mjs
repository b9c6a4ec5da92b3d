/**
 * Shows the warehouse: two days of files, a day that comes late, and a file that is taken back out of everything.
 *
 *     npm run demo:warehouse
 */
import { makeEdp } from '../run-edp.mjs';

const { edp: run, end } = makeEdp('warehouse');
const edp = (line, note) => run(line.split(' '), note);

try {
  await edp(
    'init warehouse',
    'A project: edp.yaml, SQL, and files of members, groups, events and answers.',
  );
  await edp('db start', 'PostgreSQL stays up, so that the commands need not start it again.');
  await edp('ingest data/*-2025-05-28.csv --on-conflict update', 'The first day.');
  await edp(
    'run',
    'Bronze to silver to gold. Some members that answered are not known yet: they count as unknown.',
  );
  await edp('ingest data/*-2025-05-29.csv --on-conflict update', 'The second day.');
  await edp('run', 'What the new files changed, and nothing else.');
  await edp('sample --limit 5', 'What the views answer.');
  await edp(
    'sample signup_rate_by_day --limit 6',
    'Members who answered twice count once on each day, with the answer of that day.',
  );
  await edp(
    'ingest data/late/*.csv --on-conflict update',
    'Answers of the 27th come late, and the members that were missing.',
  );
  await edp('run', 'The late day arrives in the facts, and the unknown members have become known.');
  await edp('sample answers_by_country', 'Fewer are not known yet.');
  await edp('sample signup_rate_by_day --limit 6', 'The days before follow, too.');
  await edp('run', 'Again: nothing changes.');
  await edp('undo 9 --yes', 'The late answers were wrong: their load is taken back.');
  await edp('run', 'And it is taken back out of everything that was made of it.');
  await edp('sample answers_by_country', 'What stays are the answers of the two days.');
  await edp('status --limit 3', 'The ledger remembers the load.');
} finally {
  end();
}
