/** `edp capture uninstall`: the source as it was before. */
import type pg from 'pg';
import { quoteIdentifier, quoteTable } from '../model/ddl.js';
import { formatTableName } from '../model/table-name.js';
import { applySteps, printSteps } from './apply-steps.js';
import type { InstallStep } from './install-steps.js';
import { placeText } from './plan.js';
import { readInstalled } from './read-installed.js';

/** Triggers first, table by table; then the schema, which nothing refers to any more. */
export async function uninstallSteps(client: pg.Client): Promise<InstallStep[]> {
  const { base, triggers } = await readInstalled(client);
  const { rows } = await client.query("SELECT FROM pg_namespace WHERE nspname = 'edp_capture'");
  if (base === undefined && rows.length === 0) return [];
  const byTable = new Map<string, string[]>();
  for (const { name, relation } of triggers) {
    const statements = byTable.get(placeText(relation)) ?? [];
    statements.push(
      `DROP TRIGGER IF EXISTS ${quoteIdentifier(name)} ON ${quoteTable(formatTableName(relation))};`,
    );
    byTable.set(placeText(relation), statements);
  }
  return [
    ...[...byTable].map(([about, statements]) => ({ about, statements })),
    { about: 'edp_capture', statements: ['DROP SCHEMA IF EXISTS edp_capture CASCADE;'] },
  ];
}

export async function uninstall(
  client: pg.Client,
  { isDryRun, signal }: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<{ readonly steps: readonly InstallStep[]; readonly sql: string }> {
  const steps = await uninstallSteps(client);
  if (!isDryRun) await applySteps(client, steps, signal);
  return { steps, sql: printSteps(steps) };
}

/** Events that a consumer has not read; they go with the outbox. */
export async function removeConsumer(client: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('DELETE FROM edp_capture.consumers WHERE name = $1', [
    name,
  ]);
  return rowCount === 1;
}
