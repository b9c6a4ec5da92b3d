/** edp as a user runs it: the published command line, its own defaults. */
import { type Build, cliOf, nameFor, OWN_BUILD } from '../builds.js';
import { describeEdp } from '../measure/machine.js';
import type { Contender } from './contender.js';

export function edpOf(build: Build): Contender {
  return {
    ...nameFor(build, 'edp', 'edp ingest'),
    reads: 'files',

    async find() {
      return { isPresent: true, version: describeEdp(build.directory) };
    },

    async load({ dataset, target, database, settings, launch }) {
      const { givenProcessCount } = settings;
      const [output] = await launch({
        command: process.execPath,
        args: [
          ...[cliOf(build), 'ingest', ...dataset.files, '--table', target.table, '--json'],
          ...(givenProcessCount === undefined
            ? []
            : ['--process-count', String(givenProcessCount)]),
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
}

export const edp: Contender = edpOf(OWN_BUILD);
