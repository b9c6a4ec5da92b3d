/** docs/doctor.md: every check of `edp doctor`, made of the checks themselves. */
import { PLACE_CHECKS, SERVER_CHECKS } from '../doctor/all-checks.js';
import { CONNECTION_CHECKS } from '../doctor/connection-check.js';

interface Row {
  readonly name: string;
  readonly severities: readonly string[];
  readonly looksAt: string;
  readonly why: string;
  readonly mends: string;
}

function formatTable(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(['check', 'severity', 'looks at', 'why it matters', 'what mends it']),
    '|---|---|---|---|---|',
    ...rows.map(({ name, severities, looksAt, why, mends }) =>
      line([`\`${name}\``, severities.join(', '), looksAt, why, mends]),
    ),
  ].join('\n');
}

export function formatDoctor(): string {
  const connection = Object.entries(CONNECTION_CHECKS).map(([name, text]) => ({
    name,
    severities: ['error'],
    ...text,
  }));
  return `${[
    '# edp doctor',
    '<!-- Made by npm run docs of the checks in src/doctor/; a change here is lost. -->',
    `\`edp doctor\` looks for what is wrong with the project, its server and this machine. It changes nothing. For each finding it says
what is wrong, why it matters, and what mends it: exact SQL, an exact command, or an exact line for \`edp.yaml\`; in brackets
stands who must do it, where not everybody may. Commands are for the folder of the project, SQL is for its database
(\`edp db psql -c '…'\`; several statements of one finding in one session).`,
    `| severity | means |
|---|---|
| error | edp cannot do its work, or data is in danger. \`edp doctor\` ends with status 1 |
| warning | it will be so, or loads are slower than they must be |
| note | good to know |`,
    `It works where no server answers, beside a faulty \`edp.yaml\`, without any project, and as a role with few rights: what it could not
look at is listed (\`not examined\`, \`notExamined\` with \`--json\`). No check waits longer than ten seconds. The embedded server is started
where it has data, and is not made where it has none.`,
    '## Project and machine',
    formatTable(PLACE_CHECKS),
    '## Connection',
    formatTable(connection),
    '## Server and database',
    formatTable(SERVER_CHECKS),
  ].join('\n\n')}\n`;
}
