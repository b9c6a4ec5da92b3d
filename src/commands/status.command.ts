/** `edp status`: lists loads. */

import { EXIT } from '../base/errors.js';
import {
  countInferred,
  countLoads,
  getLoad,
  type LoadSummary,
  listLoads,
  listReceipts,
  openLedger,
  parseLoadId,
  type ReceiptSummary,
} from '../ledger/ledger-queries.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { findProjectAbove } from '../project/surroundings.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSeconds,
  type Output,
  safeText,
} from '../terminal/output.js';
import type { Command } from './command.js';
import type { LoadStatusJson, StatusJson } from './json/ledger.schema.js';
import { describeAccounting } from './shared/accounting-lines.js';
import { describeCorrections, describeDrift } from './shared/remarks-lines.js';
import { REPLACING_FLAG } from './shared/replacing-flag.js';
import { time } from './shared/server-time.js';
import { OPTION_NAMES } from './status.help.js';
import { showRuns } from './status-runs.js';

export const command: Command = {
  async run({ given, project, output }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { directory } = project;
    // Before the server makes its folder.
    const above = given.load === undefined ? await findProjectAbove(directory) : undefined;
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, ({ client: config }) =>
      withClient(config, 'status', async (client) => {
        await openLedger(client);
        if (options.runs) {
          await showRuns(client, output, given.load, options.limit);
        } else if (given.load === undefined) {
          const loads = await listLoads(client, options.limit);
          const inferredMembers = await countInferred(client);
          const total = await countLoads(client);
          if (total === 0) output.line(describeNone(directory, above));
          else printLoads(output, loads, total);
          printInferred(output, inferredMembers);
          const result: StatusJson = { command: 'status', ok: true, loads, total, inferredMembers };
          output.result(result);
        } else {
          const load = await getLoad(client, parseLoadId(given.load));
          const receipts = await listReceipts(client, load.loadId);
          const inferredMembers = await countInferred(client, load.loadId);
          printLoad(output, load, receipts, options.limit);
          printInferred(output, inferredMembers);
          const result: LoadStatusJson = {
            command: 'status',
            ok: true,
            load: { ...load, receipts, inferredMembers },
          };
          output.result(result);
        }
        return EXIT.done;
      }),
    );
  },
};

function speed({ rows, seconds }: LoadSummary): string {
  return seconds > 0 && rows.read > 0 ? formatCount(rows.read / seconds) : '';
}

function printInferred(output: Output, inferredMembers: Readonly<Record<string, number>>): void {
  for (const [table, count] of Object.entries(inferredMembers)) {
    output.line(
      `${safeText(table)}: ${formatCount(count)} ${count === 1 ? 'member is' : 'members are'} inferred; no file has brought ${count === 1 ? 'it' : 'them'} yet`,
    );
  }
}

function describeNone(
  directory: string,
  above: Awaited<ReturnType<typeof findProjectAbove>>,
): string {
  if (above === undefined) return 'there are no loads yet; edp ingest loads files';
  return safeText(
    `there are no loads in ${directory} yet, but ${above.directory} above it has ${above.has}: is edp meant to run there?`,
  );
}

function printLoads(output: Output, loads: readonly LoadSummary[], total: number): void {
  output.table(
    [
      'load',
      'file',
      'table',
      'state',
      'read',
      'loaded',
      'rejected',
      'duplicate',
      'rows/s',
      'started',
    ],
    loads.map((load) => [
      load.loadId,
      load.path,
      load.table,
      load.replacedBy === null ? load.state : `replaced by ${load.replacedBy}`,
      formatCount(load.rows.read),
      formatCount(load.rows.loaded),
      formatCount(load.rows.rejected),
      formatCount(load.rows.duplicate),
      speed(load),
      time(load.startedAt),
    ]),
    ['started', 'rows/s', 'duplicate', 'read'],
  );
  if (total > loads.length) {
    output.line(
      `the newest ${formatCount(loads.length)} of ${formatNumber(total, 'load')}; --limit ${total} shows all`,
    );
  }
}

function printLoad(
  output: Output,
  load: LoadSummary,
  receipts: readonly ReceiptSummary[],
  limit: number,
): void {
  const { rows } = load;
  output.line(
    `load ${load.loadId}: ${safeText(load.path)} → ${safeText(load.table)}, ${load.state}`,
  );
  output.line(
    `${formatCount(rows.read)} read = ${formatCount(rows.loaded)} loaded + ${formatCount(rows.rejected)} rejected + ${formatCount(rows.duplicate)} duplicate`,
  );
  output.line(
    `${formatBytes(load.bytes)}, content ${load.contentHash}; started ${time(load.startedAt)}` +
      (load.effectiveAt === load.startedAt ? '' : `, valid from ${time(load.effectiveAt)}`) +
      (load.finishedAt === null ? '' : `, finished ${time(load.finishedAt)}`) +
      (load.undoneAt === null ? '' : `, undone ${time(load.undoneAt)}`) +
      `; ${formatSeconds(load.seconds)} of work${speed(load) === '' ? '' : `, ${speed(load)} rows/s`}`,
  );
  for (const line of describeAccounting(load)) output.line(line);
  for (const [name, count] of Object.entries(load.unknownMetrics)) {
    output.line(
      `metric ${safeText(name)} was not declared: kept beside ${formatNumber(count, 'row')}`,
    );
  }
  for (const line of describeCorrections(load.corrections)) output.line(line);
  for (const line of describeDrift(load.drift)) output.line(line);
  if (load.rowsReplaced > 0) {
    output.line(
      `it replaced the values of ${formatNumber(load.rowsReplaced, 'row')} that ${load.rowsReplaced === 1 ? 'was' : 'were'} there before (${REPLACING_FLAG})`,
    );
  }
  if (load.membersEnded !== null && load.membersEnded > 0) {
    output.line(`${formatNumber(load.membersEnded, 'member')} ended: its file lacks them`);
  }
  if (load.replacedBy !== null) {
    output.line(
      `its rows went when load ${load.replacedBy} became the content of the table (--replace)`,
    );
  }
  if (load.state === 'gone') {
    output.line('its table was dropped, and the rows with it: the same file is loaded again');
  }
  if (load.state === 'interrupted')
    output.line('interrupted: ingest the same file again to continue');
  if (load.state === 'half_undone') {
    output.line(
      `partly undone: the counts are those of the remaining rows, the splits below those of the whole load; edp undo ${load.loadId} continues`,
    );
  }
  if (rows.rejected > 0) output.line(`why records were rejected: edp rejects ${load.loadId}`);
  if (receipts.length === 0) return;
  output.line();
  output.table(
    ['bytes from', 'to', 'line', 'read', 'loaded', 'rejected', 'duplicate', 'committed'],
    receipts
      .slice(0, limit)
      .map((receipt) => [
        receipt.startByte,
        receipt.endByte,
        receipt.firstLine,
        formatCount(receipt.rows.read),
        formatCount(receipt.rows.loaded),
        formatCount(receipt.rows.rejected),
        formatCount(receipt.rows.duplicate),
        time(receipt.committedAt),
      ]),
  );
  if (receipts.length > limit)
    output.line(`… and ${receipts.length - limit} more splits (--limit)`);
}
