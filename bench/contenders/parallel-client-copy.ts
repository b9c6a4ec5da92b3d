/** (b) As many clients as there are CPUs, each a process with its part of the flat file. */
import { cutFlatFile } from '../datasets/dataset.js';
import { copyProgram } from './client-copy.js';
import { ALWAYS_PRESENT, type Contender, flatFileOf } from './contender.js';

export const parallelClientCopy: Contender = {
  name: 'parallel-client-copy',
  title: '(b) a client per CPU, COPY of the flat CSV',
  reads: 'flat',
  find: ALWAYS_PRESENT,

  async load(task) {
    const flat = flatFileOf(task.dataset);
    const parts = cutFlatFile(flat, task.settings.processCount);
    await task.launch(...parts.map((part) => copyProgram(task, flat.path, part)));
  },
};
