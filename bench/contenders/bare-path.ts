/** The bare path of edp: its pipeline without anything that accounts for what it does. */
import { existsSync } from 'node:fs';
import { type Build, clientProgramOf, nameFor, OWN_BUILD } from '../builds.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

const TITLE = 'bare path: the pipeline of edp without ledger, hash and rejects';

export function barePathOf(build: Build): Contender {
  const program = clientProgramOf(build, 'bare-load');
  return {
    ...nameFor(build, 'bare-path', TITLE),
    reads: 'files',

    async find() {
      if (existsSync(program)) return ALWAYS_PRESENT();
      return {
        isPresent: false,
        remedy: 'npm run bench -- --list in its checkout, which compiles it',
      };
    },

    async load({ dataset, target, database, settings, launch }) {
      const workers = String(settings.processCount);
      await launch({
        command: process.execPath,
        args: [
          ...[program, database.url, target.table],
          ...[dataset.files[0]!, target.project, workers],
        ],
      });
    },
  };
}

export const barePath: Contender = barePathOf(OWN_BUILD);
