/** Whether quotes enclose fields, or are part of their text: inches, and minutes of arc. */

import type { CsvSettings } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import type { SampleParts } from '../../text/sample.js';
import { type Dialect, PLAIN_DIALECT } from '../dialect.js';
import type { Chosen } from './choose.js';
import { type Evaluation, evaluateDialect } from './evaluate-dialect.js';
import { listQuoted } from './quoted-cells.js';
import { fits } from './sampled-records.js';
import type { WideSample } from './wide-sample.js';

/**
 * Quotes are text where at least this share of the records with quotes, and this many, have faults.
 */
const MIN_FAULTY_SHARE = 0.5;
const MIN_FAULTY = 3;

/**
 * A few stray quotes are damage; if most quotes are stray, they are text. Only then are dialects
 * without quotes considered.
 */
export function dropUnlikelyQuotes(
  evaluations: readonly Evaluation[],
  { quote }: CsvSettings,
): readonly Evaluation[] {
  if (quote !== undefined) return evaluations;
  return withoutRivalsOfDamaged(evaluations).filter(({ dialect, records, others }) => {
    if (dialect.quote !== '') return true;
    if (dialect.escape === 'backslash') return true;
    const quoted = findQuoted(evaluations, dialect);
    if (quoted === undefined) return true;
    const all = [...records, ...others].filter(({ raw }) => raw.includes(PLAIN_DIALECT.quote));
    const faulty = [...quoted.records, ...quoted.others].filter(
      ({ fields }) => fields instanceof Fault,
    );
    if (faulty.length < MIN_FAULTY || faulty.length < all.length * MIN_FAULTY_SHARE) return false;
    const { delimiter } = quoted.dialect;
    const opening = faulty.filter(
      ({ raw }) =>
        raw.startsWith(PLAIN_DIALECT.quote) || raw.includes(delimiter + PLAIN_DIALECT.quote),
    );
    return !(isHeaderQuoted(quoted) && opening.length * 2 >= faulty.length);
  });
}

/** Where records are damaged within their quotes: the dialects that have the fields of the header. */
function withoutRivalsOfDamaged(evaluations: readonly Evaluation[]): readonly Evaluation[] {
  const damaged = evaluations.filter(
    (one) =>
      isDamagedWithin(one) &&
      // With another escape, the same quotes may be sound.
      !evaluations.some(
        ({ dialect, conforming, total }) =>
          dialect.quote === one.dialect.quote &&
          dialect.delimiter === one.dialect.delimiter &&
          conforming * 2 > total,
      ),
  );
  if (damaged.length === 0) return evaluations;
  return evaluations.filter(({ dialect, width }) =>
    damaged.some((one) => one.dialect.delimiter === dialect.delimiter && one.width === width),
  );
}

/**
 * Whether a file has a sound header, and below it quoted fields that hold quotes which nobody
 * escaped, as JSON has them. Then what is within those quotes shows no other dialect.
 */
function isDamagedWithin(evaluation: Evaluation): boolean {
  const { dialect, records, others } = evaluation;
  const { quote, delimiter } = dialect;
  const header = records[0]?.fields;
  if (quote !== PLAIN_DIALECT.quote || header === undefined || header instanceof Fault)
    return false;
  if (header.length < 2 || header.length !== evaluation.width) return false;
  const all = [...records, ...others].filter(({ raw }) => raw.includes(quote));
  const faulty = all.filter(({ fields }) => fields instanceof Fault);
  if (faulty.length < MIN_FAULTY || faulty.length < all.length * MIN_FAULTY_SHARE) return false;
  const isHeader = isHeaderQuoted(evaluation);
  const enclosed = faulty.filter(({ raw }) => {
    const text = `${delimiter}${raw}${delimiter}`;
    const hasJson = /[{[]/.test(text) && holdsJson(text, quote, delimiter);
    return (
      hasJson || (isHeader && text.includes(delimiter + quote) && text.includes(quote + delimiter))
    );
  });
  return enclosed.length * 2 >= faulty.length;
}

/** Whether a quoted field begins with a bracket or brace, and a quoted field ends with one. */
function holdsJson(text: string, quote: string, delimiter: string): boolean {
  return ['{}', '[]'].some(([open, close]) => {
    const from = text.indexOf(delimiter + quote + open);
    return from >= 0 && text.includes(close + quote + delimiter, from);
  });
}

/** The evaluation of the same dialect with the usual quotes. */
function findQuoted(
  evaluations: readonly Evaluation[],
  { delimiter, lineEnd }: Dialect,
): Evaluation | undefined {
  return evaluations.find(
    ({ dialect }) =>
      dialect.quote === PLAIN_DIALECT.quote &&
      dialect.delimiter === delimiter &&
      dialect.lineEnd === lineEnd,
  );
}

/**
 * Whether each field of the first record is properly quoted. Then quotes enclose fields, and records
 * whose quotes are not escaped are damaged.
 */
function isHeaderQuoted({ records, dialect }: Evaluation): boolean {
  const first = records[0];
  if (first === undefined || first.fields instanceof Fault || first.fields.length < 2) return false;
  return listQuoted(first, dialect).every(Boolean) && fits(first, first.fields.length);
}

/** Whether the records of the whole sample show that quotes are text. */
function areQuotesText({ quoted, faulty, opening }: WideSample, evaluation: Evaluation): boolean {
  if (faulty < MIN_FAULTY || faulty < quoted * MIN_FAULTY_SHARE) return false;
  return !(isHeaderQuoted(evaluation) && opening * 2 >= faulty);
}

/**
 * Share of all records that must have bare quotes, where fewer than {@link MIN_FAULTY} have them.
 */
const MIN_BARE_SHARE = 0.2;

/**
 * Decides by the whole sample whether quotes are text. Where no field is quoted, and quotes occur
 * inside fields of more than one or two records, they are.
 *
 * @param readWide reads the whole sample as an evaluation does
 */
export function settleQuotes(
  chosen: Chosen,
  evaluations: readonly Evaluation[],
  parts: SampleParts,
  { quote }: CsvSettings,
  readWide: (evaluation: Evaluation) => WideSample,
): Chosen {
  const { evaluation, headerAt } = chosen;
  const { dialect, width } = evaluation;
  if (dialect.quote === '') {
    if (dialect.allowsBareQuotes) return chosen;
    const quoted = findQuoted(evaluations, dialect);
    const isOpen = quote === undefined && dialect.escape === 'doubling';
    if (!isOpen || quoted === undefined || quoted.width !== width) return chosen;
    const wide = readWide(quoted);
    const isBetter = wide.fitting - wide.faulty > readWide(evaluation).fitting / 2;
    return isBetter && !areQuotesText(wide, quoted) ? { evaluation: quoted, headerAt } : chosen;
  }
  const wide = readWide(evaluation);
  const evaluateAs = (part: Partial<Dialect>): Chosen => {
    const again = evaluateDialect({ dialect: { ...dialect, ...part }, weight: 1 }, parts);
    const isSame = again.width === width && again.conforming >= evaluation.conforming;
    return isSame && readWide(again).faulty < wide.faulty
      ? { evaluation: again, headerAt }
      : chosen;
  };
  const isBare = wide.quoted > 0 && wide.faulty === wide.quoted && wide.damaged === 0;
  const isStray = wide.quoted < MIN_FAULTY && wide.quoted < wide.records * MIN_BARE_SHARE;
  if (isBare && !dialect.allowsBareQuotes)
    return isStray ? chosen : evaluateAs({ allowsBareQuotes: true });
  const isText = quote === undefined && areQuotesText(wide, evaluation);
  return isText ? evaluateAs({ quote: '' }) : chosen;
}
