/**
 * A file's records for a table: what fills each column, and how records are read for that. Where a header
 * names the fields, they are those of the file; where each record names its own, those of the table.
 */
import { EdpError } from '../base/errors.js';
import type { FileLayout, RecordForm } from '../formats/open-format.js';
import { defaultOnNew } from '../model/drift.js';
import { declaredFields, fieldsRead } from '../model/fields.js';
import type { OnNewField } from '../model/load-rules.js';
import type { Table } from '../model/model.js';
import { assertFieldsFit, planColumns, planTable, type TablePlan } from './table-plan.js';

export interface RecordPlan {
  readonly recordForm: RecordForm;
  readonly plan: TablePlan;
}

/**
 * @param path of the file, for messages
 * @param onNew what becomes of fields that no column is declared for
 * @throws EdpError `header_mismatch` where a header does not fit the table
 */
export function planRecords(
  table: Table,
  { recordForm, fields }: Pick<FileLayout, 'recordForm' | 'fields'>,
  path: string,
  onNew: OnNewField = defaultOnNew(table),
): RecordPlan {
  if ('catalog' in recordForm) {
    const { eventCatalog: catalog } = table;
    if (catalog === undefined) throw notRealized(path, recordForm.format);
    return { recordForm: { ...recordForm, catalog }, plan: planColumns(table, fields) };
  }
  if (recordForm.format !== 'jsonl') {
    // An empty file has no header to plan by, and no records to plan for.
    const isEmpty = fields.length === 0;
    const plan = isEmpty ? planNothing(table) : planTable(table, fields, path, onNew);
    return { recordForm, plan };
  }
  const keys = [...declaredFields(table)];
  return {
    recordForm: {
      ...recordForm,
      keys,
      asJson: keys.filter((key) => holdsJson(table, key)),
      ignored: table.ignoredFields,
      others: onNew,
    },
    plan: planColumns(table, keys, onNew === 'reject' ? undefined : onNew),
  };
}

/**
 * Whether all that a field fills is JSON, as it stands in the file. What is to be corrected in its value,
 * computed with, or taken apart for metrics, is the text of a string.
 */
function holdsJson({ columns, sources }: Table, field: string): boolean {
  const filled = columns.filter((column) => fieldsRead(column).includes(field));
  return (
    filled.length > 0 &&
    filled.every(
      ({ type, origin, corrections = {} }) =>
        (type === 'json' || type === 'jsonb') &&
        origin === undefined &&
        Object.keys(corrections).every((name) => name === 'default'),
    ) &&
    sources.every((source) => source.field !== field)
  );
}

function notRealized(path: string, format: string): EdpError {
  return new EdpError('wrong_format', `${path} is read as ${format}, and so holds change events`, {
    hint: 'edp realize keeps them, and folds them into the tables that they are about',
  });
}

function planNothing(table: Table): TablePlan {
  return { table: table.name, columns: [], sources: [], key: table.key, fieldCount: 0 };
}

/**
 * Holds the keys of a file's first records against the table, as a header would be: what is wrong with all of
 * them is the fault of the file, and not of each record.
 *
 * @param keys those that the first records have
 * @throws EdpError `header_mismatch`
 */
export function assertKeysFit(
  table: Table,
  keys: readonly string[],
  path: string,
  onNew: OnNewField = defaultOnNew(table),
): void {
  assertFieldsFit(table, keys, onNew, {
    place: path,
    what: 'the keys of its first records do not fit',
  });
}
