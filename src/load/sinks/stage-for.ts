/** The staging table of a load. */
import type pg from 'pg';
import type { LoadRules } from '../messages.js';
import { ruleFor, type StagingOptions, stagedColumns } from './staged-rows.js';
import { StagingTable } from './staging-table.js';

export function stageFor(
  client: pg.Client,
  { target, plan, onConflict, missingDimensions, loadId }: LoadRules,
  { checked, makePartitions }: Pick<StagingOptions, 'checked' | 'makePartitions'> = {},
): StagingTable {
  return new StagingTable(client, {
    target,
    columns: stagedColumns(plan),
    copies: plan.copies,
    onConflict: ruleFor(target, onConflict),
    missingDimensions,
    loadId,
    checked,
    makePartitions,
  });
}
