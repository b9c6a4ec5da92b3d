/** Where the header is: which lines of a sample stand before it. */
import { Fault } from '../../../model/reject-codes.js';
import type { FieldTexts } from '../scan/read-fields.js';
import { isTyped, kindOf } from './cells.js';
import { guessHeader } from './header.js';
import { fits, type SampledRecord } from './sampled-records.js';

/** Most records before the header. */
export const MAX_PREAMBLE = 60;

/** A first line that specifies the delimiter, for spreadsheets. */
export const SPREADSHEET_HINT = /^sep=([^"'\\\r\n])$/i;

export const COMMENT_PREFIXES = ['#', '//', '--', '%', '!', ';', '*'];

/** Records below a possible header by which it is judged. */
const JUDGED_RECORDS = 30;

/**
 * Counts the records before the first that has the common width. A header may be one field short,
 * have delimiters too many, or a quote that is never closed; lines before it may be filled up with
 * delimiters to that width.
 */
export function findPreamble(
  records: readonly SampledRecord[],
  width: number,
  delimiter: string,
): number {
  const limit = Math.min(records.length, MAX_PREAMBLE);
  for (let i = 0; i < limit; i++) {
    const record = records[i]!;
    if (i === 0 && SPREADSHEET_HINT.test(record.raw)) continue;
    if (i > 0 && isRemark(records, i, width)) continue;
    if (isPadded(records, i, width)) continue;
    if (fits(record, width)) return isHeaderOfOthers(records, i, width) ? 0 : i;
    const next = records[i + 1];
    if (next === undefined || !fits(next, width)) continue;
    if (width > 2 && fits(record, width - 1)) return isHeaderOfOthers(records, i, width) ? 0 : i;
    if (isNames(listNames(record, width, delimiter)) && !judge(records, i + 1, width).isHeader) {
      return i;
    }
  }
  return 0;
}

/**
 * Whether the first line names the fields of a table whose records have more or fewer of them, and
 * not what stands above a table: the first record of the common width is no header.
 */
function isHeaderOfOthers(
  records: readonly SampledRecord[],
  index: number,
  width: number,
): boolean {
  const { fields } = records[0]!;
  if (index === 0 || fields instanceof Fault || fields.length * 2 <= width) return false;
  return (
    isNames(fields.map((cell) => cell?.trim() ?? '')) && !judge(records, index, width).isHeader
  );
}

/** Whether a line is a comment above the header that has the common width by chance. */
function isRemark(records: readonly SampledRecord[], index: number, width: number): boolean {
  const [before, record, next] = [records[index - 1]!, records[index]!, records[index + 1]];
  const prefix = COMMENT_PREFIXES.find((start) => record.raw.startsWith(start));
  if (prefix === undefined || !before.raw.startsWith(prefix)) return false;
  if (next === undefined || !fits(next, width) || next.raw.startsWith(prefix)) return false;
  return !(next.fields as FieldTexts).some((cell) => isTyped(kindOf(cell)));
}

/**
 * Whether a line above the header is filled up with delimiters: at most half of its fields have a
 * text, and a line with more of them follows that is a header.
 */
function isPadded(records: readonly SampledRecord[], index: number, width: number): boolean {
  const record = records[index]!;
  if (width < 2 || !fits(record, width)) return false;
  const filled = countFilled(record);
  if (filled * 2 > width) return isPaddedPair(records, index, width);
  const limit = Math.min(records.length, MAX_PREAMBLE);
  for (let i = index + 1; i < limit; i++) {
    if (!fits(records[i]!, width) || countFilled(records[i]!) * 2 <= width) continue;
    if (countFilled(records[i]!) <= filled) return false;
    const { isHeader, isGuess } = judge(records, i, width);
    return isHeader && (!isGuess || filled <= 1);
  }
  return false;
}

/**
 * Whether a line above the header has a name and a value, such as `Station:,Rome,`, and is filled
 * up behind them: then a line without empty fields follows that surely is a header.
 */
function isPaddedPair(records: readonly SampledRecord[], index: number, width: number): boolean {
  const isPair = ({ fields }: SampledRecord) =>
    (fields as FieldTexts).slice(2).every((cell) => (cell ?? '').trim() === '');
  if (width < 3 || !isPair(records[index]!)) return false;
  const limit = Math.min(records.length, MAX_PREAMBLE);
  for (let i = index + 1; i < limit; i++) {
    if (!fits(records[i]!, width)) return false;
    if (isPair(records[i]!)) continue;
    if (countFilled(records[i]!) < width) return false;
    const { isHeader, isGuess } = judge(records, i, width);
    return isHeader && !isGuess;
  }
  return false;
}

function countFilled({ fields }: SampledRecord): number {
  return (fields as FieldTexts).filter((cell) => (cell ?? '').trim() !== '').length;
}

function judge(records: readonly SampledRecord[], index: number, width: number) {
  const first = records[index]!.fields as FieldTexts;
  const body = records
    .slice(index + 1, index + 1 + JUDGED_RECORDS)
    .filter((record) => fits(record, width));
  // A header that is one field short has no name for the first.
  const from = first.length === width - 1 ? 1 : 0;
  return guessHeader(
    first,
    body.map(({ fields }) => (fields as FieldTexts).slice(from)),
  );
}

/**
 * Lists the cells of a line that has delimiters too many, or a quote too many, where they could be
 * a header of that width; else nothing.
 */
function listNames({ fields, raw }: SampledRecord, width: number, delimiter: string): string[] {
  if (fields instanceof Fault) {
    const cells = raw.split(delimiter).map((cell) => cell.replaceAll('"', '').trim());
    return cells.length === width ? cells.filter((cell) => cell !== '') : [];
  }
  return fields.length > width ? withoutEmpty(fields) : [];
}

/** The names of a header, without those that are empty. */
function withoutEmpty(fields: FieldTexts): string[] {
  return fields.map((cell) => cell?.trim() ?? '').filter((cell) => cell !== '');
}

/** A name of three words at most. */
const NAME = /^[A-Za-z_\x80-\xff][\w\x80-\xff.()%/-]*(?: [\w\x80-\xff.()%/-]+){0,2}$/;

function isNames(cells: readonly string[]): boolean {
  return (
    cells.length > 1 &&
    new Set(cells).size === cells.length &&
    cells.every((cell) => NAME.test(cell) && !isTyped(kindOf(cell)))
  );
}
