/**
 * A workbook of Excel: the rows in one sheet, and what is known of them in another. It is written while the rows
 * come, in little memory.
 */

import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { EdpError } from '../../../base/errors.js';
import { type AboutReport, momentText, type SourceRelation } from '../../page/about-report.js';
import type { ReportWriter, ResultColumn, ResultRow, WriterOptions } from '../report-writer.js';
import { cellMaker, headerCell, MAX_CELL_CHARACTERS, textCell } from './sheet-cells.js';
import { columnLetters, PARTS, SHEET_FILES, sheetEnd, sheetStart } from './workbook-parts.js';

/** Excel's, without the header. */
const MAX_ROWS = 1_048_575;
const MAX_COLUMNS = 16_384;
const MIN_WIDTH = 8;
const MAX_WIDTH = 60;

export function xlsxWriter(columns: readonly ResultColumn[], options: WriterOptions): ReportWriter {
  if (columns.length > MAX_COLUMNS) {
    throw tooLarge(`the report has ${columns.length} columns, a sheet ${MAX_COLUMNS}`);
  }
  const book = new Workbook(options.about?.madeAt ?? new Date(0));
  const sheet = book.addSheet(SHEET_FILES[0]);
  const letters = columns.map((_, i) => columnLetters(i));
  const makers = columns.map(({ typeOid }) => cellMaker(typeOid));
  let rowCount = 0;
  let hasBegun = false;
  /** The widths of the columns stand before the rows, so they are those of the first ones. */
  const begin = (firstRows: readonly ResultRow[]): string => {
    hasBegun = true;
    const cells = columns.map(({ name }, i) => headerCell(`${letters[i]}1`, name)).join('');
    return `${sheetStart(widthsOf(columns, firstRows), true)}<row r="1">${cells}</row>`;
  };
  const toRow = (row: ResultRow): string => {
    rowCount++;
    if (rowCount > MAX_ROWS) {
      throw tooLarge(
        `the report has more than ${MAX_ROWS.toLocaleString('en-US')} rows, a sheet no more`,
      );
    }
    const cells = row.map((value, i) => {
      if (value === null) return '';
      if (value.length > MAX_CELL_CHARACTERS)
        throw tooLong(columns[i]!.name, rowCount, value.length);
      return makers[i]!(`${letters[i]}${rowCount + 1}`, value);
    });
    return `<row r="${rowCount + 1}">${cells.join('')}</row>`;
  };
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => book.take(),
    async rows(batch) {
      const start = hasBegun ? '' : begin(batch);
      await book.write(sheet, start + batch.map(toRow).join(''));
      return book.take();
    },
    async tail(_, sources) {
      const start = hasBegun ? '' : begin([]);
      const last = letters.at(-1);
      const range = last === undefined ? undefined : `A1:${last}${rowCount + 1}`;
      await book.write(sheet, start + sheetEnd(range));
      sheet.end();
      const about = book.addSheet(SHEET_FILES[1]);
      about.end(aboutSheet(options.about, rowCount, sources));
      return book.finish();
    },
  };
}

/** A ZIP file whose bytes are taken out as they become ready. */
class Workbook {
  readonly #zip = new ZipFile();
  readonly #pieces: Buffer[] = [];
  readonly #ended: Promise<unknown>;
  readonly #madeAt: Date;
  #error: unknown;

  constructor(madeAt: Date) {
    this.#madeAt = madeAt;
    const output = this.#zip.outputStream as Readable;
    output.on('data', (piece: Buffer) => this.#pieces.push(piece));
    this.#ended = once(output, 'end');
    // Whoever waits gets the error; nobody may be waiting yet.
    this.#ended.catch((error: unknown) => {
      this.#error = error;
    });
    for (const [file, text] of Object.entries(PARTS)) {
      this.#zip.addBuffer(Buffer.from(text), file, { mtime: madeAt });
    }
  }

  addSheet(file: string): PassThrough {
    const sheet = new PassThrough({ highWaterMark: 1 << 20 });
    this.#zip.addReadStream(sheet, file, { mtime: this.#madeAt });
    return sheet;
  }

  /** Waits while the compression is behind. */
  async write(sheet: PassThrough, text: string): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (!sheet.write(text)) await once(sheet, 'drain');
  }

  take(): Buffer {
    return Buffer.concat(this.#pieces.splice(0));
  }

  async finish(): Promise<Buffer> {
    this.#zip.end();
    await this.#ended;
    return this.take();
  }
}

function widthsOf(columns: readonly ResultColumn[], rows: readonly ResultRow[]): number[] {
  return columns.map(({ name }, i) => {
    const longest = rows.reduce(
      (most, row) => Math.max(most, row[i]?.split('\n', 1)[0]?.length ?? 0),
      // The button of the filter stands beside the name.
      name.length + 3,
    );
    return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, longest + 1));
  });
}

function aboutSheet(
  about: AboutReport | undefined,
  rows: number,
  sources: readonly SourceRelation[],
): string {
  const lines: (readonly string[])[] = [
    ['Title', about?.title ?? ''],
    ['Description', about?.description ?? ''],
    ['Report', about?.name ?? ''],
    ['Made', about === undefined ? '' : momentText(about.madeAt)],
    ['Rows', String(rows)],
    ...(about?.parameters ?? []).map(({ name, value }) => [
      `Parameter ${name}`,
      value ?? 'not set',
    ]),
    ...sources.map(({ name, lastChange }) => [
      `Read from ${name}`,
      lastChange === undefined
        ? ''
        : `last changed by ${lastChange.by} ${lastChange.id}: ${lastChange.what}, ${lastChange.at ?? 'not finished'}`,
    ]),
  ];
  const toRow = (cells: readonly string[], index: number) =>
    `<row r="${index + 1}">${headerCell(`A${index + 1}`, cells[0]!)}${textCell(`B${index + 1}`, cells[1]!)}</row>`;
  return `${sheetStart([30, 100], false)}${lines.map(toRow).join('')}${sheetEnd()}`;
}

function tooLarge(message: string): EdpError {
  return new EdpError('report_failed', message, {
    hint: 'narrow the report, as with --from and --to, or write it with --format csv or parquet',
  });
}

function tooLong(column: string, row: number, characters: number): EdpError {
  return new EdpError(
    'report_failed',
    `column "${column}" of row ${row.toLocaleString('en-US')} has ${characters.toLocaleString('en-US')} characters, a cell of Excel no more than ${MAX_CELL_CHARACTERS.toLocaleString('en-US')}`,
    {
      hint: `take left(${column}, ${MAX_CELL_CHARACTERS}) in the SELECT, or write it with --format csv or parquet`,
    },
  );
}
