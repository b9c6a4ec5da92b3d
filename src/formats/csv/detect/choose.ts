/** Evaluations of dialects → the one that explains the sample best. */
import type { CsvSettings } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import { type FieldEncoding, toText } from '../../text/transcode.js';
import type { Dialect } from '../dialect.js';
import { readFields } from '../scan/read-fields.js';
import type { Evaluation } from './evaluate-dialect.js';
import { MAX_PREAMBLE } from './preamble.js';
import type { SampledRecord } from './sampled-records.js';

/**
 * Share of the best score that a dialect without a preamble needs to be preferred to one with it.
 */
const MIN_RIVAL_SCORE = 0.25;

export interface Chosen {
  readonly evaluation: Evaluation;
  /** Index of the header among the records, where it is known by the names of the table. */
  readonly headerAt: number | undefined;
}

export function choose(
  evaluations: readonly Evaluation[],
  known: ReadonlySet<string>,
  settings: CsvSettings,
  encoding: FieldEncoding,
): Chosen {
  const matches = evaluations.map((evaluation) => ({
    evaluation,
    ...(known.size === 0 || settings.header === false
      ? { matched: 0, headerAt: undefined }
      : matchHeader(evaluation, known, settings, encoding)),
  }));
  const most = Math.max(...matches.map(({ matched }) => matched));
  let best = matches.filter(({ matched }) => matched === most);
  if (most === 0) {
    const [first] = matches;
    // A single line without known names does not show which delimiter is meant.
    const isHeader = settings.header !== false;
    if (known.size > 0 && isHeader && first!.evaluation.total <= 1) best = [first!];
    const fitting = matches.filter(
      ({ evaluation: { width, conforming, total } }) =>
        width === settings.columns?.length && conforming * 2 >= total,
    );
    if (fitting.length > 0) best = fitting;
  }
  const whole = best.filter((match) => explainsAll(match, known, encoding));
  if (whole.length > 0) best = whole;
  const first = highest(best);
  const every = best.filter(({ evaluation }) => hasOnlyRecords(evaluation));
  if (first.evaluation.preamble === 0 || every.length === 0) return first;
  const rival = highest(every);
  return rival.evaluation.score > first.evaluation.score * MIN_RIVAL_SCORE ? rival : first;
}

function highest(matches: readonly Chosen[]): Chosen {
  return matches.reduce((a, b) => (b.evaluation.score > a.evaluation.score + 1e-9 ? b : a));
}

/** Whether every line is a record, including the header. */
function hasOnlyRecords({ preamble, width, conforming, total }: Evaluation): boolean {
  return preamble === 0 && width > 1 && conforming === total;
}

/**
 * Whether the header has only known names, and every record has a field for each. Times in a file
 * of one column look like three fields between colons; its header shows that they are one.
 */
function explainsAll(
  { evaluation, headerAt }: Chosen,
  known: ReadonlySet<string>,
  encoding: FieldEncoding,
): boolean {
  const { records, dialect, width, conforming, total } = evaluation;
  if (headerAt === undefined || conforming !== total) return false;
  const names = readHeader(records[headerAt]!, dialect, encoding, known);
  return names.length === width && names.every((name) => known.has(name));
}

/** Finds the first record that has the most known names. */
function matchHeader(
  { records, dialect }: Evaluation,
  known: ReadonlySet<string>,
  { skipLines }: CsvSettings,
  encoding: FieldEncoding,
): { matched: number; headerAt: number | undefined } {
  let matched = 0;
  let headerAt: number | undefined;
  const limit = skipLines === undefined ? MAX_PREAMBLE : 1;
  for (const [i, record] of records.slice(0, limit).entries()) {
    const names = readHeader(record, dialect, encoding, known);
    const count = new Set(names.filter((name) => known.has(name))).size;
    // A value may equal a name by chance; a line that is mostly known names is the header.
    if (count > matched && (i === 0 || count * 2 > names.length)) {
      matched = count;
      headerAt = i;
    }
  }
  return { matched, headerAt };
}

/** Reads the names of a header, even if its quotes are damaged. */
export function readHeader(
  { fields, raw }: SampledRecord,
  dialect: Dialect,
  encoding: FieldEncoding,
  known: ReadonlySet<string>,
): string[] {
  let found = fields;
  if (found instanceof Fault) found = readFields(raw, { ...dialect, allowsBareQuotes: true });
  if (found instanceof Fault) {
    found = raw.split(dialect.delimiter).map((name) => name.replaceAll(dialect.quote || '"', ''));
  }
  return found.map((bytes) => {
    const name = toText(bytes ?? '', encoding);
    // Blanks around a name do not belong to it, unless the table has the name so.
    return known.has(name) ? name : name.trim();
  });
}
