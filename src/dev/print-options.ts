/** Prints docs/options.md: every option, and what the words of each list mean (npm run docs). */
import { EVERYWHERE } from '../commands/add-options.js';
import { COMMANDS, nameOf } from '../commands/command-list.js';
import {
  environmentName,
  flagOf,
  OPTIONS,
  type OptionName,
  optionsOf,
} from '../options/option-definitions.js';
import { NOT_IN_PROJECT } from '../project/parse.js';

const names = Object.keys(OPTIONS) as OptionName[];

const commands = COMMANDS.map((entry) => ({
  name: nameOf(entry),
  options: new Set<string>(optionsOf(entry)),
}));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function summarize(name: OptionName): string {
  return OPTIONS[name].summary ?? OPTIONS[name].describe;
}

function describeDefault(name: OptionName): string {
  const { default: value, defaultDescription, isFlag } = OPTIONS[name];
  if (defaultDescription !== undefined) return defaultDescription;
  return value === undefined || isFlag || String(value) === '' ? '' : `\`${String(value)}\``;
}

/** Some are only for edp.yaml and the environment. */
function hasFlag(name: OptionName): boolean {
  return EVERYWHERE.includes(name) || commands.some(({ options }) => options.has(name));
}

function listCommands(name: OptionName): string {
  const own = commands.filter(({ options }) => options.has(name));
  return own.length === 0 ? 'all' : own.map((command) => `\`${command.name}\``).join(', ');
}

/** Its key in edp.yaml, where that is not the option's name. */
function describePlace(name: OptionName): string {
  if (NOT_IN_PROJECT.has(name)) return '';
  return flagOf(name) === name ? 'yes' : `\`${name}\``;
}

function titleOf(name: OptionName): string {
  const flag = `\`--${flagOf(name)}\``;
  return flagOf(name) === name ? flag : `${flag} (\`${name}\` in edp.yaml)`;
}

const options = table(
  ['option', 'says', 'default', 'commands', 'in edp.yaml'],
  names.map((name) => [
    hasFlag(name) ? `\`--${flagOf(name)}\`` : `\`${name}\` (no flag)`,
    summarize(name),
    describeDefault(name),
    listCommands(name),
    describePlace(name),
  ]),
);

const lists = names.flatMap((name) => {
  const { meanings } = OPTIONS[name];
  if (meanings === undefined) return [];
  const rows = Object.entries(meanings).map(([word, meaning]) => [`\`${word}\``, meaning]);
  return [`### ${titleOf(name)}\n\n${summarize(name)}.\n\n${table(['word', 'means'], rows)}`];
});

process.stdout.write(`# Options

<!-- Made by npm run docs of src/options/option-definitions.ts; a change here is lost. -->

A value comes from the command line, else from the variable \`EDP_\` and the option's name in capitals
(\`${environmentName('on-conflict')}\`), else from \`edp.yaml\`, where the name is a key at the top; settings of CSV files
may also stand under \`csv:\` there, for the project or for one table. Otherwise it is the default.

${options}

## Words to choose from

${lists.join('\n\n')}
`);
