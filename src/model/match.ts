/** File → table: `events-17-3.csv`, `events.csv.gz` → `events`. */
import path from 'node:path';
import picomatch from 'picomatch';
import { EdpError } from '../base/errors.js';
import { listNames, suggest } from '../base/nearest.js';
import { findNamedTable, type Model, type Table } from './model.js';
import { parseTableName } from './table-name.js';

/**
 * @param file path of the file; only its name is used
 * @param explicit the table that the user specified, which has precedence
 * @throws EdpError `unknown_table` that lists the tables
 */
export function matchTable(model: Model, file: string, explicit?: string): Table {
  const names = model.tables.map((table) => table.name);
  if (explicit !== undefined) {
    const table = findNamedTable(model, explicit);
    if (table !== undefined) return table;
    throw new EdpError('unknown_table', `there is no table "${explicit}" in the model`, {
      hint: suggest(
        explicit,
        names,
        `the tables are: ${listNames(names)}; edp.yaml declares others`,
      ),
    });
  }
  const name = path.basename(file);
  const byPattern = model.tables.find((table) =>
    table.files.some((pattern) => picomatch.isMatch(name, pattern)),
  );
  if (byPattern !== undefined) return byPattern;

  const stem = name.split('.')[0] ?? name;
  const longest = findLongestName(model, name, stem);
  const [fit, ...others] = longest;
  if (fit !== undefined && others.length === 0) return fit;
  if (fit !== undefined) {
    throw new EdpError(
      'unknown_table',
      `several tables go by the name of this file: ${listNames(longest.map((table) => table.name))}`,
      { place: file, hint: `name one with --table, as in --table ${fit.name}` },
    );
  }
  const remedy = `name one with --table; the tables are: ${listNames(names)}; --create makes a new one`;
  throw new EdpError('unknown_table', 'no table goes by the name of this file', {
    place: file,
    hint: suggest(stem.replace(/[-_\d]+$/, ''), names, remedy),
  });
}

/** Tables whose name the file has: with its schema before without, and the longest name before others. */
function findLongestName(model: Model, name: string, stem: string): Table[] {
  const nameOf = ({ name: text }: Table) => {
    const { schema, name: own } = parseTableName(text);
    if (schema !== undefined && startsWithWord(name, `${schema}.${own}`)) return `${schema}.${own}`;
    return stem === own || startsWithWord(stem, own) ? own : '';
  };
  const most = Math.max(1, ...model.tables.map((table) => nameOf(table).length));
  const longest = model.tables.filter((table) => nameOf(table).length === most);
  const bare = longest.filter((table) => parseTableName(table.name).schema === undefined);
  return bare.length > 0 ? bare.slice(0, 1) : longest;
}

/** Whether {@link matchTable} finds one. */
export function hasTable(model: Model, file: string, explicit?: string): boolean {
  try {
    matchTable(model, file, explicit);
    return true;
  } catch (error) {
    if (error instanceof EdpError && error.code === 'unknown_table') return false;
    throw error;
  }
}

/** `events-17` and `events_17` start with the word `events`; `eventsource` does not. */
function startsWithWord(stem: string, word: string): boolean {
  return stem.startsWith(word) && !/^[\p{L}]/u.test(stem.slice(word.length));
}
