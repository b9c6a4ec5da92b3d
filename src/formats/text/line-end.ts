/** Line ends: recognizing them, and writing them. */
import type { LineEnd } from '../../model/csv-settings.js';

export const LF = 0x0a;
export const CR = 0x0d;

/**
 * @returns bytes of the line end at `position`; 0 for none, -1 where the byte behind `end` decides
 */
export function measureLineEnd(
  bytes: Uint8Array,
  position: number,
  end: number,
  isLast: boolean,
  lineEnd: LineEnd,
): number {
  const byte = bytes[position]!;
  if (byte === LF) return lineEnd === 'lf' || lineEnd === 'any' ? 1 : 0;
  if (byte !== CR || lineEnd === 'lf') return 0;
  if (lineEnd === 'cr') return 1;
  if (position + 1 >= end) return isLast ? 1 : -1;
  if (bytes[position + 1] === LF) return 2;
  return lineEnd === 'any' ? 1 : 0;
}

/**
 * The line end to write behind a record, so that it is read again with neither a CR more nor less.
 */
function lineEndFor(raw: Buffer, lineEnd: LineEnd): string {
  switch (lineEnd) {
    case 'crlf':
      return '\r\n';
    case 'cr':
      return '\r';
    case 'any':
      return raw.at(-1) === CR ? '\r' : '\n';
    default:
      // A lone LF behind a CR would make that CR part of the line end.
      return raw.at(-1) === CR ? '\r\n' : '\n';
  }
}

/** A record with a line end behind it, so that it neither loses nor gains a CR when it is read. */
export function withLineEnd(raw: Buffer, lineEnd: LineEnd): Buffer {
  return Buffer.concat([raw, Buffer.from(lineEndFor(raw, lineEnd))]);
}
