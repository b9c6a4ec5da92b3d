/** Names of the command line → tables with checks: tasks, and tables that edp loads. */
import { EdpError } from '../../base/errors.js';
import { listNames, suggest } from '../../base/nearest.js';
import type { Warehouse } from '../../model/warehouse/task.js';
import { type CheckedTable, toCheckedTable } from './check-published.js';

/** Tables that edp loads first. */
export function listChecked({ tasks, bronzeChecks }: Warehouse): CheckedTable[] {
  const bronze = [...bronzeChecks].map(([name, { relation, checks }]) => ({
    name,
    relation,
    checks,
  }));
  return [...bronze, ...tasks.map(toCheckedTable)];
}

/**
 * @param wanted names, qualified or bare where that is unique; none for all
 * @throws EdpError `unknown_task`
 */
export function selectChecked(warehouse: Warehouse, wanted: readonly string[]): CheckedTable[] {
  const tables = listChecked(warehouse);
  if (wanted.length === 0) return tables;
  const names = new Set(wanted.map((name) => findChecked(tables, name).name));
  return tables.filter(({ name }) => names.has(name));
}

function findChecked(tables: readonly CheckedTable[], wanted: string): CheckedTable {
  const bare = (name: string) => name.slice(name.indexOf('.') + 1);
  const qualified = tables.filter(
    ({ name, relation }) => name === wanted || `${relation.schema}.${relation.name}` === wanted,
  );
  const found =
    qualified.length > 0 ? qualified : tables.filter(({ name }) => bare(name) === wanted);
  if (found.length === 1) return found[0]!;
  const names = tables.map(({ name }) => name);
  if (found.length > 1) {
    throw new EdpError('unknown_task', `there are several tables ${JSON.stringify(wanted)}`, {
      hint: `name one of ${found.map(({ name }) => name).join(', ')}`,
    });
  }
  throw new EdpError(
    'unknown_task',
    `edp.yaml declares no task and no checks of ${JSON.stringify(wanted)}`,
    {
      hint: suggest(
        wanted,
        [...names, ...names.map(bare)],
        names.length === 0 ? 'edp.yaml has no checks' : `the tables are ${listNames(names)}`,
      ),
    },
  );
}
