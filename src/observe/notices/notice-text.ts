/** A notice → what people read, whatever shows it: facts, paragraphs of lines, what to do next. */
import { several } from './make-notice.js';
import type { Notice } from './notice.schema.js';

export interface NoticeText {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly parts: readonly { readonly heading: string; readonly lines: readonly string[] }[];
  readonly next: readonly string[];
}

export function describeNotice(notice: Notice): NoticeText {
  const { rows } = notice;
  const parts = [
    { heading: 'Failed', lines: notice.failures.map(describeFailed) },
    { heading: 'Rejected', lines: notice.rejects.map(describeRejected) },
    { heading: 'Checks', lines: notice.checks.map(describeCheck) },
    { heading: 'No new rows', lines: notice.stale.map(describeStale) },
    { heading: 'Changed columns', lines: notice.schemaChanges.map(describeChange) },
    {
      heading: 'More',
      lines: notice.omitted === 0 ? [] : [`${notice.omitted} more are not listed here`],
    },
  ];
  return {
    title: notice.title,
    facts: [
      ['Project', notice.project],
      ['Command', `edp ${notice.command}`],
      ...(notice.runId === null ? [] : [['Run', String(notice.runId)] as const]),
      ['Exit status', String(notice.exitStatus)],
      ['Started', `${notice.startedAt.slice(0, 19).replace('T', ' ')} UTC`],
      ['Took', describeSeconds(notice.seconds)],
      ...(rows.read === 0
        ? []
        : [
            [
              'Records',
              `${rows.read} read, ${rows.loaded} loaded, ${rows.rejected} rejected, ${rows.duplicate} duplicate`,
            ] as const,
          ]),
    ],
    parts: parts.filter(({ lines }) => lines.length > 0),
    next: notice.next,
  };
}

function describeFailed({ code, meaning, loadId, file, table, task }: Notice['failures'][number]) {
  const of = [
    ...(task === null ? [] : [`task ${task}`]),
    ...(file === null ? [] : [file]),
    ...(table === null || task !== null ? [] : [`table ${table}`]),
    ...(loadId === null ? [] : [`load ${loadId}`]),
  ];
  const where = of.length === 0 ? '' : `${of.join(', ')}: `;
  return `${where}${meaning}${code === 'unknown' || meaning.includes(code) ? '' : ` (${code})`}`;
}

function describeRejected({ loadId, file, table, rejected, codes }: Notice['rejects'][number]) {
  const of = [
    ...(loadId === null ? [] : [`load ${loadId}`]),
    ...(file === null ? [] : [file]),
    `table ${table}`,
  ];
  const byCode = Object.entries(codes).map(([code, count]) => `${code} ${count}`);
  const reasons = byCode.length === 0 ? '' : ` (${byCode.join(', ')})`;
  return `${of.join(', ')}: ${several(rejected, 'record')}${reasons}`;
}

function describeCheck({ check, table, severity, failures }: Notice['checks'][number]) {
  return `${check} of ${table}: ${several(failures, 'row')} (${severity})`;
}

function describeStale({ table, ageSeconds, limitSeconds }: Notice['stale'][number]) {
  const age = ageSeconds === null ? 'no time of a row' : `for ${describeSeconds(ageSeconds)}`;
  return `${table}: ${age}; the limit is ${describeSeconds(limitSeconds)}`;
}

function describeChange({ table, file, added, missing }: Notice['schemaChanges'][number]) {
  const list = ({ names, others }: typeof added) =>
    [...names, ...(others === 0 ? [] : [`${others} whose names are not shown`])].join(', ');
  const changes = [list(added), list(missing)]
    .map((text, i) => (text === '' ? '' : `${['new', 'missing'][i]}: ${text}`))
    .filter(Boolean);
  return `${table}${file === null ? '' : ` in ${file}`}: ${changes.join('; ')}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

function describeSeconds(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= 2 * size);
  if (unit === undefined) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${(seconds / unit[1]).toFixed(seconds < 10 * unit[1] ? 1 : 0)} ${unit[0]}`;
}
