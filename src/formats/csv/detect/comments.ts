/** Finds the sign with which comments among the records begin. */
import type { CsvSettings } from '../../../model/csv-settings.js';
import type { SampleParts } from '../../text/sample.js';
import type { Chosen } from './choose.js';
import { type Evaluation, evaluateDialect } from './evaluate-dialect.js';
import { COMMENT_PREFIXES } from './preamble.js';
import type { WideSample } from './wide-sample.js';

/**
 * Lines between records are comments if they have a common prefix and are not records. Lines inside
 * of quotes never count: the scanner sees them as part of their record, and what it sees of a piece
 * from the middle counts only between records.
 *
 * @param readWide reads the whole sample as an evaluation does
 */
export function findComments(
  chosen: Chosen,
  parts: SampleParts,
  { comment }: CsvSettings,
  readWide: (evaluation: Evaluation) => WideSample,
): Chosen {
  const { evaluation } = chosen;
  if (comment !== undefined || evaluation.width < 2) return chosen;
  const first = evaluation.records[chosen.headerAt ?? evaluation.preamble];
  if (first === undefined) return chosen;
  const { marked } = readWide(evaluation);
  const body = marked.filter(({ start, isOfHead }) => !isOfHead || start > first.start);
  for (const prefix of COMMENT_PREFIXES) {
    if (evaluation.dialect.delimiter.startsWith(prefix)) continue;
    const begun = body.filter(({ raw }) => raw.startsWith(prefix));
    if (begun.length === 0 || begun.some(({ fits }) => fits)) continue;
    if (begun.filter(({ isBetweenRecords }) => isBetweenRecords).length * 2 < begun.length)
      continue;
    const dialect = { ...evaluation.dialect, comment: prefix };
    const again = evaluateDialect({ dialect, weight: 1 }, parts);
    if (chosen.headerAt === undefined) return { evaluation: again, headerAt: undefined };
    const headerAt = again.records.findIndex(({ start }) => start === first.start);
    // A prefix that would make the header a comment is not taken.
    if (headerAt < 0) continue;
    return { evaluation: again, headerAt };
  }
  return chosen;
}
