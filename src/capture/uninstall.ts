/** `edp capture uninstall`: the source as it was before. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteLiteral } from '../model/ddl.js';
import { applySteps, printSteps } from './apply-steps.js';
import { holdInstallation } from './hold-alone.js';
import { dropTriggerSteps, type InstallStep } from './install-steps.js';
import { readInstalled } from './read-installed.js';

export interface Uninstallation {
  /** What was done, or is to be done. */
  readonly steps: readonly InstallStep[];
  /** SQL of the steps. */
  readonly sql: string;
}

/** Triggers first, table by table; then the schema, which nothing refers to any more. */
async function uninstallSteps(client: pg.Client): Promise<InstallStep[]> {
  const { base, triggers } = await readInstalled(client);
  const { rows } = await client.query("SELECT FROM pg_namespace WHERE nspname = 'edp_capture'");
  if (base === undefined && rows.length === 0) return [];
  return [
    ...dropTriggerSteps(triggers.values()),
    { about: 'edp_capture', statements: ['DROP SCHEMA IF EXISTS edp_capture CASCADE;'] },
  ];
}

export async function uninstall(
  client: pg.Client,
  options: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<Uninstallation> {
  if (!options.isDryRun) await holdInstallation(client, options);
  const steps = await uninstallSteps(client);
  if (!options.isDryRun) await applySteps(client, steps, options);
  return { steps, sql: printSteps(steps) };
}

/** Events that it has not read no longer wait for it. */
export async function removeConsumer(
  client: pg.Client,
  name: string,
  isDryRun: boolean,
): Promise<Uninstallation> {
  const { base } = await readInstalled(client);
  const isThere = async () =>
    (await client.query('SELECT FROM edp_capture.consumers WHERE name = $1', [name])).rowCount ===
    1;
  if (base === undefined || !(await isThere())) {
    throw new EdpError('usage', `the source has no consumer ${name}`, {
      hint: 'edp capture status lists them',
    });
  }
  const step: InstallStep = {
    about: 'edp_capture',
    statements: [`DELETE FROM edp_capture.consumers WHERE name = ${quoteLiteral(name)};`],
  };
  if (!isDryRun) await applySteps(client, [step]);
  return { steps: [step], sql: printSteps([step]) };
}
