/** `edp ingest --check`: the checks of the tables that were loaded. */
import type { IngestResult } from '../../load/file-results.js';
import { parseTableName } from '../../model/table-name.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { loadWarehouse } from '../../project/load-warehouse.js';
import type { Project } from '../../project/project.js';
import type { Output } from '../../terminal/output.js';
import { checkTables } from '../../warehouse/checks/check-tables.js';
import { isError } from '../../warehouse/checks/outcome.js';
import { listChecked } from '../../warehouse/checks/select-checked.js';
import type { CheckJson } from '../json/warehouse.schema.js';
import { printChecks, toChecksJson } from '../shared/check-lines.js';

/** @returns also whether a check of severity error failed */
export async function checkLoaded(
  output: Output<never>,
  project: Project,
  database: Database,
  { files }: IngestResult,
): Promise<{ checks: CheckJson[]; hasFailed: boolean }> {
  const { warehouse } = await loadWarehouse(project.directory);
  const isLoaded = (schema: string, name: string) =>
    files.some(
      (file) =>
        file.loadId !== null && file.schema === schema && parseTableName(file.table).name === name,
    );
  const tables = listChecked(warehouse).filter(({ relation }) =>
    isLoaded(relation.schema, relation.name),
  );
  const found = await withClient(database.client, 'check', (client) => checkTables(client, tables));
  printChecks(output, found);
  return {
    checks: toChecksJson(found),
    hasFailed: found.some(isError),
  };
}
