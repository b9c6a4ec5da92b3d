/** `edp capture install`: makes the source what edp.yaml says. */
import type pg from 'pg';
import type { Capture } from '../model/capture.js';
import type { Model } from '../model/model.js';
import { applySteps, printSteps } from './apply-steps.js';
import { type InstallStep, installSteps } from './install-steps.js';
import { mapSteps, readKept } from './map-kept.js';
import { type CapturePlan, placeText } from './plan.js';
import { readInstalled } from './read-installed.js';
import { resolvePlan } from './resolve-plan.js';

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
}

export async function install(
  client: pg.Client,
  capture: Capture,
  model: Model,
  { isDryRun, signal }: { readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<Installation> {
  const plan = await resolvePlan(client, capture, model);
  const installed = await readInstalled(client);
  const steps = await installSteps(plan, installed);
  const kept = installed.base === undefined ? [] : await readKept(client);
  const mapping = mapSteps(plan, kept);
  const all = [...steps, ...mapping];
  const failures: string[] = [];
  let mapped = 0;
  if (!isDryRun) {
    await applySteps(client, steps, signal);
    for (const step of mapping) {
      try {
        await applySteps(client, [step], signal);
        mapped += kept.find(({ source }) => source === step.about)?.statements ?? 0;
      } catch (error) {
        failures.push(`${step.about}: ${(error as Error).message}`);
      }
    }
  }
  const tables = new Set(plan.sources.map(({ table }) => placeText(table)));
  return {
    plan,
    steps: all,
    sql: printSteps(all),
    changed: new Set(steps.map(({ about }) => about).filter((about) => tables.has(about))),
    mapped,
    failures,
  };
}
