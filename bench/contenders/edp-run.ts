/** `edp run` as a user runs it: the published command line, its own defaults. */
import { type Build, cliOf, nameFor, OWN_BUILD } from '../builds.js';
import { describeEdp } from '../measure/machine.js';
import type { Contender } from './contender.js';

interface RunJson {
  readonly ok: boolean;
  readonly seconds: number;
  readonly tasks: readonly { readonly state: string }[];
}

export function edpRunOf(build: Build): Contender {
  return {
    ...nameFor(build, 'edp-run', 'edp run'),
    reads: 'tables',

    async find() {
      return { isPresent: true, version: describeEdp(build.directory) };
    },

    async load({ target, database, launch, tell }) {
      const [output] = await launch({
        command: process.execPath,
        args: [cliOf(build), 'run', '--json'],
        cwd: target.project,
        environment: { DATABASE_URL: database.url },
      });
      const { ok, seconds, tasks } = JSON.parse(output!) as RunJson;
      const hasMade = tasks.some(({ state }) => state !== 'unchanged');
      if (!ok || hasMade !== (target.making?.step !== 'nothing')) {
        throw new Error(`edp run says ${output!.slice(0, 2000)}`);
      }
      tell?.(seconds);
    },
  };
}

export const edpRun: Contender = edpRunOf(OWN_BUILD);
