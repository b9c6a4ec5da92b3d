/** `edp doctor`: what is wrong with project, server and machine, and what mends it. */
import os from 'node:os';
import { EdpError, EXIT } from '../base/errors.js';
import { explainConnection } from '../doctor/connection-check.js';
import type { Place } from '../doctor/context.js';
import { type Examination, examine } from '../doctor/examine.js';
import type { Finding, Mend } from '../doctor/finding.js';
import { readWarehouse } from '../doctor/project-checks.js';
import { environmentName } from '../options/option-definitions.js';
import { resolveOptions } from '../options/resolve-options.js';
import { resolveServer, type ServerAddress } from '../postgres/which-server.js';
import { coloursOf } from '../terminal/colours.js';
import { formatNumber, type Output, safeText } from '../terminal/output.js';
import type { Command, Invocation } from './command.js';
import { OPTION_NAMES } from './doctor.help.js';
import type { DoctorJson } from './json/doctor.schema.js';

export const command: Command = {
  async run(invocation) {
    const { output, signal } = invocation;
    const { place, refused } = await findPlace(invocation);
    const made = await examine(place, signal);
    const examination = { ...made, findings: [...refused, ...made.findings] };
    print(output, examination);
    const json = toJson(examination);
    output.result(json);
    return json.ok ? EXIT.done : EXIT.failed;
  },
};

async function findPlace({
  given,
  project,
}: Invocation): Promise<{ place: Place; refused: readonly Finding[] }> {
  const { directory } = project;
  const { databaseUrl, processCount } = resolveOptions(OPTION_NAMES, given, project.options);
  const { address, refused } = findAddress(databaseUrl);
  const place: Place = {
    directory,
    environment: process.env,
    machine: {
      nodeVersion: process.version,
      memoryBytes: memoryBytes(),
      now: () => Date.now(),
    },
    databaseUrl,
    urlOrigin: databaseUrl === undefined ? undefined : originOf(given),
    processCount,
    address,
    project: await readWarehouse(directory),
  };
  return { place, refused };
}

function findAddress(url: string | undefined): {
  address: ServerAddress | undefined;
  refused: readonly Finding[];
} {
  try {
    return { address: resolveServer(url, process.env), refused: [] };
  } catch (error) {
    if (!(error instanceof EdpError)) throw error;
    return { address: undefined, refused: [explainConnection(error, undefined)] };
  }
}

function originOf(given: Invocation['given']): string {
  if (given['database-url'] !== undefined) return '--database-url';
  const variable = environmentName('database-url');
  return process.env[variable] ? variable : 'database-url in edp.yaml';
}

/** The limit of the container, where it has one. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  const total = os.totalmem();
  return limit > 0 && limit < total ? limit : total;
}

const BEFORE: Readonly<Record<Mend['kind'], string>> = {
  sql: '',
  command: '$ ',
  'edp.yaml': 'in edp.yaml: ',
  advice: '',
};

function print(
  output: Output<never>,
  { server, checks, findings, notExamined }: Examination,
): void {
  const { red, yellow, cyan, bold } = coloursOf(output.isJson ? process.stderr : process.stdout);
  const colour = { error: red, warning: yellow, note: bold };
  for (const { check, severity, problem, why, mend } of findings) {
    output.line(`${severity} ${check}: ${problem}`.replace(/^\w+/, colour[severity]));
    output.line(`  why: ${why}`);
    for (const { kind, text, by } of mend) {
      output.line(
        cyan(`  → ${BEFORE[kind]}${safeText(text)}${by === undefined ? '' : `   (${by})`}`),
      );
    }
    output.line();
  }
  for (const { check, reason } of notExamined) {
    output.line(`not examined: ${check}: ${safeText(reason)}`);
  }
  if (notExamined.length > 0) output.line();
  const count = (severity: string) =>
    findings.filter((finding) => finding.severity === severity).length;
  const where =
    server === undefined
      ? 'no server'
      : `${server.label}, PostgreSQL ${Math.floor(server.version / 10_000)}`;
  output.line(
    `${formatNumber(checks, 'check')} (${safeText(where)}): ${formatNumber(count('error'), 'error')}, ${formatNumber(count('warning'), 'warning')}, ${formatNumber(count('note'), 'note')}${notExamined.length > 0 ? `; ${notExamined.length} not examined` : ''}`,
  );
}

function toJson({ server, checks, findings, notExamined }: Examination): DoctorJson {
  return {
    command: 'doctor',
    ok: findings.every(({ severity }) => severity !== 'error'),
    server: server === undefined ? null : server,
    checks,
    findings: findings.map(({ mend, ...finding }) => ({
      ...finding,
      mend: mend.map(({ by, ...one }) => ({ ...one, by: by ?? null })),
    })),
    notExamined,
  };
}
