/**
 * The type of a column in Parquet, and how the text that the server prints becomes a value of it.
 *
 * A value may have no place in that type, such as infinity among timestamps; `read` gives undefined for it then.
 */
import type { ParquetWriter } from 'hyparquet-writer';
import { parse as parseArray } from 'postgres-array';
import { toMilliseconds } from '../../chart/column-kinds.js';

export type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

export type ParquetValue = string | number | bigint | boolean | Uint8Array | null | ParquetValue[];

export interface ParquetType {
  /** Of the column, without its name; of the elements of a list. */
  readonly element: Omit<SchemaElement, 'name'>;
  readonly isList?: boolean;
  readonly read: (text: string) => ParquetValue | undefined;
}

export const TEXT: ParquetType = {
  element: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  read: (text) => text,
};

const encoder = new TextEncoder();

/** Without the logical type of integers: hyparquet-writer 0.17 writes that one so that others cannot read it. */
const integer: ParquetType = { element: { type: 'INT32' }, read: Number };
const smallint: ParquetType = {
  element: { type: 'INT32', converted_type: 'INT_16' },
  read: Number,
};
const bigint: ParquetType = { element: { type: 'INT64' }, read: BigInt };

const timestamp = (isUtc: boolean): ParquetType => ({
  element: {
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: isUtc, unit: 'MICROS' },
  },
  read: toMicroseconds,
});

/** Types by their oid in pg_type. */
const TYPES: ReadonlyMap<number, ParquetType> = new Map<number, ParquetType>([
  [16, { element: { type: 'BOOLEAN' }, read: (text: string) => text === 't' }],
  [17, { element: { type: 'BYTE_ARRAY' }, read: readBytes }],
  [20, bigint],
  [21, smallint],
  [23, integer],
  [26, bigint],
  [700, { element: { type: 'FLOAT' }, read: Number }],
  [701, { element: { type: 'DOUBLE' }, read: Number }],
  [
    1082,
    {
      element: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
      read: readDays,
    },
  ],
  [1114, timestamp(false)],
  [1184, timestamp(true)],
  [
    2950,
    {
      element: {
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: 16,
        logical_type: { type: 'UUID' },
      },
      read: (text: string) => text,
    },
  ],
  ...[114, 3802].map(
    (oid) =>
      [
        oid,
        {
          element: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } },
          // As bytes, so that it stays the very text.
          read: (text: string) => encoder.encode(text),
        },
      ] as const,
  ),
]);

/** Oid of an array → that of its elements. */
const ELEMENTS: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1016, 20],
  [1005, 21],
  [1007, 23],
  [1021, 700],
  [1022, 701],
  [1182, 1082],
  [1115, 1114],
  [1185, 1184],
  [2951, 2950],
  // Of text, varchar, char and numeric; elements that differ in their digits stay as they are.
  [1009, 25],
  [1015, 25],
  [1014, 25],
  [1231, 25],
]);

/** `undefined` for numeric, whose digits decide ({@link decimalType}). */
export function typeOfOid(oid: number): ParquetType | undefined {
  if (oid === 1700) return undefined;
  const elementOid = ELEMENTS.get(oid);
  if (elementOid === undefined) return TYPES.get(oid) ?? TEXT;
  const { element, read } = TYPES.get(elementOid) ?? TEXT;
  return { element, isList: true, read: (text) => readList(text, read) };
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const MOST_DIGITS = 38;

/** @returns undefined where the values have more digits than a decimal of 38, or are no numbers */
export function decimalType(values: Iterable<string>): ParquetType | undefined {
  let whole = 1;
  let scale = 0;
  for (const value of values) {
    const match = DECIMAL.exec(value);
    if (match === null) return undefined;
    whole = Math.max(whole, match[2]!.length);
    scale = Math.max(scale, match[3]?.length ?? 0);
  }
  if (whole + scale > MOST_DIGITS) return undefined;
  const limit = 10n ** BigInt(MOST_DIGITS);
  return {
    element: {
      type: 'FIXED_LEN_BYTE_ARRAY',
      type_length: 16,
      converted_type: 'DECIMAL',
      precision: MOST_DIGITS,
      scale,
      logical_type: { type: 'DECIMAL', precision: MOST_DIGITS, scale },
    },
    read(text) {
      const match = DECIMAL.exec(text);
      if (match === null || (match[3]?.length ?? 0) > scale) return undefined;
      const size = BigInt(match[2]! + (match[3] ?? '').padEnd(scale, '0'));
      if (size >= limit) return undefined;
      return match[1] === '-' ? -size : size;
    },
  };
}

function toMicroseconds(text: string): bigint | undefined {
  const time = toMilliseconds(text);
  if (time === undefined) return undefined;
  const micros = /\.\d{3}(\d{1,3})/.exec(text)?.[1]?.padEnd(3, '0') ?? '0';
  return BigInt(time) * 1000n + BigInt(micros);
}

function readDays(text: string): number | undefined {
  const time = toMilliseconds(text);
  return time === undefined ? undefined : time / 86_400_000;
}

/** bytea as the server prints it: `\x00ff`. */
function readBytes(text: string): Uint8Array | undefined {
  return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : undefined;
}

/** Lists of lists, and those that do not begin at 1, have no place in a list of Parquet. */
function readList(
  text: string,
  read: (text: string) => ParquetValue | undefined,
): ParquetValue[] | undefined {
  if (!text.startsWith('{') || text.startsWith('{{')) return undefined;
  const elements = parseArray(text, (element) => read(element));
  return elements.includes(undefined) ? undefined : (elements as ParquetValue[]);
}
