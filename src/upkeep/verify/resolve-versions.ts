/**
 * Of a table with versions: each record is a row with its place, or equals the version before it, which is that of the
 * record before it with its key, or else the last one of earlier loads.
 */
import type { Differences } from './difference.js';
import {
  addRow,
  hasSameContent,
  type KeyedTally,
  pairGroups,
  type Rules,
  SortedEntries,
  sortRows,
} from './resolve.js';
import { FILE_ENTRY, STATUS, TABLE_ENTRY } from './verify-task.js';

/** @param rows the load's own, of the same buckets */
export function resolveVersions(
  recordParts: readonly Float64Array[],
  rowParts: readonly Float64Array[],
  rules: Pick<Rules, 'mayBeDuplicate'>,
  tally: KeyedTally,
  differences: Differences,
): void {
  const records = new SortedEntries(recordParts, FILE_ENTRY.size, [
    FILE_ENTRY.key1,
    FILE_ENTRY.key2,
    FILE_ENTRY.byteOffset,
  ]);
  const rows = sortRows(rowParts, [TABLE_ENTRY.key1, TABLE_ENTRY.key2, TABLE_ENTRY.byteOffset]);
  for (const group of pairGroups(
    records,
    rows,
    [FILE_ENTRY.key1, FILE_ENTRY.key2],
    [TABLE_ENTRY.key1, TABLE_ENTRY.key2],
  )) {
    const [from, to] = group.records;
    const [rowFrom, rowTo] = group.rows;
    let row = rowFrom;
    for (let index = from; index < to; index++) {
      const byteOffset = records.get(index, FILE_ENTRY.byteOffset);
      while (row < rowTo && rows.get(row, TABLE_ENTRY.byteOffset) < byteOffset) {
        addRow(rows, row++, differences);
      }
      const line = records.get(index, FILE_ENTRY.line);
      if (row < rowTo && rows.get(row, TABLE_ENTRY.byteOffset) === byteOffset) {
        tally.ownRows++;
        const isEqual =
          rows.get(row, TABLE_ENTRY.content1) === records.get(index, FILE_ENTRY.content1) &&
          rows.get(row, TABLE_ENTRY.content2) === records.get(index, FILE_ENTRY.content2);
        if (!isEqual) differences.add({ kind: 'changed', byteOffset, line });
        row++;
        continue;
      }
      const repeats =
        index > from
          ? hasSameContent(records, index, index - 1)
          : records.get(index, FILE_ENTRY.status) === STATUS.otherEqual;
      if (repeats && rules.mayBeDuplicate(byteOffset)) continue;
      tally.missing++;
      differences.add({ kind: 'missing', byteOffset, line });
    }
    for (; row < rowTo; row++) addRow(rows, row, differences);
  }
}
