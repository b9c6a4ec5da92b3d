/** How much the first cell of a column looks like its name, and not like one of its values. */
import { type CellKind, isTyped, kindOf } from './cells.js';

/** Share of the cells of a column that must be of one kind for the column to have that kind. */
const MIN_SHARE = 0.8;

/** The cells of one column, without the empty ones. */
export interface Column {
  readonly cell: string;
  readonly kind: CellKind;
  readonly below: readonly string[];
  /** The kind of most cells below. */
  readonly kindBelow: CellKind | undefined;
  /** Whether the first cell has quotes, and none of those below. */
  readonly isQuotedAlone: boolean;
}

/** @returns undefined where there is nothing to compare */
export function compareColumn(
  cell: string,
  below: readonly string[],
  isQuotedAlone: boolean,
): Column | undefined {
  const values = below.filter((value) => value !== '');
  if (cell === '' || values.length === 0) return undefined;
  const kindBelow = commonKind(values);
  const kind = kindOf(cell);
  const isBracketed = kind === 'json' && kindBelow !== 'json' && BRACKETED.test(cell);
  return { cell, kind: isBracketed ? 'word' : kind, below: values, kindBelow, isQuotedAlone };
}

/** A name in brackets, as in `[Amount]` or `{time}`; a value would have quotes, colons or commas. */
const BRACKETED = /^[[{]\s*[A-Za-z_\x80-\xff][^"',:[\]{}]*[\]}]$/;

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

export type CellEvidence = 'name' | 'value' | 'other';

/**
 * Scores a first cell: above 0 for a name, below 0 for a value.
 *
 * @returns besides the score, whether it is a name above values of another kind, or a value like
 *   those below it
 */
export function scoreCell(column: Column): { score: number; is: CellEvidence } {
  const { cell, kind, below, kindBelow, isQuotedAlone } = column;
  if (kindBelow === undefined || !isTyped(kindBelow)) {
    if (!isTyped(kind)) return { score: scoreText(cell, below), is: 'other' };
    return { score: isMomentAlone(column) ? 0.5 : -0.75, is: 'other' };
  }
  if (!isTyped(kind)) return { score: 1, is: 'name' };
  if (isQuotedAlone && !below.includes(cell)) return { score: 0.75, is: 'name' };
  if (kind !== kindBelow) {
    return isMomentAlone(column) ? { score: 1, is: 'name' } : { score: -0.5, is: 'other' };
  }
  const year = scoreYear(column);
  return year === undefined ? { score: -1, is: 'value' } : { score: year, is: 'other' };
}

/** Whether the first cell is a date or time, and no cell below: columns may be named by dates. */
function isMomentAlone({ kind, below }: Column): boolean {
  if (kind !== 'date' && kind !== 'time' && kind !== 'timestamp') return false;
  return below.every((value) => kindOf(value.trim()) !== kind);
}

const YEAR = /^(?:19|20)\d\d$/;
/** With fewer whole numbers below, a year may be one of them by chance. */
const MIN_UNLIKE_YEARS = 4;

/** @returns the score of a year above numbers that are none; undefined for any other number */
function scoreYear({ cell, below }: Column): number | undefined {
  if (!YEAR.test(cell) || below.some((value) => YEAR.test(value))) return undefined;
  const whole = below.filter((value) => /^\d+$/.test(value)).length;
  if (whole * 2 < below.length) return 0.75;
  return below.length >= MIN_UNLIKE_YEARS ? 0.4 : undefined;
}

const NAME = /^[A-Za-z_\x80-\xff][\w\x80-\xff .()/%-]{0,62}$/;
const IDENTIFIER = /^[A-Za-z_\x80-\xff][\w\x80-\xff]*$/;
/** `Address 2`: a digit that distinguishes names. */
const NUMBERED_NAME = /^[A-Za-z_\x80-\xff][A-Za-z_ \x80-\xff]*[_ ]?\d{1,2}$/;

/** Scores a text above texts. */
function scoreText(cell: string, below: readonly string[]): number {
  if (below.includes(cell)) return below.length > 1 ? -1 : -0.5;
  if (cell.endsWith('?')) return share(below, (value) => value.endsWith('?')) > 0 ? -0.2 : 0.75;
  const lengths = new Set(below.map((value) => value.length));
  if (below.length > 2 && lengths.size === 1 && !hasHeaderWord(cell, below)) {
    return lengths.has(cell.length) ? -0.25 : 0.75;
  }
  const digits = share(below, (value) => /\d/.test(value));
  if (/\d/.test(cell) && digits >= 0.5 && !NUMBERED_NAME.test(cell)) return -0.4;
  let score = hasHeaderWord(cell, below) ? 0.5 : 0;
  if (!/\d/.test(cell) && digits >= MIN_SHARE && below.length > 2) score += 0.4;
  const isName = NAME.test(cell);
  const areNames = below.every((value) => IDENTIFIER.test(value));
  if (!isName) return score - 0.2;
  return score + (areNames ? 0.1 : IDENTIFIER.test(cell) ? 0.4 : 0.2);
}

function share(values: readonly string[], has: (value: string) => boolean): number {
  return values.filter(has).length / values.length;
}

/** Words that most headers have, and few values. */
const HEADER_WORDS: ReadonlySet<string> = new Set(
  `address age amount author category city class code column comment comments company count country
  county created currency customer date day department desc description district email end file
  first from gender group height id ids index key kind label lang language last lat latitude length
  link lon lng longitude lname fname max mean min model month name names no note notes num number
  nr order parent path phone population postcode price product qty quantity rank rate ratio ref
  region score section sex size source start state status street surname symbol tag tags target
  text time timestamp title to total town type unit updated url user value version weight width year
  zip`.split(/\s+/),
);
const MAX_WORDS = 3;

function hasHeaderWord(cell: string, below: readonly string[]): boolean {
  return isHeaderWord(cell) && share(below, isHeaderWord) < 0.1;
}

function isHeaderWord(text: string): boolean {
  if (text.length > 40) return false;
  const words = text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean);
  return words.length <= MAX_WORDS && words.some((word) => HEADER_WORDS.has(word));
}
