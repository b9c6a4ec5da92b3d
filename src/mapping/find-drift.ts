/** Compares a header with the fields that its table declares. */

import { safeText } from '../base/safe-text.js';
import type { Drift } from '../model/drift.js';
import { declaredFields, knownFields } from '../model/fields.js';
import type { OnNewField } from '../model/load-rules.js';
import type { Table } from '../model/model.js';

/** Fields that have no column. */
export function findNewFields(table: Table, header: readonly string[]): string[] {
  const known = knownFields(table);
  return header.filter((name) => !known.has(name));
}

/** @returns undefined where the header is as the table declares it */
export function findDrift(
  table: Table,
  header: readonly string[],
  onNew: OnNewField,
): Drift | undefined {
  const declared = declaredFields(table);
  const added = findNewFields(table, header);
  const missing = [...declared].filter((name) => !header.includes(name));
  const found = header.filter((name) => declared.has(name));
  const expected = [...declared].filter((name) => header.includes(name));
  const isReordered = found.join('\0') !== expected.join('\0');
  if (added.length === 0 && missing.length === 0 && !isReordered) return undefined;
  return { new: added, ...(added.length > 0 ? { onNew } : {}), missing, isReordered };
}

/**
 * The same where each record names its fields: in any order, and with others further on, so that what becomes
 * of new ones holds for the load in any case.
 *
 * @param keys those that the first records have; undefined where there are no such records
 * @param mayHaveMore whether records further on may have others, so that none is known to be missing
 */
export function findKeyDrift(
  table: Table,
  keys: readonly string[] | undefined,
  onNew: OnNewField,
  mayHaveMore: boolean,
): Drift | undefined {
  const added = findNewFields(table, keys ?? []);
  const missing = mayHaveMore
    ? []
    : [...declaredFields(table)].filter((name) => keys?.includes(name) === false);
  if (onNew === 'reject' && missing.length === 0) return undefined;
  return {
    new: added,
    ...(onNew === 'reject' ? {} : { onNew }),
    missing,
    isReordered: false,
  };
}

/** Messages about how a file's fields differ from those that its table declares. */
export function listDrift(drift: Drift | undefined, { extraColumn }: Table): string[] {
  if (drift === undefined) return [];
  const list = (names: readonly string[]) =>
    `${names.length === 1 ? 'field' : 'fields'} ${names.map((name) => safeText(JSON.stringify(name))).join(', ')}`;
  const kept = drift.onNew === 'keep' ? `kept in "${safeText(extraColumn ?? '')}"` : 'passed over';
  return [
    drift.new.length > 0 ? `new ${list(drift.new)} ${kept}` : '',
    drift.missing.length > 0 ? `no ${list(drift.missing)}` : '',
  ].filter(Boolean);
}
