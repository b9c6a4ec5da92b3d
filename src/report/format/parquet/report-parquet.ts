/**
 * Parquet, with the types of the columns. A group of rows is written as soon as it is full, so that memory is that of
 * a group.
 *
 * What cannot be told from the type of a column is decided by the values of the first group: how many digits a
 * numeric has behind the point, and whether a column has values without a place in its type (infinity, years before
 * Christ, NaN among decimals, lists of lists); such a column is text, as CSV has it.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { EdpError } from '../../../base/errors.js';
import { assertDifferentNames } from '../different-names.js';
import type { ReportWriter, ResultColumn, ResultRow } from '../report-writer.js';
import {
  decimalType,
  type ParquetType,
  type ParquetValue,
  type SchemaElement,
  TEXT,
  typeOfOid,
} from './parquet-types.js';

const GROUP_ROWS = 50_000;
/** Of the texts of the rows, in characters: a group of wide rows is shorter. */
const GROUP_CHARACTERS = 32_000_000;

export function parquetWriter(columns: readonly ResultColumn[]): ReportWriter {
  assertDifferentNames(columns.map(({ name }) => name));
  if (columns.length === 0) {
    throw new EdpError(
      'report_failed',
      'the report has no columns, and Parquet has no rows without one',
      {
        hint: 'name a column in the SELECT, or write CSV',
      },
    );
  }
  const output = new ByteWriter();
  let types: readonly ParquetType[] | undefined;
  let file: ParquetWriter | undefined;
  let waiting: ResultRow[] = [];
  let characters = 0;
  let written = 0;
  const writeGroup = (): Uint8Array => {
    types ??= columns.map((column, i) => chooseType(column, i, waiting));
    file ??= new ParquetWriter({
      writer: output,
      schema: schemaOf(columns, types),
      createdBy: 'edp',
    });
    if (waiting.length > 0) {
      const columnData = columns.map((column, i) => ({
        name: column.name,
        data: waiting.map((row, at) => readValue(row[i] ?? null, types![i]!, column, written + at)),
      }));
      void file.write({ columnData, rowGroupSize: waiting.length });
    }
    written += waiting.length;
    waiting = [];
    characters = 0;
    return takeBytes(output);
  };
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => '',
    rows(batch) {
      waiting.push(...batch);
      for (const row of batch) for (const value of row) characters += value?.length ?? 0;
      return waiting.length >= GROUP_ROWS || characters >= GROUP_CHARACTERS ? writeGroup() : '';
    },
    tail() {
      const last = writeGroup();
      void file?.finish();
      return Buffer.concat([last, takeBytes(output)]);
    },
  };
}

function takeBytes(output: ByteWriter): Uint8Array {
  const bytes = output.getBytes().slice();
  output.index = 0;
  return bytes;
}

function chooseType(
  { typeOid }: ResultColumn,
  index: number,
  rows: readonly ResultRow[],
): ParquetType {
  const values = rows.map((row) => row[index] ?? null).filter((value) => value !== null);
  const type = typeOfOid(typeOid) ?? decimalType(values);
  return type === undefined || values.some((value) => type.read(value) === undefined) ? TEXT : type;
}

function readValue(
  text: string | null,
  type: ParquetType,
  { name }: ResultColumn,
  row: number,
): ParquetValue {
  if (text === null) return null;
  const value = type.read(text);
  if (value !== undefined) return value;
  throw new EdpError(
    'report_failed',
    `column "${name}" of row ${(row + 1).toLocaleString('en-US')} is ${text.slice(0, 60)}, which has no place among the values before it`,
    {
      hint: `CAST it in the SELECT: to numeric(38, 10), say, or to text; the type of a column is chosen from the first ${GROUP_ROWS.toLocaleString('en-US')} rows`,
    },
  );
}

function schemaOf(
  columns: readonly ResultColumn[],
  types: readonly ParquetType[],
): SchemaElement[] {
  const elements = columns.flatMap(({ name }, i): SchemaElement[] => {
    const { element, isList } = types[i]!;
    if (isList !== true) return [{ ...element, name, repetition_type: 'OPTIONAL' }];
    return [
      {
        name,
        num_children: 1,
        converted_type: 'LIST',
        logical_type: { type: 'LIST' },
        repetition_type: 'OPTIONAL',
      },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      { ...element, name: 'element', repetition_type: 'OPTIONAL' },
    ];
  });
  return [{ name: 'report', num_children: columns.length }, ...elements];
}
