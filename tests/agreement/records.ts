/** Random files for a table, of whose records it is known what the program alone must make of them. */
import type { RejectCode } from '../../src/model/reject-codes.js';
import type { Random } from '../faults/random.js';
import type { Options } from './case.js';
import type { Column, Setup } from './setup.js';
import { NULL, type Value } from './values.js';

export interface FileRecord {
  /** Its bytes without the line end. */
  readonly text: string;
  /** By field; undefined where the record is damaged. */
  readonly values?: readonly (string | null)[];
  /** Codes of which the program rejects it before it comes to the server; else none. */
  readonly codes: readonly RejectCode[];
}

export interface CaseFile {
  readonly fields: readonly string[];
  readonly records: readonly FileRecord[];
  readonly lineEnd: '\n' | '\r\n';
  /** In how many files the records are. */
  readonly parts: number;
}

/** The files of a case: name → what is in it. */
export function partsOf(table: string, file: CaseFile): Map<string, CaseFile> {
  const { records, parts } = file;
  const size = Math.ceil(records.length / parts);
  const cut = Array.from({ length: parts }, (_, i) => ({
    ...file,
    records: records.slice(i * size, (i + 1) * size),
  }));
  // Files with the same content are one.
  const isOne = parts === 1 || new Set(cut.map(textOf)).size < parts;
  if (isOne) return new Map([[`${table}.csv`, file]]);
  return new Map(cut.map((part, i) => [`${table}-${i}.csv`, part]));
}

export function textOf({ fields, records, lineEnd }: CaseFile): string {
  return [fields.join(','), ...records.map(({ text }) => text)]
    .map((line) => line + lineEnd)
    .join('');
}

/** Where each record begins: file and byte. */
export function placesOf(table: string, file: CaseFile): string[] {
  return [...partsOf(table, file)].flatMap(([name, part]) =>
    offsetsOf(part).map((offset) => `${name}@${offset}`),
  );
}

function offsetsOf({ fields, records, lineEnd }: CaseFile): number[] {
  let offset = Buffer.byteLength(fields.join(',') + lineEnd);
  return records.map(({ text }) => {
    const start = offset;
    offset += Buffer.byteLength(text + lineEnd);
    return start;
  });
}

/** A character that LATIN1 lacks. */
const FOREIGN: Value = { file: 'Ω', sql: null, codes: ['refused_by_server'] };

export function makeFile(
  random: Random,
  setup: Setup,
  { encoding, splitRecords, workers }: Pick<Options, 'encoding' | 'splitRecords' | 'workers'>,
): CaseFile {
  const columns = shuffle(random, setup.columns).filter(
    ({ name }, i) => i < 2 || isNeeded(setup, name) || random.next() < 0.9,
  );
  // How many of a file's values are odd or missing: some files are clean.
  const dirt = random.pick([0, 0.02, 0.06]);
  const repeats = random.pick([0, 0.1, 0.3]);
  const refersToSelf = setup.pieces.some(({ what }) => what === 'reference to the same table');
  const isLong = splitRecords > 10 && random.next() < 0.04;
  const count = isLong ? 400 : random.below(61);
  const rows: (readonly Value[])[] = [];
  const fromTable = setup.rows.map((row) =>
    columns.map((column) => row[setup.columns.indexOf(column)]!),
  );
  const makeValue = (kind: (typeof columns)[number]['kind']): Value => {
    if (random.next() >= dirt) return random.pick(kind.pool);
    if (random.next() < 0.4) return NULL;
    const isForeign = encoding === 'LATIN1' && kind.model === 'text' && random.next() < 0.3;
    return isForeign ? FOREIGN : random.pick(kind.odd);
  };
  const records = Array.from({ length: count }, (): FileRecord => {
    if (random.next() < dirt / 3) return damaged(random, columns.length);
    const fresh = columns.map(({ kind }) => makeValue(kind));
    const known = [...rows, ...fromTable];
    let row: readonly Value[] = fresh;
    if (known.length > 0 && random.next() < repeats) {
      const other = random.pick(known);
      // The same record, or another one with the same key.
      row =
        random.next() < 0.4
          ? other
          : columns.map(({ name }, i) => (setup.key.includes(name) ? other[i]! : fresh[i]!));
    }
    rows.push(row);
    return toRecord(random, row, columns, setup);
  });
  const fields = columns.map(({ name }) => name);
  return {
    fields,
    // A record that is the header line is passed over, as documented.
    records: records.filter(({ text }) => text !== fields.join(',')),
    lineEnd: random.next() < 0.15 ? '\r\n' : '\n',
    // Workers take files in any order, and a parent that comes in a later file comes too late.
    parts: workers === 1 && !refersToSelf && random.next() < 0.3 ? 2 + random.below(4) : 1,
  };
}

const isNeeded = ({ key, required }: Setup, name: string) =>
  key.includes(name) || required.includes(name);

function shuffle<T>(random: Random, items: readonly T[]): T[] {
  if (random.next() < 0.6) return [...items];
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function damaged(random: Random, fieldCount: number): FileRecord {
  const fields = Array.from({ length: fieldCount }, () => '1');
  if (random.next() < 0.5) {
    const text = [...fields, '1'].slice(0, random.pick([fieldCount - 1, fieldCount + 1])).join(',');
    return { text, codes: ['wrong_field_count'] };
  }
  return { text: ['"a"b', ...fields.slice(1)].join(','), codes: ['bad_quote'] };
}

function toRecord(
  random: Random,
  row: readonly Value[],
  columns: readonly Column[],
  setup: Setup,
): FileRecord {
  const fields = row.map(({ file }, i) => {
    const isText = columns[i]!.kind.model === 'text';
    if (file === null) return isText || random.next() < 0.7 ? '' : '""';
    const needsQuotes = file === '' || /[",\n\r]/.test(file);
    return needsQuotes || random.next() < 0.1 ? `"${file.replaceAll('"', '""')}"` : file;
  });
  const codes = row.flatMap(({ codes = [], file }, i): readonly RejectCode[] =>
    // A declared key needs all its values.
    file === null && isNeeded(setup, columns[i]!.name) ? ['null_value'] : codes,
  );
  return { text: fields.join(','), values: row.map(({ sql }) => sql), codes };
}
