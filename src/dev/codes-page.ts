/** docs/codes.md: every code that a script may meet, made of the tables that the program uses. */
import { ERROR_CODES } from '../base/error-codes.js';
import { EXIT, type EXIT as ExitStatuses } from '../base/errors.js';
import { EXIT_MEANINGS, EXIT_PRECEDENCE } from '../base/exit-statuses.js';
import { COMMANDS, nameOf } from '../commands/command-list.js';
import { REJECT_CODES } from '../model/reject-codes.js';
import { DIFFERENCE_KINDS } from '../upkeep/verify/difference.js';

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Lines as long as those of the other pages. */
function wrap(text: string, indent = ''): string {
  return text.replace(/(.{1,118})(?: |$)/g, `$1\n${indent}`).trimEnd();
}

const code = (name: string) => `\`${name}\``;

export function formatCodes(): string {
  return `${[
    '# Codes',
    wrap(
      'Scripts may rely on the codes of this page: a code may be added, and none is renamed or removed. ' +
        '`npm run schema` makes the page from the tables that the program uses. ' +
        '[json.schema.json](json.schema.json) describes where the codes stand in the JSON of a command.',
    ),
    '## Exit status',
    formatTable(
      ['status', 'meaning'],
      (Object.keys(EXIT) as (keyof typeof ExitStatuses)[]).map((name) => [
        String(EXIT[name]),
        EXIT_MEANINGS[name],
      ]),
    ),
    wrap(
      `Where several hold, the first of ${EXIT_PRECEDENCE.map((name) => EXIT[name]).join(', ')} counts.`,
    ),
    'Every command may end with 0, 1, 2 and 130. Besides:',
    formatTable(
      ['command', '1 also where', '3 where', '4 where', 'Ctrl-C'],
      COMMANDS.map((entry) => [
        `\`edp ${nameOf(entry)}\``,
        entry.statuses?.failed ?? '',
        entry.statuses?.doneWithRejects ?? '',
        entry.statuses?.difference ?? '',
        entry.stopsInOrder === true ? 'in order; a second time at once' : 'at once',
      ]),
    ),
    '## Errors',
    wrap(
      'A command that fails prints what happened, where, and what to do next; with `--json` these are `message`, ' +
        '`place` and `hint` of `error`, beside its `code`. The exit status is that of the table, but 130 after Ctrl-C.',
    ),
    formatTable(
      ['code', 'exit status', 'meaning', 'what to do next'],
      Object.entries(ERROR_CODES).map(([name, { exitStatus, meaning, remedy }]) => [
        code(name),
        String(exitStatus),
        meaning,
        remedy,
      ]),
    ),
    wrap(
      'Any other code comes from elsewhere, with exit status 1: five letters or digits are an ' +
        '[SQLSTATE](https://www.postgresql.org/docs/current/errcodes-appendix.html) of the server, such as `23505`; ' +
        'capital letters are a code of Node or of the operating system, such as `ENOSPC`; `internal` is a bug of edp: ' +
        'run the command again with `--verbose`, and report what it prints.',
    ),
    '## Rejects',
    'A record that is not loaded is kept byte for byte, with its place, a code and a reason: `edp rejects LOAD`.',
    [
      wrap(
        '- *Correct*: `edp rejects LOAD --raw > corrected.csv` writes the rejected records as a CSV. Edit it, and load it: ' +
          '`edp ingest corrected.csv --table TABLE`. The same way loads them as they are, but with other options. ' +
          'LOAD keeps its rejects, whatever else brings their records; an undo removes them: `edp undo LOAD`, then load the corrected file.',
        '  ',
      ),
      '- *Replay*: `edp replay LOAD` tries the rejects again, by the model and the tables of today.',
    ].join('\n'),
    formatTable(
      ['code', 'meaning', 'what to do next'],
      Object.entries(REJECT_CODES).map(([name, { meaning, remedy }]) => [
        code(name),
        meaning,
        remedy,
      ]),
    ),
    '## Differences',
    'What `edp verify` finds, by kind ([verify.md](verify.md)).',
    formatTable(
      ['kind', 'what differs'],
      Object.entries(DIFFERENCE_KINDS).map(([name, meaning]) => [code(name), meaning]),
    ),
  ].join('\n\n')}\n`;
}
