/** Who reads tables that are no tasks, such as realized ones: what the log of changes is to say of their rows. */
import type { ReadersOf, ValueReader } from '../../ledger/value-readers.js';
import type { Task } from '../../model/warehouse/task.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { column } from '../../relational/tree.js';
import { type KeyReader, keyReaderName, keyText } from './key-readers.js';
import { keySourcesOf } from './silver-columns.js';
import { sliceText } from './slice-conditions.js';
import { type DateReader, readerKey, sliceValue } from './slice-value.js';

export function rawReadersOf(tasks: readonly Task[]): ReadersOf {
  return ({ schema, name }) => {
    const readers = tasks.flatMap((task): ValueReader[] => {
      if (!('source' in task) || task.source.task !== undefined) return [];
      const { relation } = task.source;
      if (relation.schema !== schema || relation.name !== name) return [];
      if (task.kind === 'fact') {
        const { date, slice: unit, timezone } = task;
        return [
          dateReader({ column: date, unit, ...(timezone === undefined ? {} : { timezone }) }),
        ];
      }
      const columns = task.kind === 'silver' ? keySourcesOf(task) : task.naturalKey;
      return columns === undefined ? [] : [keyReader({ columns, isOfVersions: false })];
    });
    const byName = readers.map((reader) => [`${reader.kind} ${reader.name}`, reader] as const);
    return [...new Map(byName).values()];
  };
}

function dateReader(reader: DateReader): ValueReader {
  return {
    kind: 'dates',
    name: readerKey(reader),
    valueOf(row, types) {
      const type = types.get(reader.column) ?? '';
      // A text that is no date would fail whoever changes the row.
      if (!/^(date$|timestamp)/.test(type)) return undefined;
      return sliceText(printExpr(sliceValue(column(reader.column, row), type, reader)));
    },
  };
}

function keyReader(reader: KeyReader): ValueReader {
  return {
    kind: 'keys',
    name: keyReaderName(reader),
    valueOf: (row, types) =>
      reader.columns.every((name) => types.has(name))
        ? `${keyText(reader.columns, row)}::text`
        : undefined,
  };
}
