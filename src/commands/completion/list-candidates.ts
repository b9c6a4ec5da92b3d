/** What may stand at the end of a command line. */
import { flagOf, OPTIONS, type OptionName, optionsOf } from '../../options/option-definitions.js';
import type { OptionDefinition } from '../../options/option-kinds.js';
import { GLOBAL_OPTIONS } from '../add-options.js';
import type { CompletionKind } from '../command.js';
import { COMMANDS, type CommandEntry, nameOf } from '../command-list.js';
import { type Candidate, listNamesOf } from './live-names.js';

export interface Answer {
  readonly candidates: readonly Candidate[];
  /** Whether names of files or folders may stand there, too. */
  readonly places?: 'file' | 'folder';
}

/** Options without choices, whose values edp can list. */
const OPTION_KINDS: Readonly<Partial<Record<OptionName, CompletionKind>>> = {
  table: 'table',
  task: 'task',
  env: 'environment',
  out: 'file',
  dir: 'folder',
  'from-dbt': 'folder',
};

const REPEATED: ReadonlySet<OptionName> = new Set(['param', 'task']);
const NOTE_LENGTH = 60;

/** @param words behind `edp`; the last one is to be completed, and may be empty */
export async function listCandidates(words: readonly string[]): Promise<Answer> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const isHelp = before[0] === 'help';
  const given = isHelp ? before.slice(1) : before;
  const entry = COMMANDS.find((one) => nameOf(one) === given.find((word) => !isOption(word)));
  if (entry === undefined) {
    return {
      candidates: fitting(current.startsWith('-') ? GENERAL : listCommands(isHelp), current),
    };
  }
  if (isHelp) return { candidates: [] };
  return completeCall(entry, given, current);
}

const isOption = (word: string) => word.startsWith('-') && word !== '-';

const GENERAL: readonly Candidate[] = [
  { value: '--help', note: 'Show help' },
  { value: '--version', note: 'Show the version' },
];

function listCommands(isHelp: boolean): Candidate[] {
  const own = COMMANDS.map((one) => ({ value: nameOf(one), note: shorten(one.describe) }));
  return isHelp ? own : [...own, { value: 'help', note: 'Explain a command' }];
}

async function completeCall(
  entry: CommandEntry,
  given: readonly string[],
  current: string,
): Promise<Answer> {
  const names = [...new Set([...optionsOf(entry), ...GLOBAL_OPTIONS])];
  const isOver = given.includes('--');
  const pair = isOver ? null : /^--([^=]+)=(.*)$/s.exec(current);
  if (pair !== null) {
    const name = names.find((one) => flagOf(one) === pair[1]);
    if (name === undefined) return { candidates: [] };
    const { candidates, places } = await completeValue(name, entry, given);
    const whole = candidates.map(({ value, note }) => ({ value: `--${pair[1]}=${value}`, note }));
    return { candidates: fitting(whole, current), ...(places === undefined ? {} : { places }) };
  }
  const last = given.at(-1) ?? '';
  const taker = isOver ? undefined : names.find((one) => `--${flagOf(one)}` === last);
  if (taker !== undefined && !isFlag(taker)) {
    const { candidates, ...rest } = await completeValue(taker, entry, given);
    const plain = candidates.filter(({ value }) => !value.startsWith('-'));
    return { candidates: fitting(plain, current), ...rest };
  }
  if (!isOver && current.startsWith('-')) {
    return { candidates: fitting(listOptions(names, given), current) };
  }
  return completePositional(entry, names, given, current, isOver);
}

const isFlag = (name: OptionName) => OPTIONS[name].isFlag === true;

function listOptions(names: readonly OptionName[], given: readonly string[]): Candidate[] {
  return [
    ...names
      .filter(
        (name) =>
          REPEATED.has(name) ||
          !given.some((word) => word.split('=', 1)[0] === `--${flagOf(name)}`),
      )
      .map((name) => {
        const { summary, describe }: OptionDefinition<unknown> = OPTIONS[name];
        return { value: `--${flagOf(name)}`, note: shorten(summary ?? describe) };
      }),
    { value: '--help', note: 'Show help' },
  ];
}

async function completeValue(
  name: OptionName,
  entry: CommandEntry,
  given: readonly string[],
): Promise<Answer> {
  const { choices, meanings, isFlag: isBoolean }: OptionDefinition<unknown> = OPTIONS[name];
  if (isBoolean === true) return { candidates: ['true', 'false'].map(bare) };
  if (choices !== undefined) {
    return {
      candidates: choices.map((value) => ({ value, note: shorten(meanings?.[value] ?? '') })),
    };
  }
  const kind = OPTION_KINDS[name];
  return kind === undefined ? { candidates: [] } : completeKind(kind, entry, given);
}

async function completePositional(
  entry: CommandEntry,
  names: readonly OptionName[],
  given: readonly string[],
  current: string,
  isOver: boolean,
): Promise<Answer> {
  const { completes = [] } = entry;
  const isEndless = entry.call.includes('..');
  const place = countPositionals(names, given) - 1;
  const kind = completes[place] ?? (isEndless ? completes.at(-1) : undefined);
  if (kind === undefined) return { candidates: [] };
  const { candidates, ...rest }: Answer =
    typeof kind === 'string'
      ? await completeKind(kind, entry, given)
      : { candidates: kind.map(bare) };
  const usable = isOver ? candidates : candidates.filter(({ value }) => !value.startsWith('-'));
  return { candidates: fitting(usable, current), ...rest };
}

/** Words that are neither options nor their values, the command among them. */
function countPositionals(names: readonly OptionName[], given: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < given.length; i++) {
    const word = given[i]!;
    if (word === '--') return count + given.length - i - 1;
    if (!isOption(word)) count++;
    const taker = names.find((name) => `--${flagOf(name)}` === word);
    if (taker !== undefined && !isFlag(taker)) i++;
  }
  return count;
}

async function completeKind(
  kind: CompletionKind,
  entry: CommandEntry,
  given: readonly string[],
): Promise<Answer> {
  switch (kind) {
    case 'file':
    case 'folder':
      return { candidates: [], places: kind };
    case 'data':
      return {
        candidates: [{ value: 'events', note: 'every data/events* file' }],
        places: 'file',
      };
    default: {
      const isRun = kind === 'load' && nameOf(entry) === 'status' && given.includes('--runs');
      return { candidates: await listNamesOf(isRun ? 'run' : kind, urlOf(given)) };
    }
  }
}

/** Of another server than the usual one. */
function urlOf(given: readonly string[]): string | undefined {
  const at = given.indexOf('--database-url');
  const whole = given.find((word) => word.startsWith('--database-url='));
  return at >= 0 ? given[at + 1] : whole?.slice('--database-url='.length);
}

const bare = (value: string): Candidate => ({ value, note: '' });

function fitting(candidates: readonly Candidate[], current: string): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(current));
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= NOTE_LENGTH ? line : `${line.slice(0, NOTE_LENGTH - 1).trimEnd()}…`;
}
