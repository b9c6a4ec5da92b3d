/** What is known of the files of a table → the table as a person would declare it in edp.yaml. */
import path from 'node:path';
import type { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { nameDelimiter } from '../formats/csv/detect/explain.js';
import type { CsvSettings } from '../model/csv-settings.js';
import { type FileSettings, isEventFormat } from '../model/file-settings.js';
import { hasTable } from '../model/match.js';
import type { Table } from '../model/model.js';
import { parseModel, type tablesSchema } from '../model/schema.js';
import type { ColumnType } from '../model/types.js';
import { isStdin } from '../source/discover.js';
import { INT4_MAX, INT4_MIN } from '../values/integer-limits.js';
import type { InferredColumn, TableInference } from './infer.js';
import { sumCounts } from './infer-records.js';
import {
  nameFile,
  stemOf,
  stripSeries,
  takeColumnNames,
  takeName,
  toColumnName,
} from './inferred-names.js';
import type { KeyShape } from './json-shape.js';

export type TableDeclaration = z.input<typeof tablesSchema>[string];
type ColumnDeclaration = NonNullable<TableDeclaration['columns']>[string];

export interface ProposedColumn {
  readonly name: string;
  readonly inferred: InferredColumn;
  /** Names of the metrics, where the field's JSON becomes metrics; then it is no column itself. */
  readonly metrics: readonly string[] | undefined;
}

export interface Proposal {
  readonly name: string;
  /** The table as it is written in edp.yaml, and as it is read from there. */
  readonly input: TableDeclaration;
  readonly table: Table;
  readonly columns: readonly ProposedColumn[];
  /** By column of `input`, a comment for the reader. */
  readonly comments: ReadonlyMap<string, string>;
  readonly inference: TableInference;
}

const LINEAGE = 'load_id';
const EXTRA = 'extra_metrics';

/**
 * @param specified what the user specified about the form of the files; later files need it, too
 * @throws EdpError `not_csv` for files without fields
 */
export function propose(inference: TableInference, specified: FileSettings): Proposal {
  const { table: name, columns: inferred, key, time } = inference;
  assertUndamaged(inference);
  if (inferred.length === 0) {
    const names = inference.files.map(({ file }) => file.name).join(', ');
    throw new EdpError('not_csv', `${names}: there are no fields to make a table from`, {
      hint: 'an empty file has no columns; name one that has',
    });
  }
  const taken = new Set<string>();
  const withMetrics = inferred.filter(({ metrics }) => metrics !== undefined);
  const own = inferred.filter(({ metrics }) => metrics === undefined);
  const ownNames = takeColumnNames(
    own.map(({ field }) => field),
    (i) => `column_${inferred.indexOf(own[i]!) + 1}`,
    taken,
  );
  const names = new Map(own.map(({ field }, i) => [field, ownNames[i]!]));
  const columns: Record<string, ColumnDeclaration> = {};
  const comments = new Map<string, string>();
  for (const column of inferred) {
    const columnName = names.get(column.field);
    if (columnName === undefined) continue;
    const { field, type } = column;
    const own = { ...(columnName === field ? {} : { field }), ...column.corrections };
    columns[columnName] =
      Object.keys(own).length === 0 ? type : ({ type, ...own } as ColumnDeclaration);
    const comment = commentOn(column, field === time);
    if (comment !== undefined) comments.set(columnName, comment);
  }
  const metricNames = new Map<string, string[]>();
  const sources = withMetrics.map(({ field, metrics }) => {
    const { path: keys, keys: shapes } = metrics!;
    const declared = declareMetrics(shapes, taken);
    metricNames.set(
      field,
      declared.map(([column]) => column),
    );
    const extra = takeName(
      withMetrics.length === 1 ? EXTRA : toColumnName(`${field}_extra`, EXTRA),
      taken,
    );
    return {
      from: field,
      ...(keys.length === 0 ? {} : { path: keys.join('.') }),
      columns: Object.fromEntries(declared),
      ...(extra === EXTRA ? {} : { extra }),
    };
  });
  const files = listPatterns(name, inference);
  const { format } = specified;
  const csv = toSection(withHeader(specified.csv, inference));
  const input: TableDeclaration = {
    ...(files.length === 0 ? {} : { files: files.length === 1 ? files[0] : files }),
    ...(format === undefined || isEventFormat(format) ? {} : { format }),
    ...(Object.keys(csv).length === 0 ? {} : { csv }),
    columns,
    ...(key === undefined ? {} : { key: keyColumns(key.fields, names) }),
    ...(sources.length === 0 ? {} : { metrics: sources.length === 1 ? sources[0]! : sources }),
    ...(taken.has(LINEAGE) ? { lineage: takeName(`edp_${LINEAGE}`, taken) } : {}),
  };
  return {
    name,
    input,
    table: parseModel({ [name]: input }).tables[0]!,
    columns: inferred.map((column) => ({
      name: names.get(column.field) ?? column.field,
      inferred: column,
      metrics: metricNames.get(column.field),
    })),
    comments,
    inference,
  };
}

/**
 * Without a header and without a whole record, nothing shows what the columns are.
 *
 * @throws EdpError `not_csv`
 */
function assertUndamaged({ files, columns, records, odd }: TableInference): void {
  if (records === 0 || sumCounts(odd) < records) return;
  const hasHeader = files.some(
    ({ description }) => 'detection' in description && description.detection.hasHeader,
  );
  // The header names the columns; a load then rejects each record, with its reason.
  if (hasHeader && columns.length > 0) return;
  const names = files.map(({ file }) => file.name).join(', ');
  const codes = Object.entries(odd).map(([code, count]) => `${count} × ${code}`);
  const isCsv = files.some(({ description }) => description.format === 'csv');
  throw new EdpError(
    'not_csv',
    `${names}: no table can be made, because every record is damaged: ${codes.join(', ')}`,
    {
      hint: isCsv
        ? '--encoding NAME helps if the text is in another encoding, --line-end lf|crlf|cr if records end elsewhere, --delimiter, --quote and --escape if fields do; edp inspect shows how the file is read'
        : `--encoding NAME helps if the text is in another encoding, such as --encoding windows-1252; records of JSON lines end with LF, so give other line ends to edp through tr '\\r' '\\n' (--line-end is for --format csv)`,
    },
  );
}

/** @throws EdpError `usage` for a field that becomes no column of its own */
function keyColumns(
  fields: readonly string[],
  names: ReadonlyMap<string, string>,
): string | string[] {
  const columns = fields.map((field) => {
    const name = names.get(field);
    if (name !== undefined) return name;
    throw new EdpError('usage', `--key: field ${JSON.stringify(field)} becomes several columns`, {
      hint: 'name columns with one value in each record',
    });
  });
  return columns.length === 1 ? columns[0]! : columns;
}

function commentOn({ doubt, uniqueness }: InferredColumn, isTime: boolean): string | undefined {
  if (doubt !== undefined) return doubt;
  if (uniqueness === 'not_verified') return 'too many records to verify that all are different';
  return isTime ? 'the time of the record' : undefined;
}

function declareMetrics(
  shapes: readonly KeyShape[],
  taken: Set<string>,
): [string, ColumnType | { type: ColumnType; key: string }][] {
  const keys = shapes.map(({ name }) => name);
  const columns = takeColumnNames(keys, () => 'metric', taken);
  return shapes.map(({ name, minimum, maximum }, i) => {
    const type = minimum >= INT4_MIN && maximum <= INT4_MAX ? 'int' : 'bigint';
    const column = columns[i]!;
    return [column, column === name ? type : { type, key: name }];
  });
}

/** Lists patterns that match the files, and later files of the same kind. */
function listPatterns(name: string, { files }: TableInference): string[] {
  const model = parseModel({ [name]: { columns: { a: 'text' } } });
  const patterns = new Set<string>();
  for (const { file } of files) {
    if (isStdin(file)) continue;
    const base = path.basename(file.path);
    if (!hasTable(model, base)) {
      const stem = stemOf(base);
      // A table for one file of a series must not take the other files of the series.
      const kind = name === nameFile(base) ? stem : stripSeries(stem) || stem;
      const escaped = kind.replace(/[\\*?[\]{}()!+@|]/g, '\\$&');
      patterns.add(`${escaped}.*`);
      patterns.add(`${escaped}[-_ ][0-9]*`);
      if (!base.includes('.')) patterns.add(escaped);
    }
  }
  return [...patterns];
}

/**
 * The settings for later CSV files. Where the files have no header, the settings say so, since a
 * later file may look as if it had one.
 */
function withHeader(specified: CsvSettings, { files }: TableInference): CsvSettings {
  const csv = files
    .map(({ description }) => description)
    .filter((description) => description.format === 'csv');
  if (csv.length === 0) return {};
  const hasNone = csv.every(
    ({ detection }) => !detection.hasHeader && detection.evaluation !== undefined,
  );
  return hasNone ? { header: false, ...specified } : specified;
}

/** Converts settings to the `csv:` section of edp.yaml. */
function toSection(settings: CsvSettings): NonNullable<TableDeclaration['csv']> {
  const section: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    section[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = toWord(name, value);
  }
  return section as NonNullable<TableDeclaration['csv']>;
}

function toWord(name: string, value: unknown): unknown {
  switch (name) {
    case 'delimiter': {
      const word = nameDelimiter(String(value));
      return word.startsWith('"') ? value : word;
    }
    case 'quote':
      return value === '' ? 'none' : value === "'" ? 'single' : 'double';
    case 'comment':
      return value === '' ? 'none' : value;
    default:
      return value;
  }
}
