/** Several commands at once: each record is loaded once, whoever loads it. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';
import { useEmptyDatabase } from '../support/scratch.js';

describe('commands at the same time', () => {
  const database = useEmptyDatabase();

  it.each([
    { name: 'the same files', subsets: ['events', 'events', 'events'] },
    {
      name: 'different files',
      subsets: [
        'data/events-1-1.csv,data/events-1-2.csv',
        'data/events-1-3.csv,data/events-1-4.csv',
      ],
    },
  ])('on $name, with nothing there yet', async ({ subsets }) => {
    const cwd = await makeDirectory();
    const { files } = await generateEvents(cwd, '--files', '4', '--count', '40000');
    const totals = await sumFiles(files.map((file) => path.join(cwd, file)));
    const options = ['--json', '--database-url', database.url];
    const seeds = await Promise.all(
      subsets.map(() => edp(['seed-dimensions', ...options], { cwd })),
    );
    expect(seeds.map(({ status }) => status)).toEqual(subsets.map(() => 0));

    const results = await Promise.all(
      subsets.map((subset) =>
        edp(['ingest', subset, '--read-batch-size', '2000', ...options], { cwd }),
      ),
    );
    for (const result of results) expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    const loaded = results.flatMap(({ json }) => json.files.filter((f) => f.status === 'loaded'));
    expect(loaded.map((f) => f.path).sort()).toEqual(files);
  });
});
