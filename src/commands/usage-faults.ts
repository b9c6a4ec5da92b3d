/** What is wrong with a command line that yargs has refused, in words that name the mistake. */
import { EdpError } from '../base/errors.js';
import { nearest, suggest } from '../base/nearest.js';
import type { CommandHelp } from './command.js';

/** What yargs knows of the command by then. */
export interface KnownOptions {
  /** Names of all options, aliases among them. */
  readonly names: readonly string[];
  readonly flags: readonly string[];
  /** Choices by name of an option or positional. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
}

/**
 * @param argv arguments as they were typed
 * @param commands all commands, by name
 * @param message of yargs, for what is not found here
 */
export function explainUsage(
  argv: readonly string[],
  commands: ReadonlyMap<string, CommandHelp>,
  known: KnownOptions,
  message: string,
): EdpError {
  const { options, words } = readArguments(argv, known);
  const [name, ...given] = words;
  const command = name === undefined ? undefined : commands.get(name);
  if (name === undefined) {
    const global = options.filter(({ isKnown }) => !isKnown);
    if (global.length > 0) return unknownOptions('edp', global, known);
    return usage('which command?', 'edp --help lists the commands');
  }
  if (command === undefined) return unknownCommand(name, [...commands.keys()]);

  const unknown = options.filter(({ isKnown }) => !isKnown);
  if (unknown.length > 0) return unknownOptions(`edp ${name}`, unknown, known);
  const help = `edp ${name} --help explains it`;
  const empty = options.find(({ hasValue }) => !hasValue);
  if (empty !== undefined) return usage(`${empty.text} needs a value`, help);
  const positionals = [...command.call.matchAll(/[<[]([\w-]+)(\.\.)?[^>\]]*[>\]]/g)];
  for (const [i, [, positional = '']] of positionals.entries()) {
    const choices = known.choices[positional];
    const value = given[i];
    if (choices === undefined || value === undefined || choices.includes(value)) continue;
    const list = `edp ${name} does one of: ${choices.join(', ')}`;
    return usage(`edp ${name} has no ${positional} "${value}"`, suggest(value, choices, list));
  }
  const missing = positionals.slice(given.length).find(([text]) => text.startsWith('<'));
  if (missing !== undefined) {
    return usage(`edp ${name} needs ${missing[0].replace(/\.+/, ' …')}`, help);
  }
  const isEndless = positionals.some(([, , dots]) => dots !== undefined);
  const extra = given.slice(positionals.length);
  if (extra.length > 0 && !isEndless) {
    return usage(`edp ${name} does not take ${extra.map((word) => `"${word}"`).join(', ')}`, help);
  }
  return usage(message, help);
}

/** Commands that people bring from other tools → what does the same here. */
const FOREIGN_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['build', 'edp run'],
  ['compile', 'edp run --dry-run --sql'],
  ['copy', 'edp ingest'],
  ['import', 'edp ingest'],
  ['load', 'edp ingest'],
  ['ls', 'edp lineage'],
  ['seed', 'edp ingest'],
]);

export function unknownCommand(name: string, names: readonly string[]): EdpError {
  const list = 'edp --help lists the commands';
  const same = FOREIGN_COMMANDS.get(name);
  return usage(
    `there is no command "${name}"`,
    same === undefined ? suggest(name, names, list) : `did you mean ${same}? ${list}`,
  );
}

interface GivenOption {
  /** Without its value. */
  readonly text: string;
  readonly isKnown: boolean;
  readonly hasValue: boolean;
}

function unknownOptions(
  who: string,
  options: readonly GivenOption[],
  { names }: KnownOptions,
): EdpError {
  const list = options.map(({ text }) => text).join(', ');
  const meant = options.flatMap(({ text }) => {
    const name = nearest(
      text.replace(/^-+/, ''),
      names.filter(({ length }) => length > 1),
    );
    return name === undefined ? [] : [`--${name}`];
  });
  const where = `${who} --help lists its options`;
  return usage(
    `${who} has no option ${list}`,
    meant.length === 0 ? where : `did you mean ${meant.join(', ')}? ${where}`,
  );
}

function usage(message: string, hint: string): EdpError {
  return new EdpError('usage', message, { hint });
}

function readArguments(
  argv: readonly string[],
  { names, flags }: KnownOptions,
): { options: GivenOption[]; words: string[] } {
  const options: GivenOption[] = [];
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    const option = /^(--?)([^=]+)(=?)/.exec(argument);
    // A dash alone is standard input; a number is a value.
    if (option === null || /^-[\d.]/.test(argument)) {
      words.push(argument);
      continue;
    }
    const [, dashes, typed = '', sign] = option;
    const name = dashes === '-' ? typed.slice(0, 1) : typed;
    const positive = name.replace(/^no-/, '');
    const isFlag = flags.includes(positive);
    const isKnown = names.includes(name) || (isFlag && names.includes(positive));
    const isWhole = sign === '=' || isFlag || !isKnown || (dashes === '-' && typed.length > 1);
    const next = argv[i + 1];
    const hasValue = isWhole || (next !== undefined && !/^-[^\d-]|^--/.test(next));
    options.push({ text: `${dashes}${dashes === '-' ? name : typed}`, isKnown, hasValue });
    if (!isWhole && hasValue) i++;
  }
  return { options, words };
}
