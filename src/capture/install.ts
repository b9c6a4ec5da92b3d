/** `edp capture install`: makes the source what edp.yaml says. */
import type pg from 'pg';
import type { Capture } from '../model/capture.js';
import type { Model } from '../model/model.js';
import { applySteps, printSteps } from './apply-steps.js';
import { holdInstallation } from './hold-alone.js';
import { type InstallStep, installSteps, isOfThisEdp } from './install-steps.js';
import { mapSteps, readKept } from './map-kept.js';
import { readStuck } from './misfits.js';
import { type CapturePlan, placeText } from './plan.js';
import { readInstalled } from './read-installed.js';
import { resolvePlan } from './resolve-plan.js';
import { readUnread, type UnreadRows } from './unread-rows.js';

export interface Installation {
  readonly plan: CapturePlan;
  /** What was done, or is to be done. */
  readonly steps: readonly InstallStep[];
  /** SQL of the steps. */
  readonly sql: string;
  /** Tables of the source that were changed. */
  readonly changed: ReadonlySet<string>;
  /** Statements whose rows had been kept, and are events now. */
  readonly mapped: number;
  /** Sources whose kept rows cannot be mapped yet, and why. */
  readonly failures: readonly string[];
  /** Tables that want a snapshot; of a dry run, none. */
  readonly unread: readonly UnreadRows[];
}

export interface InstallOptions {
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  /** How long another command that installs may take to end, and a table may be locked. */
  readonly patienceMs?: number;
}

export async function install(
  client: pg.Client,
  capture: Capture,
  model: Model,
  options: InstallOptions,
): Promise<Installation> {
  const { isDryRun } = options;
  if (!isDryRun) await holdInstallation(client, options);
  const plan = await resolvePlan(client, capture, model);
  const installed = await readInstalled(client);
  const steps = await installSteps(plan, installed);
  if (!isDryRun) await applySteps(client, steps, options);
  // A dry run of an older edp's capture says nothing of them: they are not all there yet.
  const hasKept = !isDryRun || (await isOfThisEdp(installed));
  const kept = hasKept ? await readKept(client) : [];
  const mapping = [...mapSteps(plan, kept), ...(hasKept ? await stuckSteps(client) : [])];
  const failures: string[] = [];
  let mapped = 0;
  if (!isDryRun) {
    for (const step of mapping) {
      try {
        await applySteps(client, [step], options);
        mapped += kept.find(({ source }) => source === step.about)?.statements ?? 0;
      } catch (error) {
        failures.push(`${step.about}: ${(error as Error).message}`);
      }
    }
    failures.push(...(await readStuck(client)));
  }
  const all = [...steps, ...mapping];
  const tables = new Set(plan.sources.map(({ table }) => placeText(table)));
  return {
    plan,
    steps: all,
    sql: printSteps(all),
    changed: new Set(steps.map(({ about }) => about).filter((about) => tables.has(about))),
    mapped,
    failures,
    unread: isDryRun ? [] : await readUnread(client),
  };
}

/** Calculations that did not fit the source are evaluated once more: they wait again where they still do not fit. */
async function stuckSteps(client: pg.Client): Promise<InstallStep[]> {
  if ((await readStuck(client)).length === 0) return [];
  const statements = [
    'UPDATE edp_capture.due SET error = NULL WHERE error IS NOT NULL;',
    'SELECT edp_capture.recalculate();',
  ];
  return [{ about: 'edp_capture', statements }];
}
