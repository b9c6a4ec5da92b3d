/** The lines around the records of a text: those before the first one, and behind the last one. */
import type { LineEnd } from '../../model/csv-settings.js';
import { CR, LF, measureLineEnd } from './line-end.js';
import type { LineWatch, PassedOverKind } from './passed-over.js';

/** U+FEFF, at the start of a text and where texts were put together. */
export const BYTE_ORDER_MARK = Buffer.from('\ufeff');

export interface LineForm {
  readonly lineEnd: LineEnd;
  /** What comments begin with; empty for none. */
  readonly comment: Buffer;
}

/**
 * Reports the lines before the first record.
 *
 * @param bytes the text up to there
 * @param header a record without its line end, which may span lines; empty where there is none
 */
export function walkHead(bytes: Buffer, header: Buffer, form: LineForm, watch: LineWatch): void {
  let start = 0;
  if (startsWith(bytes, 0, bytes.length, BYTE_ORDER_MARK)) {
    start = BYTE_ORDER_MARK.length;
    watch.passed('mark', 0, start, 0);
  }
  walk(bytes, start, header, 'preamble', form, watch);
}

/** Reports the lines behind the last record. @param bytes the text from there on */
export function walkTail(bytes: Buffer, form: LineForm, watch: LineWatch): void {
  walk(bytes, 0, Buffer.alloc(0), 'footer', form, watch);
}

/** @param others kind of the lines that are neither header, nor blank, nor comments */
function walk(
  bytes: Buffer,
  from: number,
  header: Buffer,
  others: PassedOverKind,
  { lineEnd, comment }: LineForm,
  watch: LineWatch,
): void {
  let line = 0;
  for (let start = from; start < bytes.length; ) {
    const firstLine = line;
    const isHeader = header.length > 0 && isLineAt(bytes, start, header);
    const contentStart = isHeader ? start + header.length : start;
    let end = start;
    for (let isEnded = false; end < bytes.length && !isEnded; ) {
      const length = measureLineEnd(bytes, end, bytes.length, true, lineEnd);
      if (length > 0) line++;
      isEnded = length > 0 && end >= contentStart;
      end += Math.max(1, length);
    }
    watch.passed(
      isHeader ? 'header' : kindOf(bytes, start, end, comment, others),
      start,
      end,
      firstLine,
    );
    start = end;
  }
}

function kindOf(
  bytes: Buffer,
  start: number,
  end: number,
  comment: Buffer,
  others: PassedOverKind,
): PassedOverKind {
  if (comment.length > 0 && startsWith(bytes, start, end, comment)) return 'comment';
  for (let at = start; at < end; at++) {
    if (bytes[at] !== CR && bytes[at] !== LF) return others;
  }
  return 'blank';
}

/** Whether these bytes stand there, and nothing but a line end follows. */
function isLineAt(bytes: Buffer, start: number, wanted: Buffer): boolean {
  const end = start + wanted.length;
  if (!startsWith(bytes, start, bytes.length, wanted)) return false;
  return end === bytes.length || bytes[end] === LF || bytes[end] === CR;
}

function startsWith(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  const to = start + wanted.length;
  return to <= end && bytes.compare(wanted, 0, wanted.length, start, to) === 0;
}
