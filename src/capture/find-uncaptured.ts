/** Columns of captured tables that nothing of edp.yaml reads: the source has got them since, or they are left out on purpose. */
import type { Capture, CapturedColumn } from '../model/capture.js';
import { findNamedTable, type Model } from '../model/model.js';
import { placeText, type Uncaptured } from './plan.js';
import type { SourceTable } from './read-catalog.js';

/** What reads a table of the source. */
interface Reading {
  readonly table: SourceTable;
  readonly models: string[];
  readonly columns: Set<string>;
  readonly sql: string[];
}

/**
 * @param catalog the tables of the source, by the names that `capture:` has for them
 * @param formsOf what fills the attributes of a captured table
 */
export function findUncaptured(
  capture: Capture,
  model: Model,
  catalog: ReadonlyMap<string, SourceTable>,
  formsOf: (declared: Capture['tables'][number]) => Iterable<CapturedColumn>,
): Uncaptured[] {
  const readings = new Map<number, Reading>();
  for (const declared of capture.tables) {
    const table = catalog.get(declared.from);
    if (table === undefined) continue;
    const reading = readings.get(table.oid) ?? { table, models: [], columns: new Set(), sql: [] };
    readings.set(table.oid, reading);
    const { name, ignoredFields } = findNamedTable(model, declared.table)!;
    reading.models.push(name);
    for (const ignored of ignoredFields) reading.columns.add(ignored);
    for (const form of formsOf(declared)) {
      if (form.kind === 'column' || form.kind === 'reference') reading.columns.add(form.column);
      else if (form.kind !== 'method') reading.sql.push(form.sql);
    }
    if (declared.where !== undefined) reading.sql.push(declared.where);
  }
  return [...readings.values()].flatMap(({ table, models, columns, sql }): Uncaptured[] => {
    const texts = sql.map((text) => ({ text, words: wordsOf(text) }));
    const isNamed = (name: string) =>
      texts.some(({ text, words }) => words.has(name) || text.includes(`"${name}"`));
    // The name of the table is its whole row.
    if (isNamed(table.name)) return [];
    const left = table.columns
      .filter(({ name, isVirtual }) => !isVirtual && !columns.has(name) && !isNamed(name))
      .map(({ name }) => name);
    return left.length === 0 ? [] : [{ source: placeText(table), models, columns: left }];
  });
}

/** Names without quotes, as the server folds them; what has a point behind it qualifies another name. */
function wordsOf(sql: string): ReadonlySet<string> {
  return new Set(
    sql.toLowerCase().match(/[\p{L}_][\p{L}\p{N}_$]*(?![\p{L}\p{N}_$]|\s*\.)/gu) ?? [],
  );
}
