/** The bare path of edp: its pipeline without anything that accounts for what it does. */
import { clientProgram } from '../repository.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

export const barePath: Contender = {
  name: 'bare-path',
  title: 'bare path: the pipeline of edp without ledger, hash and rejects',
  reads: 'files',
  find: ALWAYS_PRESENT,

  async load({ dataset, target, database, settings, launch }) {
    const workers = String(settings.processCount);
    await launch({
      command: process.execPath,
      args: [
        ...[clientProgram('bare-load'), database.url, target.table],
        ...[dataset.files[0]!, target.project, workers],
      ],
    });
  },
};
