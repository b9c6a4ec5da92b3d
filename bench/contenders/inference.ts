/** edp that infers the types of a file from all of its records, as before a load with --create. */
import { type Build, cliOf, nameFor, OWN_BUILD } from '../builds.js';
import { describeEdp } from '../measure/machine.js';
import type { Contender } from './contender.js';

export function inferTypesOf(build: Build): Contender {
  return {
    ...nameFor(build, 'edp-infer', 'edp model infer'),
    reads: 'files',
    loadsNothing: true,

    async find() {
      return { isPresent: true, version: describeEdp(build.directory) };
    },

    async load({ dataset, target, settings, launch }) {
      const { givenProcessCount } = settings;
      const [output] = await launch({
        command: process.execPath,
        args: [
          ...[cliOf(build), 'model', 'infer', ...dataset.files, '--table', target.table, '--json'],
          ...(givenProcessCount === undefined
            ? []
            : ['--process-count', String(givenProcessCount)]),
        ],
        cwd: target.project,
        environment: {},
      });
      const { tables } = JSON.parse(output!) as { tables: { records: number; key: string }[] };
      const [{ records, key }] = tables as [(typeof tables)[number]];
      if (records !== dataset.rows || key !== 'id') {
        throw new Error(`edp infers from ${records} of ${dataset.rows} rows, with key ${key}`);
      }
    },
  };
}

export const inferTypes: Contender = inferTypesOf(OWN_BUILD);
