/** Tables for people, as wide as their terminal. */
import Table from 'cli-table3';
import stringWidth from 'string-width';
import { safeText } from '../base/safe-text.js';

const GAP = '  ';
/** Text is not cut or wrapped to less than this. */
const MIN_TEXT_WIDTH = 12;

export interface TableLayout {
  /** Columns of the terminal; undefined for a reader that has no width, such as a pipe. */
  readonly width?: number | undefined;
  /** Columns to leave out where there is no room, the first of them first. */
  readonly omissible?: readonly string[];
  /** Columns whose values people copy or type: they are not shortened. */
  readonly whole?: readonly string[];
  /** Marks the heads, with characters that take no room. */
  readonly emphasize?: (text: string) => string;
}

/**
 * A table without frames: a line of heads, numbers to the right.
 *
 * Where it is wider than the terminal, columns are left out, those without any value first, then text is wrapped or shortened in its
 * middle. Where that is not enough, each row becomes a block of lines.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  {
    width = Number.POSITIVE_INFINITY,
    omissible = [],
    whole = [],
    emphasize = (text) => text,
  }: TableLayout = {},
): string {
  const cells = rows.map((row) => head.map((_, i) => safeText(String(row[i] ?? ''))));
  let shown = head.map((name, i) =>
    makeColumn(
      safeText(name),
      cells.map((row) => row[i] ?? ''),
    ),
  );
  if (totalWidth(shown) > width && rows.length > 0) {
    shown = shown.filter(({ values }) => values.some((value) => value !== ''));
  }
  for (const name of omissible) {
    if (totalWidth(shown) <= width) break;
    shown = shown.filter((column) => column.name !== name);
  }
  const fitted = fitColumns(shown, width, whole);
  return fitted === undefined
    ? formatBlocks(shown, width, emphasize)
    : formatColumns(fitted, emphasize);
}

interface Column {
  readonly name: string;
  readonly values: readonly string[];
  readonly isNumeric: boolean;
  readonly width: number;
}

function makeColumn(name: string, values: readonly string[]): Column {
  return {
    name,
    values,
    isNumeric: values.length > 0 && values.every((value) => /^[-\d.,% –]*$/.test(value)),
    width: Math.max(stringWidth(name), ...values.map((value) => stringWidth(value))),
  };
}

function totalWidth(columns: readonly { readonly width: number }[]): number {
  const gaps = Math.max(0, columns.length - 1) * GAP.length;
  return columns.reduce((sum, column) => sum + column.width, gaps);
}

/** Narrows text, the widest column first. @returns undefined where that is not enough */
function fitColumns(
  columns: readonly Column[],
  width: number,
  whole: readonly string[],
): readonly Column[] | undefined {
  if (totalWidth(columns) <= width) return columns;
  const fitted = [...columns];
  for (let excess = totalWidth(fitted) - width; excess > 0; excess = totalWidth(fitted) - width) {
    const narrowed = fitted
      .filter((column) => !column.isNumeric && !whole.includes(column.name))
      .filter((column) => column.width > minWidth(column))
      .sort((a, b) => b.width - a.width);
    const [widest, next] = narrowed;
    if (widest === undefined) return undefined;
    const least = Math.max(minWidth(widest), Math.min(next?.width ?? 0, widest.width - 1));
    const target = Math.max(least, widest.width - excess);
    fitted[fitted.indexOf(widest)] = { ...widest, width: target };
  }
  return fitted;
}

function minWidth({ name }: Column): number {
  return Math.max(MIN_TEXT_WIDTH, stringWidth(name));
}

function formatColumns(columns: readonly Column[], emphasize: (text: string) => string): string {
  const table = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ isNumeric }) => (isNumeric ? 'right' : 'left')),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: GAP,
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (let i = 0; i < (columns[0]?.values.length ?? 0); i++) {
    table.push(columns.map(({ values, width }) => narrow(values[i] ?? '', width)));
  }
  const [heads = '', ...lines] = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  return [emphasize(heads), ...lines].join('\n');
}

/** A name or path keeps its beginning and its end; what has blanks is wrapped at them. */
function narrow(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  if (text.trim().includes(' ')) return wrap(text, width).join('\n');
  const characters = [...text];
  const take = (from: readonly string[], room: number) => {
    const taken: string[] = [];
    for (const character of from) {
      if (stringWidth([...taken, character].join('')) > room) break;
      taken.push(character);
    }
    return taken;
  };
  const end = take(characters.reverse(), Math.ceil((width - 1) / 2)).reverse();
  const start = take([...text], width - 1 - stringWidth(end.join('')));
  return `${start.join('')}…${end.join('')}`;
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    const joined = line === '' ? word : `${line} ${word}`;
    if (stringWidth(joined) <= width) {
      lines[lines.length - 1] = joined;
      continue;
    }
    if (line === '') lines.pop();
    lines.push(...inPieces(word, width));
  }
  return lines;
}

function formatBlocks(
  columns: readonly Column[],
  width: number,
  emphasize: (text: string) => string,
): string {
  const nameWidth = Math.max(...columns.map(({ name }) => stringWidth(name)));
  const indentation = ' '.repeat(nameWidth + GAP.length);
  const room = Math.max(MIN_TEXT_WIDTH, width - indentation.length);
  const block = (row: number) =>
    columns.flatMap(({ name, values }) => {
      if ((values[row] ?? '') === '') return [];
      const filled = name + ' '.repeat(nameWidth - stringWidth(name));
      const lines = wrap(values[row] ?? '', room).join(`\n${indentation}`);
      return [`${emphasize(filled)}${GAP}${lines}`];
    });
  const count = columns[0]?.values.length ?? 0;
  if (count === 0) {
    const heads = wrap(columns.map(({ name }) => name).join(GAP), width);
    return heads.map((line) => emphasize(line.trim())).join('\n');
  }
  return Array.from({ length: count }, (_, row) => block(row).join('\n')).join('\n\n');
}

function inPieces(text: string, width: number): string[] {
  const pieces = [''];
  for (const character of text) {
    if (stringWidth(pieces.at(-1) + character) > width) pieces.push('');
    pieces[pieces.length - 1] += character;
  }
  return pieces;
}
