/** `edp completion`: prints the script of a shell. */
import { EXIT } from '../base/errors.js';
import type { Command } from './command.js';
import { type Shell, scriptOf } from './completion/scripts.js';

export const command: Command = {
  async run({ given, output }) {
    const shell = given.shell as Shell;
    const script = scriptOf(shell);
    if (!output.isJson) await output.write(script);
    output.result({ command: 'completion', ok: true, shell, script });
    return EXIT.done;
  },
};
