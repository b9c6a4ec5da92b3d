/**
 * Rows of the binary COPY format → the text format, for tables with types whose binary form edp
 * does not know: the server reads each value of these as it reads it in any statement.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 */
import type { OtherType } from '../model/other-type.js';
import type { ColumnType } from '../model/types.js';
import { toArrayLiteral } from './array-literal.js';
import { fieldText } from './copy-text.js';

export interface TextColumn {
  readonly type: ColumnType;
  /** Of a column of type text: what it is in the table, where that is not text. */
  readonly other?: OtherType | undefined;
}

const NULL = '\\N';

/** @param rows complete rows, without header and trailer, with a field for each column */
export function toTextRows(rows: Buffer, columns: readonly TextColumn[]): Buffer {
  const parts: string[] = [];
  let at = 0;
  while (at < rows.length) {
    at += 2;
    for (const [index, column] of columns.entries()) {
      const length = rows.readInt32BE(at);
      at += 4;
      if (index > 0) parts.push('\t');
      if (length < 0) {
        parts.push(NULL);
        continue;
      }
      parts.push(columnText(column, rows.subarray(at, at + length)));
      at += length;
    }
    parts.push('\n');
  }
  return Buffer.from(parts.join(''), 'latin1');
}

/** @returns a byte string */
function columnText({ type, other }: TextColumn, field: Buffer): string {
  switch (type) {
    case 'text':
      return otherText(field.toString('latin1'), other);
    case 'json':
      return escapeText(field.toString('latin1'));
    case 'jsonb':
      return escapeText(field.toString('latin1', 1));
    default:
      // Numbers, times and such have no character that is escaped.
      return fieldText(type, field);
  }
}

function otherText(text: string, other: OtherType | undefined): string {
  if (other === undefined) return escapeText(text);
  if (text === '' && !other.hasEmpty) return NULL;
  return escapeText(other.array === undefined ? text : toArrayLiteral(text, other.array));
}

const ESCAPED = /[\\\n\r\t]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escapeText(text: string): string {
  return ESCAPED.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (one) => ESCAPES[one]!) : text;
}
