/** Decides whether the first record of a file is a header, and names its fields. */
import type { FieldTexts } from '../scan/read-fields.js';
import { type CellKind, isTyped, kindOf } from './cells.js';
import { compareColumn, scoreCell } from './header-cells.js';

/** Columns that are compared. */
const MAX_COLUMNS = 64;
/** Less evidence than this for or against a header is a guess. */
const MIN_EVIDENCE = 0.5;

export interface HeaderVerdict {
  readonly isHeader: boolean;
  readonly why: string;
  /** Whether the evidence is too thin to be sure. */
  readonly isGuess: boolean;
}

/**
 * The cells of a header differ from the values below them: names above numbers, for example. Where
 * all cells are text, names differ from each other and from all values below.
 *
 * @param first fields of the first record
 * @param body fields of some records that follow
 * @param isQuotedAlone for a field: whether it has quotes in the first record, and in no other
 */
export function guessHeader(
  first: FieldTexts,
  body: readonly FieldTexts[],
  isQuotedAlone: (field: number) => boolean = () => false,
): HeaderVerdict {
  const cells = first.slice(0, MAX_COLUMNS).map((cell) => cell?.trim() ?? '');
  const kinds = cells.map(kindOf);
  const named = cells.filter((cell) => cell !== '');
  const isDistinct = new Set(named).size === named.length;
  if (body.length === 0) {
    const isHeader = named.length > 0 && isDistinct && !kinds.some(isTyped);
    return {
      isHeader,
      why: isHeader
        ? 'it is the only record, and all of its fields look like names'
        : 'it is the only record, and some of its fields look like values',
      isGuess: false,
    };
  }
  if (named.length === 0) return { isHeader: false, why: 'it has no names', isGuess: false };
  if (isSequence(cells, kinds, body)) {
    const why = 'its numbers increase from field to field, like years';
    return { isHeader: true, why, isGuess: false };
  }
  let evidence = isDistinct ? 0 : -1;
  let over = 0;
  let alike = 0;
  for (const [i, cell] of cells.entries()) {
    const below = body.map((fields) => fields[i] ?? '');
    const column = compareColumn(cell, below, isQuotedAlone(i));
    if (column === undefined) continue;
    const { score, is } = scoreCell(column);
    evidence += score;
    if (is === 'name') over++;
    else if (is === 'value') alike++;
  }
  const isGuess = Math.abs(evidence) < MIN_EVIDENCE;
  if (over > 0 && evidence > 0) {
    const why = `it has ${over === 1 ? 'a name' : `${over} names`} where numbers, dates and the like follow`;
    return { isHeader: true, why, isGuess };
  }
  if (evidence > 0)
    return { isHeader: true, why: 'its texts are unlike those below them', isGuess };
  if (evidence < 0) {
    const why =
      alike > 0
        ? `it has values like those below it in ${alike === 1 ? 'a field' : `${alike} fields`}`
        : 'its texts are like those below them';
    return { isHeader: false, why, isGuess };
  }
  return { isHeader: true, why: 'nothing speaks against it', isGuess };
}

/**
 * `country,1990,1991,1992`: numbers above numbers, but with the same step from each to the next.
 */
function isSequence(
  cells: readonly string[],
  kinds: readonly CellKind[],
  body: readonly FieldTexts[],
): boolean {
  const numbers: number[] = [];
  for (const [i, kind] of kinds.entries()) {
    if (kind === 'number') numbers.push(Number(cells[i]));
    else if (numbers.length > 0 && kind !== 'empty') return false;
  }
  if (numbers.length < 3 || numbers.length === kinds.length) return false;
  const step = numbers[1]! - numbers[0]!;
  const counts = (values: readonly number[]) =>
    step !== 0 && values.every((value, i) => i === 0 || value - values[i - 1]! === step);
  const from = kinds.indexOf('number');
  const alike = body.filter((fields) =>
    counts(fields.slice(from, from + numbers.length).map(Number)),
  );
  return counts(numbers) && alike.length * 2 < body.length;
}

/**
 * Gives all fields different names: an empty name is replaced by the place of the field, and a
 * repeated name gets a number.
 *
 * @param keep names that are not replaced; only the empty name matters
 */
export function nameFields(
  header: readonly string[],
  keep: ReadonlySet<string> = new Set(),
): string[] {
  const taken = new Set(header);
  const names: string[] = [];
  for (const [i, raw] of header.entries()) {
    let name = raw;
    if (name === '' && !keep.has('')) name = placeName(i);
    if (names.includes(name) || (name !== raw && taken.has(name))) {
      let number = 2;
      while (taken.has(`${name}_${number}`)) number++;
      name = `${name}_${number}`;
    }
    taken.add(name);
    names.push(name);
  }
  return names;
}

/** The name of a field without a name. */
export function placeName(index: number): string {
  return `column_${index + 1}`;
}
