/** Change events: from an outbox into files, and from files into tables. */
import path from 'node:path';
import { type Launch, launchApart } from '../measure/launch.js';
import { describeEdp } from '../measure/machine.js';
import { CLI, clientProgram, REPOSITORY } from '../repository.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

async function runEdp(
  args: readonly string[],
  project: string,
  environment: Readonly<Record<string, string>>,
  launch: Launch,
): Promise<void> {
  await launch({ command: process.execPath, args: [CLI, ...args], cwd: project, environment });
}

/** @param url of the source */
export function runCapture(
  args: readonly string[],
  project: string,
  url: string,
  launch: Launch = launchApart,
): Promise<void> {
  return runEdp(['capture', ...args], project, { SOURCE_URL: url }, launch);
}

const find = async () => ({ isPresent: true, version: describeEdp(REPOSITORY) }) as const;

export const captureRun: Contender = {
  name: 'capture-run',
  title: 'edp capture run --once --to a folder',
  reads: 'tables',
  find,

  async load({ target, database, settings, launch }) {
    const folder = path.join(settings.scratch, 'events');
    await runCapture(['run', '--once', '--to', folder], target.project, database.url, launch);
  },
};

export const realize: Contender = {
  name: 'realize',
  title: 'edp realize',
  reads: 'files',
  find,

  async load({ dataset, target, database, launch }) {
    const args = ['realize', ...dataset.files, '--json'];
    await runEdp(args, target.project, { DATABASE_URL: database.url }, launch);
  },
};

export const upsertEvents: Contender = {
  name: 'upsert-events',
  title: 'a prepared upsert for each event, 1,000 in a transaction',
  reads: 'files',
  find: ALWAYS_PRESENT,

  async load({ dataset, target, database, launch }) {
    await launch({
      command: process.execPath,
      args: [clientProgram('upsert-events'), database.url, target.table, ...dataset.files],
    });
  },
};
