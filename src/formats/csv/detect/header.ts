/** Decides whether the first record of a file is a header, and names its fields. */
import type { FieldTexts } from '../scan/read-fields.js';
import { type CellKind, isTyped, kindOf } from './cells.js';

/** Share of the cells of a column that must be of one kind for the column to have that kind. */
const MIN_SHARE = 0.8;
/** Columns that are compared. */
const MAX_COLUMNS = 64;

export interface HeaderVerdict {
  readonly isHeader: boolean;
  readonly why: string;
}

/**
 * The cells of a header differ from the values below them: names above numbers, for example. Where
 * all cells are text, names differ from each other and from all values below.
 *
 * @param first fields of the first record
 * @param body fields of some records that follow
 */
export function guessHeader(first: FieldTexts, body: readonly FieldTexts[]): HeaderVerdict {
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
    };
  }
  if (named.length === 0) return { isHeader: false, why: 'it has no names' };
  if (isSequence(cells, kinds, body)) {
    return { isHeader: true, why: 'its numbers increase from field to field, like years' };
  }
  let evidence = 0;
  let over = 0;
  let alike = 0;
  for (const [i, kind] of kinds.entries()) {
    const column = body.map((fields) => fields[i] ?? '').filter((cell) => cell !== '');
    if (kind === 'empty' || column.length === 0) continue;
    const below = commonKind(column);
    if (below !== undefined && isTyped(below)) {
      if (kind === below) {
        evidence -= 1;
        alike++;
      } else if (isTyped(kind)) evidence -= 0.5;
      else {
        evidence += 1;
        over++;
      }
      continue;
    }
    if (isTyped(kind)) evidence -= 0.75;
    else evidence += scoreName(cells[i]!, column);
  }
  if (!isDistinct) evidence -= 1;
  if (over > 0 && evidence > 0) {
    return {
      isHeader: true,
      why: `it has ${over === 1 ? 'a name' : `${over} names`} where numbers, dates and the like follow`,
    };
  }
  if (evidence > 0) return { isHeader: true, why: 'its texts are unlike those below them' };
  if (evidence < 0) {
    return {
      isHeader: false,
      why:
        alike > 0
          ? `it has values like those below it in ${alike === 1 ? 'a field' : `${alike} fields`}`
          : 'its texts are like those below them',
    };
  }
  return { isHeader: true, why: 'nothing speaks against it' };
}

function commonKind(column: readonly string[]): CellKind | undefined {
  const counts = new Map<CellKind, number>();
  let known = 0;
  for (const cell of column) {
    const kind = kindOf(cell.trim());
    if (kind === 'null' || kind === 'empty') continue;
    known++;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of counts) if (count >= known * MIN_SHARE) return kind;
  return undefined;
}

/** Scores a text above texts: up to 1 for a name, below 0 for another value. */
function scoreName(cell: string, column: readonly string[]): number {
  if (column.includes(cell)) return column.length > 1 ? -1 : -0.5;
  const lengths = new Set(column.map((below) => below.length));
  if (column.length > 2 && lengths.size === 1) return lengths.has(cell.length) ? -0.25 : 0.75;
  const isName = /^[A-Za-z_\x80-\xff][\w\x80-\xff .()/%-]{0,62}$/.test(cell);
  const areNames = column.every((below) => /^[A-Za-z_\x80-\xff][\w\x80-\xff]*$/.test(below));
  if (isName && !areNames) return 0.4;
  return isName ? 0.1 : -0.2;
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
