/** The decompressor that edp uses, alone: nobody can load a packed file faster than it is unpacked. */
import { clientProgram } from '../repository.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

export const decompressor: Contender = {
  name: 'decompressor',
  title: 'the decompressor alone',
  reads: 'files',
  loadsNothing: true,
  find: ALWAYS_PRESENT,

  async load({ dataset, launch }) {
    await launch({
      command: process.execPath,
      args: [clientProgram('unpack'), dataset.files[0]!],
    });
  },
};
