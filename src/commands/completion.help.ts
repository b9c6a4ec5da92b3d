/** The call of `edp completion` and its help. */
import type { CommandHelp } from './command.js';
import { INSTALLATION, SHELLS } from './completion/scripts.js';

export const help: CommandHelp = {
  call: 'completion <shell>',
  group: 'server',
  completes: [SHELLS],
  describe: 'Print a script by which bash, zsh or fish completes command lines of edp',
  options: [],
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .positional('shell', {
        describe: 'The shell that runs the script',
        choices: SHELLS,
        demandOption: true,
      })
      .example('$0 completion bash', 'the script')
      .epilog(
        [
          'To install it:',
          ...SHELLS.map((shell) => `${shell}: ${INSTALLATION[shell].replace(/ +# /, '   ')}`),
          'The shell must find edp: where it is installed in a project, put that into PATH before, as in',
          'export PATH="/srv/shop/node_modules/.bin:$PATH". A line that begins with npx is not completed.',
          'It completes commands, options and their words, tables, tasks, views, reports and files; loads, runs',
          'and environments where the server answers within a second. It starts no server.',
        ].join('\n'),
      ),
};
