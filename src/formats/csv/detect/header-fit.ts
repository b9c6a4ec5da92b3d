/** How the names of a header fit the fields of the records below it. */
import type { CsvSettings } from '../../../model/csv-settings.js';
import type { FieldTexts } from '../scan/read-fields.js';
import { kindOf } from './cells.js';
import { placeName } from './header.js';
import { fits, type SampledRecord } from './sampled-records.js';

/** Share of the records that must have one field more than the header for it to be one short. */
const SHORT_HEADER_SHARE = 0.9;

export interface HeaderFit {
  /** Names of the header that are names of fields. */
  readonly header: readonly string[];
  readonly hasTrailingDelimiter: boolean;
  /** Whether the name of the first field is missing. */
  readonly isShort: boolean;
  /** Whether the header has delimiters too many, between which no name is. */
  readonly hasSurplusDelimiters: boolean;
}

/**
 * @param names of the header, as it has them
 * @param body records of the sample
 * @param width fields of most records
 * @param known names of the table's fields
 */
export function fitHeader(
  names: readonly string[],
  body: readonly SampledRecord[],
  width: number,
  known: ReadonlySet<string>,
  settings: CsvSettings,
): HeaderFit {
  const plain = {
    header: names,
    hasTrailingDelimiter: false,
    isShort: false,
    hasSurplusDelimiters: false,
  };
  const count = names.length;
  const more = body.filter((record) => fits(record, count + 1));
  const isOneLess = more.length >= 2 && more.length >= body.length * SHORT_HEADER_SHARE;
  if (count > 1 && names.at(-1) === '' && isLastEmpty(body, count)) {
    return { ...plain, header: names.slice(0, -1), hasTrailingDelimiter: true };
  }
  if (count > width && body.some((record) => fits(record, width))) {
    const named = names.filter((name) => name !== '');
    const isSurplus = named.length === width && !body.some((record) => fits(record, count));
    if (isSurplus) return { ...plain, header: named, hasSurplusDelimiters: true };
  }
  if (isOneLess && isLastEmpty(body, count + 1)) return { ...plain, hasTrailingDelimiter: true };
  const isShort = isOneLess && count > 0 && mayLackName(known, count, settings);
  return isShort && (settings.columns !== undefined || beginsWithRowNames(more))
    ? { ...plain, isShort }
    : plain;
}

export function isLastEmpty(records: readonly SampledRecord[], width: number): boolean {
  const fitting = records.filter((record) => fits(record, width));
  return (
    fitting.length > 0 && fitting.every(({ fields }) => !((fields as FieldTexts)[width - 1] ?? ''))
  );
}

/**
 * Whether the header may be one name short. If the table has no column for a field without a name,
 * it is better to reject the records as too long. Names that the user specified are for all fields.
 */
function mayLackName(
  known: ReadonlySet<string>,
  nameCount: number,
  { columns }: CsvSettings,
): boolean {
  if (columns !== undefined) return columns.length === nameCount + 1;
  return known.size === 0 || known.has(placeName(0));
}

/**
 * Whether the first field of the records names or numbers them, so that its name is the one that is
 * missing. Any other name may be missing as well, and then the names would be above wrong fields.
 */
function beginsWithRowNames(records: readonly SampledRecord[]): boolean {
  const rows = records.map(({ fields }) => fields as FieldTexts);
  const first = rows.map((fields) => fields[0] ?? '');
  if (new Set(first).size < first.length) return false;
  const isNumbered =
    first.every((cell) => /^\d+$/.test(cell)) &&
    first.every((cell, i) => i === 0 || Number(cell) > Number(first[i - 1]));
  if (isNumbered) return true;
  const others = rows.flatMap((fields) => fields.slice(1)).filter((cell) => (cell ?? '') !== '');
  // Names of rows beside numbers; or times beside numbers.
  return (
    others.length > 0 &&
    others.every((cell) => kindOf(cell) === 'number' || kindOf(cell) === 'null') &&
    first.every((cell) => cell !== '' && kindOf(cell) !== 'number')
  );
}
