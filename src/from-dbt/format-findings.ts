/** The page that says what became of each part of a dbt project. */
import type { Findings, NotTaken, Taken } from './findings.js';

export interface NextSteps {
  /** Commands, in order. */
  readonly commands: readonly string[];
  /** Tables that must be there before `edp run`. */
  readonly tables: readonly string[];
}

export function formatFindings(
  project: string,
  { taken, notTaken }: Findings,
  next: NextSteps,
): string {
  return [
    `# From dbt: ${project}`,
    '',
    `\`edp init --from-dbt\` read the dbt project \`${project}\` and ran nothing of it. Taken: ${taken.length}, not taken: ${notTaken.length}.`,
    '',
    '## Next',
    '',
    ...(next.tables.length === 0
      ? []
      : [
          `These tables must be there, as edp does not load them: ${next.tables.map(code).join(', ')}.`,
          '',
        ]),
    '```sh',
    ...next.commands,
    '```',
    '',
    '## Not taken',
    '',
    ...(notTaken.length === 0 ? ['Nothing.'] : listNotTaken(notTaken)),
    '',
    '## Taken',
    '',
    '| part | in dbt | became | |',
    '|---|---|---|---|',
    ...taken.map(rowOfTaken),
    '',
  ].join('\n');
}

function rowOfTaken({ kind, name, place, became, note }: Taken): string {
  const cells = [`${kind} ${code(name)}`, showPlace(place), became, note ?? ''];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function listNotTaken(notTaken: readonly NotTaken[]): string[] {
  return [
    '| part | in dbt | reason | instead |',
    '|---|---|---|---|',
    ...notTaken.map(({ kind, name, place, reason, instead }) => {
      const cells = [`${kind} ${code(name)}`, showPlace(place), reason, instead];
      return `| ${cells.map(cell).join(' | ')} |`;
    }),
  ];
}

export function showPlace({
  file,
  line,
}: {
  readonly file: string;
  readonly line: number;
}): string {
  return `${file}:${line}`;
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

/** A cell ends with a bar or with its line. */
function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}
