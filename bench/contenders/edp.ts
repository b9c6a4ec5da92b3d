/** edp as a user runs it: the published command line, its own defaults. */
import { describeEdp } from '../measure/machine.js';
import { CLI } from '../repository.js';
import type { Contender } from './contender.js';

export const edp: Contender = {
  name: 'edp',
  title: 'edp ingest',
  reads: 'files',

  async find() {
    return { isPresent: true, version: describeEdp() };
  },

  async load({ dataset, target, database, settings, launch }) {
    const { givenProcessCount } = settings;
    const [output] = await launch({
      command: process.execPath,
      args: [
        ...[CLI, 'ingest', ...dataset.files, '--table', target.table, '--json'],
        ...(givenProcessCount === undefined ? [] : ['--process-count', String(givenProcessCount)]),
      ],
      cwd: target.project,
      environment: { DATABASE_URL: database.url },
    });
    const { rows } = JSON.parse(output!) as { rows: { read: number; loaded: number } };
    if (rows.read !== dataset.rows || rows.loaded !== dataset.rows) {
      throw new Error(`edp says ${JSON.stringify(rows)} of ${dataset.rows} rows`);
    }
  },
};
