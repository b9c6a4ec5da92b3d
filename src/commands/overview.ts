/** What `edp --help` prints: the commands that a newcomer needs, then all others, group by group. */
import { COMMAND_GROUPS, type CommandGroup, type CommandHelp } from './command.js';

/** To begin, to load, to see what became of it, to get an answer, to find out what is wrong. */
export const FIRST_COMMANDS: readonly string[] = [
  'init',
  'ingest',
  'status',
  'generate-report',
  'doctor',
];

/** Wider lines are hard to read. */
const MAX_WIDTH = 100;
const MARGIN = 2;
/** Between a call and what it does. */
const GAP = 2;
/** Below this, what a command does begins on a line of its own. */
const MIN_DESCRIPTION = 24;

const OPTIONS: readonly (readonly [string, string])[] = [
  ['--version', 'Show the version'],
  ['-h, --help', 'Show this help; edp <command> --help explains a command'],
];

/**
 * @param commands in the order in which a group lists them
 * @param columns of the terminal
 */
export function formatOverview(commands: readonly CommandHelp[], columns: number): string {
  const width = Math.max(20, Math.min(MAX_WIDTH, columns));
  const first = FIRST_COMMANDS.flatMap((name) => commands.filter((one) => nameIn(one) === name));
  const rest = commands.filter((one) => !first.includes(one));
  const groups = (Object.keys(COMMAND_GROUPS) as CommandGroup[]).map(
    (group) =>
      [
        COMMAND_GROUPS[group],
        rest.filter((one) => one.group === group).map(({ call, describe }) => [call, describe]),
      ] as const,
  );
  const sections = [
    ['Begin with', first.map(({ call, describe }) => [call, describe])] as const,
    ...groups,
    ['Options', OPTIONS] as const,
  ].filter(([, lines]) => lines.length > 0);
  const longest = Math.max(...commands.map(({ call }) => call.length));
  const column = Math.min(longest, Math.floor(width / 2)) + MARGIN + GAP;
  return [
    'edp <command>',
    wrap('Loads event files into PostgreSQL and accounts for every record.', width).join('\n'),
    ...sections.map(
      ([title, lines]) =>
        `${title}:\n${lines.map(([call, text]) => formatLine(call!, text!, column, width)).join('\n')}`,
    ),
    wrap('Options also come from edp.yaml and EDP_* variables (docs/options.md).', width).join(
      '\n',
    ),
  ]
    .join('\n\n')
    .concat('\n');
}

function nameIn({ call }: CommandHelp): string {
  return call.split(' ', 1)[0]!;
}

function formatLine(call: string, text: string, column: number, width: number): string {
  const room = width - column;
  if (room < MIN_DESCRIPTION) {
    const below = wrap(text, width - 2 * MARGIN).map((line) => ' '.repeat(2 * MARGIN) + line);
    return [' '.repeat(MARGIN) + call, ...below].join('\n');
  }
  const start = `${' '.repeat(MARGIN)}${call}`;
  const [first = '', ...more] = wrap(text, room);
  const begins =
    start.length + GAP > column
      ? [start, ' '.repeat(column) + first]
      : [start.padEnd(column) + first];
  return [...begins, ...more.map((line) => ' '.repeat(column) + line)].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
