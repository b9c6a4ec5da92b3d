/** The staging table of a load. */
import type pg from 'pg';
import type { LoadRules } from '../messages.js';
import type { StagingOptions } from './staged-rows.js';
import { StagingTable } from './staging-table.js';

/** @param checked as for {@link StagingOptions} */
export function stageFor(
  client: pg.Client,
  { target, plan, onConflict, missingDimensions, loadId }: LoadRules,
  checked?: StagingOptions['checked'],
): StagingTable {
  const { columns } = plan;
  return new StagingTable(client, {
    target,
    columns,
    onConflict,
    missingDimensions,
    loadId,
    ...(checked === undefined ? {} : { checked }),
  });
}
