/** Which tasks of the warehouse read the tables of the model, and what they make of each column. */
import type { TableReader } from '../../codegen/catalogue.js';
import { historyName } from '../../model/realized-model.js';
import { parseTableName } from '../../model/table-name.js';
import { loadSqlReader } from '../../model/warehouse/sql-reader.js';
import { loadWarehouse } from '../../project/load-warehouse.js';
import type { Project } from '../../project/project.js';
import { lineageOf, tableOf } from '../../warehouse/lineage/lineage-graph.js';

/**
 * @returns by the name of the table, as edp.yaml writes it
 * @throws EdpError `config` with the faults of the warehouse
 */
export async function listReaders({
  directory,
  model,
}: Pick<Project, 'directory' | 'model'>): Promise<ReadonlyMap<string, readonly TableReader[]>> {
  const { warehouse, model: seen } = await loadWarehouse(directory);
  const { tasks, layers } = warehouse;
  if (tasks.length === 0) return new Map();
  const hasSql = tasks.some((task) => task.kind === 'silver' || 'sql' in task);
  const nodes = lineageOf(warehouse, seen, hasSql ? await loadSqlReader() : undefined);
  const inLineage = (table: string) => {
    const { schema = layers.bronze, name } = parseTableName(table);
    return `${schema === layers.bronze ? 'bronze' : schema}.${name}`;
  };
  return new Map(
    model.tables.map(({ name, hasHistory }) => {
      const own = [name, ...(hasHistory === true ? [historyName(name)] : [])].map(inLineage);
      const readers = nodes.flatMap(({ name: task, kind, reads, columns }): TableReader[] => {
        if (kind === 'table' || kind === 'source') return [];
        if (!reads.some((read) => own.includes(read))) return [];
        const made = new Map<string, string[]>();
        for (const column of columns) {
          for (const from of column.from) {
            const table = tableOf(from);
            if (!own.includes(table)) continue;
            const read = from.slice(table.length + 1);
            made.set(read, [...new Set([...(made.get(read) ?? []), column.name])]);
          }
        }
        return [{ task, kind, columns: made }];
      });
      return [name, readers];
    }),
  );
}
