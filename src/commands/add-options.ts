/** The options, positionals and examples of a command, as yargs takes them. */
import type { Argv } from 'yargs';
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

/** Room for an example before its explanation; `$0` becomes `edp` in it. */
const MAX_CALL_WIDTH = 50;

/** Flags that every command has. */
export const GLOBAL_OPTIONS = ['json', 'verbose'] as const;

/** What else every command has: options with values, of those who watch it. */
export const OBSERVING_OPTIONS = ['metrics', 'metrics-labels', 'log', 'log-file'] as const;

export const EVERYWHERE: readonly OptionName[] = [...GLOBAL_OPTIONS, ...OBSERVING_OPTIONS];

type Definitions = typeof import('../options/option-definitions.js');

/** @param isHelpWanted else the options are left out of the help, which yargs lays out at every call */
export function addOptions(
  yargs: Argv,
  command: CommandHelp,
  { OPTIONS, environmentName, flagOf, optionsOf }: Definitions,
  isHelpWanted: boolean,
): Argv {
  let built = yargs;
  for (const name of new Set([...optionsOf(command), ...EVERYWHERE])) {
    const option = OPTIONS[name];
    built = built.option(flagOf(name), {
      type: option.isFlag === true ? 'boolean' : 'string',
      array: name === 'param',
      describe: `${option.describe} [${environmentName(name)}]`,
      defaultDescription:
        option.defaultDescription ??
        (option.default === undefined || option.isFlag === true
          ? undefined
          : String(option.default)),
      requiresArg: option.isFlag !== true,
      // The check of the option itself says more than that of yargs.
      choices: isHelpWanted ? option.choices : undefined,
      hidden: !isHelpWanted,
      group: EVERYWHERE.includes(name) ? 'Everywhere:' : 'Options:',
    });
  }
  if (command.build === undefined) return built;
  return isHelpWanted ? withExamplesFirst(built, command) : command.build(built);
}

/** A long help is read from its beginning, so the examples stand there. */
function withExamplesFirst(yargs: Argv, command: CommandHelp): Argv {
  const examples: (readonly [string, string])[] = [];
  yargs.example = (call: string | readonly (readonly [string, string?])[], describe?: string) => {
    examples.push([String(call), describe ?? '']);
    return yargs;
  };
  const built = command.build?.(yargs) ?? yargs;
  if (examples.length === 0) return built;
  // yargs trims the lines of this text, so nothing is indented.
  const width = Math.min(MAX_CALL_WIDTH, Math.max(...examples.map(([call]) => call.length)));
  const lines = examples.map(([call, describe]) => `${call.padEnd(width)}  # ${describe}`);
  return built.usage(`$0 ${command.call}\n\n${command.describe}\n\nExamples:\n${lines.join('\n')}`);
}
