/** Standard input: a file that can be read once, from its beginning to its end. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import type { InputFile, Source } from './source.js';

const STDIN = '-';
const STDIN_DEVICE = '/dev/stdin';

export const standardInput: Source = {
  async list(_, directory) {
    return [{ name: STDIN, path: path.resolve(directory, STDIN) }];
  },

  version() {
    throw new Error('standard input is to be copied first');
  },

  open() {
    throw new Error('standard input is to be copied first');
  },

  readOnce(_, take) {
    return take(process.stdin).catch((cause: Error) => {
      throw new EdpError('io', `standard input cannot be kept: ${cause.message}`, {
        hint: 'a pipe is copied into .edp/spool before it is loaded: make room there, or load a file',
        cause,
      });
    });
  },
};

export function namesStdin(name: string): boolean {
  return name === STDIN || name === STDIN_DEVICE;
}

export function isStdin(file: InputFile): boolean {
  return file.name === STDIN;
}
