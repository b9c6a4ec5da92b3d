/**
 * Decides which records and rows of buckets that differ are as they should be.
 *
 * A record of the file need not be a row of its load: it may repeat another one, or have given way to one
 * with the same key, by the rule of conflicts under which its split was loaded. So the records of one key
 * are looked at together, in the order of the file, and what the rule makes of them is held against the
 * row that the table has for the key now.
 */
import type { ConflictRule } from '../../model/load-rules.js';
import type { Differences } from './difference.js';
import { FILE_ENTRY, STATUS, TABLE_ENTRY } from './verify-task.js';

/** Counts of the records of a table with a key, by outcome. */
export interface KeyedTally {
  /** Rows of this load that correspond to a record. */
  ownRows: number;
  /**
   * Rows of a later load that replaces rows, and equal a record: they may have been this load's
   * before.
   */
  maybeOurs: number;
  /** Rows that a later load has replaced, as its rule specified. */
  superseded: number;
  /** Records whose row of this load is not in the table any more. */
  missing: number;
}

export interface Rules {
  readonly hasLineage: boolean;
  /** How conflicts were settled where a record stands. */
  ruleAt(byteOffset: number): ConflictRule;
  /** Whether the receipt of its split knows of duplicates at all. */
  mayBeDuplicate(byteOffset: number): boolean;
  /** Whether a load came after this one and replaced rows. */
  isLaterUpdate(holder: number): boolean;
}

/** Entries of one kind from several tasks, sorted. */
export class SortedEntries {
  readonly numbers: Float64Array;
  readonly size: number;
  /** Indexes in `numbers` at which entries begin, in the requested order. */
  readonly order: Uint32Array;

  constructor(parts: readonly Float64Array[], size: number, by: readonly number[]) {
    this.size = size;
    const numbers = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      numbers.set(part, at);
      at += part.length;
    }
    this.numbers = numbers;
    this.order = Uint32Array.from({ length: numbers.length / size }, (_, i) => i * size);
    this.order.sort((a, b) => {
      for (const offset of by) {
        const difference = numbers[a + offset]! - numbers[b + offset]!;
        if (difference !== 0) return difference;
      }
      return 0;
    });
  }

  get(index: number, field: number): number {
    return this.numbers[this.order[index]! + field]!;
  }

  /** Index behind the entries that agree with the one at `from` in two fields. */
  groupEnd(from: number, field1: number, field2: number): number {
    let end = from + 1;
    while (
      end < this.order.length &&
      this.get(end, field1) === this.get(from, field1) &&
      this.get(end, field2) === this.get(from, field2)
    ) {
      end++;
    }
    return end;
  }
}

/** Steps through the groups of both sides together, in the order of their two hashes. */
export function* pairGroups(
  records: SortedEntries,
  rows: SortedEntries,
  recordFields: readonly [number, number],
  rowFields: readonly [number, number],
): Generator<{ records: [number, number]; rows: [number, number] }> {
  let record = 0;
  let row = 0;
  while (record < records.order.length || row < rows.order.length) {
    const order = compareHashes(records, record, recordFields, rows, row, rowFields);
    const groupEnd = order > 0 ? record : records.groupEnd(record, ...recordFields);
    const rowEnd = order < 0 ? row : rows.groupEnd(row, ...rowFields);
    yield { records: [record, groupEnd], rows: [row, rowEnd] };
    record = groupEnd;
    row = rowEnd;
  }
}

function compareHashes(
  records: SortedEntries,
  record: number,
  [record1, record2]: readonly [number, number],
  rows: SortedEntries,
  row: number,
  [row1, row2]: readonly [number, number],
): number {
  if (record >= records.order.length) return 1;
  if (row >= rows.order.length) return -1;
  return (
    records.get(record, record1) - rows.get(row, row1) ||
    records.get(record, record2) - rows.get(row, row2)
  );
}

/** @param rows the load's own, of the same buckets; none where rows do not show their load */
export function resolveKeyed(
  recordParts: readonly Float64Array[],
  rowParts: readonly Float64Array[],
  rules: Rules,
  tally: KeyedTally,
  differences: Differences,
): void {
  const records = new SortedEntries(recordParts, FILE_ENTRY.size, [
    FILE_ENTRY.key1,
    FILE_ENTRY.key2,
    FILE_ENTRY.byteOffset,
  ]);
  const rows = sortRows(rowParts, [TABLE_ENTRY.key1, TABLE_ENTRY.key2]);
  for (const group of pairGroups(
    records,
    rows,
    [FILE_ENTRY.key1, FILE_ENTRY.key2],
    [TABLE_ENTRY.key1, TABLE_ENTRY.key2],
  )) {
    const [from, to] = group.records;
    if (from < to) resolveGroup(records, from, to, rules, tally, differences);
    // A key has one row; every other one is too many.
    const [rowFrom, rowTo] = group.rows;
    addRows(rows, from < to ? rowFrom + 1 : rowFrom, rowTo, differences);
  }
}

export function sortRows(parts: readonly Float64Array[], by: readonly number[]): SortedEntries {
  return new SortedEntries(parts, TABLE_ENTRY.size, [
    ...by,
    TABLE_ENTRY.table,
    TABLE_ENTRY.block,
    TABLE_ENTRY.item,
  ]);
}

function addRows(rows: SortedEntries, from: number, to: number, differences: Differences): void {
  for (let index = from; index < to; index++) addRow(rows, index, differences);
}

/** Reports a row that no record of the file has made. */
export function addRow(rows: SortedEntries, index: number, differences: Differences): void {
  differences.add({
    kind: 'added',
    row: {
      table: rows.get(index, TABLE_ENTRY.table),
      block: rows.get(index, TABLE_ENTRY.block),
      item: rows.get(index, TABLE_ENTRY.item),
    },
  });
}

function resolveGroup(
  records: SortedEntries,
  from: number,
  to: number,
  rules: Rules,
  tally: KeyedTally,
  differences: Differences,
): void {
  const status = (index: number) => records.get(index, FILE_ENTRY.status);
  const offset = (index: number) => records.get(index, FILE_ENTRY.byteOffset);
  const indexes = Array.from({ length: to - from }, (_, i) => from + i);
  const ruleOf = indexes.map((index) => rules.ruleAt(offset(index)));
  const rule = (index: number) => ruleOf[index - from]!;
  const areDuplicates = ruleOf.every(({ isDuplicate }) => isDuplicate);

  const expected = expectedRecord(records, from, to, rule);
  const holder = records.get(expected, FILE_ENTRY.holder);
  const report = (
    kind: 'missing' | 'changed' | 'replaced' | 'unaccounted',
    index: number,
    of?: number,
  ) =>
    differences.add({
      kind,
      byteOffset: offset(index),
      line: records.get(index, FILE_ENTRY.line),
      ...(of === undefined ? {} : { holder: of < 0 ? null : of }),
    });

  switch (status(expected)) {
    case STATUS.noRow:
      tally.missing++;
      report('missing', expected);
      return;
    case STATUS.otherEqual:
      if (rules.isLaterUpdate(holder)) tally.maybeOurs++;
      else if (!indexes.some((index) => rules.mayBeDuplicate(offset(index)))) {
        // It was loaded, so the row was this load's.
        tally.missing++;
        report('replaced', expected, holder);
      }
      return;
    case STATUS.otherDiffers:
      // Before a duplicate, the row that was there stays; a later load may have replaced it.
      if (areDuplicates && rules.mayBeDuplicate(offset(expected))) return;
      if (rules.isLaterUpdate(holder)) tally.superseded++;
      else {
        tally.missing++;
        report('replaced', expected, holder);
      }
      return;
  }

  tally.ownRows++;
  const isRespelled = status(expected) === STATUS.ownRespelled;
  const isRight =
    status(expected) === STATUS.ownSame ||
    // Who replaces a row does not change its key.
    (isRespelled && rule(expected).replacesRow) ||
    // Of records that the server calls equal, the first one is in the table.
    ((isRespelled || status(expected) === STATUS.ownEqual) &&
      (!rules.hasLineage || indexes.some((index) => status(index) === STATUS.ownSame))) ||
    // Nothing tells whose row it is; that of a duplicate may have been there before.
    (!rules.hasLineage && areDuplicates);
  if (!isRight) report('changed', expected);
  for (const index of indexes) {
    const { replacesRow, isDuplicate } = rule(index);
    if (index === expected || replacesRow || isDuplicate) continue;
    const isEqual = status(index) !== STATUS.ownDiffers || hasSameContent(records, index, expected);
    if (!isEqual) report('unaccounted', index);
  }
}

/** The record whose values the table should have, after all of them were loaded in order. */
function expectedRecord(
  records: SortedEntries,
  from: number,
  to: number,
  rule: (index: number) => ConflictRule,
): number {
  let expected = from;
  for (let index = from + 1; index < to; index++) {
    if (rule(index).replacesRow && !hasSameContent(records, index, expected)) expected = index;
  }
  return expected;
}

export function hasSameContent(records: SortedEntries, a: number, b: number): boolean {
  return (
    records.get(a, FILE_ENTRY.content1) === records.get(b, FILE_ENTRY.content1) &&
    records.get(a, FILE_ENTRY.content2) === records.get(b, FILE_ENTRY.content2)
  );
}

/** Without a key, each content must have as many rows as records. */
export function resolveKeyless(
  recordParts: readonly Float64Array[],
  rowParts: readonly Float64Array[],
  hasLineage: boolean,
  differences: Differences,
): void {
  const records = new SortedEntries(recordParts, FILE_ENTRY.size, [
    FILE_ENTRY.content1,
    FILE_ENTRY.content2,
    FILE_ENTRY.byteOffset,
  ]);
  const rows = sortRows(rowParts, [TABLE_ENTRY.content1, TABLE_ENTRY.content2]);
  for (const group of pairGroups(
    records,
    rows,
    [FILE_ENTRY.content1, FILE_ENTRY.content2],
    [TABLE_ENTRY.content1, TABLE_ENTRY.content2],
  )) {
    const [from, to] = group.records;
    const [rowFrom, rowTo] = group.rows;
    const recordCount = to - from;
    const rowCount = rowTo - rowFrom;
    for (let index = from + rowCount; index < to; index++) {
      differences.add({
        kind: 'missing',
        byteOffset: records.get(index, FILE_ENTRY.byteOffset),
        line: records.get(index, FILE_ENTRY.line),
      });
    }
    // Other rows of the table are ignored, unless they carry this load's number.
    if (hasLineage) addRows(rows, rowFrom + Math.min(recordCount, rowCount), rowTo, differences);
  }
}
