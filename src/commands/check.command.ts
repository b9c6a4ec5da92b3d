/** `edp check`: checks the rows that tables have now. */
import { EXIT } from '../base/errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { migrate } from '../postgres/migrate.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { formatNumber, type Output } from '../terminal/output.js';
import { checkTables, type FoundCheck } from '../warehouse/checks/check-tables.js';
import { isError } from '../warehouse/checks/outcome.js';
import { selectChecked } from '../warehouse/checks/select-checked.js';
import { OPTION_NAMES } from './check.help.js';
import type { Command } from './command.js';
import { printChecks, toChecksJson } from './shared/check-lines.js';

export const command: Command = {
  async run({ given, project, output }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { warehouse, directory } = await loadWarehouse(project.directory);
    const tables = selectChecked(warehouse, given.tables as string[]);
    const where = { databaseUrl: options.databaseUrl, directory };
    const checks = await withDatabase(where, (database) =>
      withClient(database.client, 'check', async (client) => {
        await migrate(client);
        return checkTables(
          client,
          tables.filter((table) => table.checks.length > 0),
        );
      }),
    );
    const ofNothing =
      warehouse.tasks.length + warehouse.bronzeChecks.size === 0
        ? 'edp.yaml declares no checks'
        : 'edp.yaml declares no checks of these tables';
    return finish(output, checks, ofNothing);
  },
};

function finish(
  output: Output<{ command: 'check'; ok: boolean; checks: ReturnType<typeof toChecksJson> }>,
  checks: readonly FoundCheck[],
  ofNothing: string,
): number {
  printChecks(output, checks);
  const errors = checks.filter(isError).length;
  const failed = checks.filter(({ ok }) => !ok).length;
  output.line(
    checks.length === 0 ? ofNothing : `${formatNumber(checks.length, 'check')}, ${failed} failed`,
  );
  output.result({ command: 'check', ok: errors === 0, checks: toChecksJson(checks) });
  return errors === 0 ? EXIT.done : EXIT.doneWithRejects;
}
