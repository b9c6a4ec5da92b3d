/** `edp --help`: every command is in a group, and each stands there once. */

import { describe, expect, it } from 'vitest';
import { COMMAND_GROUPS, type CommandHelp } from '../../src/commands/command.js';
import { COMMANDS, nameOf } from '../../src/commands/command-list.js';
import { FIRST_COMMANDS, formatOverview } from '../../src/commands/overview.js';
import { edp, makeDirectory } from '../support/cli.js';
import { hasTerminal, onTerminal } from '../support/pty.js';

const calls = (text: string) =>
  text
    .split('\n')
    .map((line) => /^ {2}([a-z][\w-]*)(?: |$)/.exec(line)?.[1])
    .filter((name) => name !== undefined);

describe('the overview', () => {
  it('has no command without a group', () => {
    const groups = Object.keys(COMMAND_GROUPS);
    expect(COMMANDS.filter(({ group }) => !groups.includes(group)).map(nameOf)).toEqual([]);
  });

  it('has no group without a command', () => {
    const used = COMMANDS.map(({ group }) => group);
    expect(Object.keys(COMMAND_GROUPS).filter((group) => !used.includes(group as never))).toEqual(
      [],
    );
  });

  it('begins with the five that a newcomer needs, all of which are there', () => {
    expect(FIRST_COMMANDS).toHaveLength(5);
    expect(calls(formatOverview(COMMANDS, 100)).slice(0, 5)).toEqual(FIRST_COMMANDS);
  });

  it.each([20, 40, 60, 80, 100, 300])('has each command once at %i columns', (columns) => {
    const text = formatOverview(COMMANDS, columns);
    expect(calls(text).sort()).toEqual(COMMANDS.map(nameOf).sort());
  });

  it.each([60, 80, 100, 300])('is not wider than the terminal of %i columns', (columns) => {
    const lines = formatOverview(COMMANDS, columns).split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(
      Math.min(100, columns),
    );
  });

  it('breaks a long call from its description', () => {
    const long: CommandHelp = {
      call: `long ${'[word] '.repeat(9)}`.trim(),
      group: 'load',
      describe: 'What it does',
      options: [],
    };
    expect(formatOverview([long], 80)).toMatch(/\[word\]\n {40,}What it does\n/);
  });

  it('is what edp --help prints, by all its names', async () => {
    const cwd = await makeDirectory();
    for (const args of [['--help'], ['-h'], ['help'], ['--verbose', '--help']]) {
      const { stdout, stderr, status } = await edp(args, { cwd });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toBe(formatOverview(COMMANDS, 100));
    }
  });
});

it.skipIf(!hasTerminal)(
  'the help of a command leaves names of options whole at 40 columns',
  async () => {
    const { shown } = await onTerminal(['ingest', '--help'], { cwd: '.', columns: 40 });
    for (const name of ['process-count', 'read-batch-size', 'missing-dimensions']) {
      expect(shown).toMatch(new RegExp(`--${name}\\s`));
    }
  },
);
