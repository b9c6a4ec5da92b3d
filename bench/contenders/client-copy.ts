/** (a) One client streams the flat file into COPY … FROM STDIN CSV: what `psql \copy` does. */
import type { Program } from '../measure/launch.js';
import { clientProgram } from '../repository.js';
import { ALWAYS_PRESENT, type Contender, flatFileOf, type LoadTask } from './contender.js';

export const clientCopy: Contender = {
  name: 'client-copy',
  title: '(a) 1 client, COPY of the flat CSV',
  reads: 'flat',
  find: ALWAYS_PRESENT,

  async load(task) {
    await task.launch(copyProgram(task, flatFileOf(task.dataset).path));
  },
};

/** The process that copies a whole file with its header, or a part of it without. */
export function copyProgram(
  { database, target, dataset }: LoadTask,
  file: string,
  part?: { readonly from: number; readonly until: number },
): Program {
  return {
    command: process.execPath,
    args: [
      ...[clientProgram('copy-csv'), database.url, target.table, dataset.columns.join(), file],
      ...(part === undefined ? [] : [String(part.from), String(part.until)]),
    ],
  };
}
