/** edp that writes a built-in report of the rows that are there. */
import { type Build, cliOf, nameFor, OWN_BUILD } from '../builds.js';
import { describeEdp } from '../measure/machine.js';
import type { Contender } from './contender.js';

/** @param report name of the report, and of the contender */
function edpReport(report: string, build: Build = OWN_BUILD): Contender {
  return {
    ...nameFor(build, report, `edp generate-report ${report}`),
    reads: 'tables',
    loadsNothing: true,

    async find() {
      return { isPresent: true, version: describeEdp(build.directory) };
    },

    async load({ target, database, settings, launch }) {
      const [output] = await launch({
        command: process.execPath,
        args: [cliOf(build), 'generate-report', report, '--json', '--out', settings.scratch],
        cwd: target.project,
        environment: { DATABASE_URL: database.url },
      });
      const { rows } = JSON.parse(output!) as { rows: number };
      if (rows === 0) throw new Error(`report ${report} has no rows`);
    },
  };
}

const HOURLY = 'count_hourly_events_by_first_dimension';

/** The names come from the dimension. */
export const reportByJoin = edpReport(HOURLY);
/** Each event has its name. */
export const reportByName = edpReport(`${HOURLY}_name`);
