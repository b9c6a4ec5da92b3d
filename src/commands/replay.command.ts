/** `edp replay`: tries the rejects of a load again. */

import { FailedRun } from '../base/errors.js';
import { chooseStatus } from '../base/exit-statuses.js';
import { parseLoadId } from '../ledger/ledger-queries.js';
import { formatTableName, parseTableName } from '../model/table-name.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { hasEvents, toEventTables, withEventLog } from '../realize/event-log-table.js';
import { keepKeys } from '../realize/keys-in-log.js';
import {
  formatCount,
  formatNumber,
  formatSeconds,
  type Output,
  safeText,
} from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import {
  lookAtLoad,
  type ReplayOptions,
  type ReplayResult,
  replay,
} from '../upkeep/replay/replay.js';
import type { Command } from './command.js';
import type { ReplayJson } from './json/upkeep.schema.js';
import { foldAfter } from './realize/fold-after.js';
import { failedCodeOf, foldStatus, isFolded, toFoldingJson } from './realize/folded-lines.js';
import { OPTION_NAMES } from './replay.help.js';
import { asRun } from './shared/recorded-run.js';
import { printRemarks, remarksJson } from './shared/remarks-lines.js';
import { secondsJson } from './shared/seconds-json.js';

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const loadId = parseLoadId(given.load);
    const { directory } = project;
    const model = withEventLog(project);
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, async (database) => {
      const load = await lookAtLoad(database, loadId);
      const isOfEvents = hasEvents(load);
      return asRun(invocation, 'replay', database, async (own, run) => {
        if (isOfEvents) {
          await withClient(own.client, 'replay', (client) =>
            keepKeys(client, formatTableName(load.place), toEventTables(project.model)),
          );
        }
        let read = 0;
        let loaded = 0;
        const describe = () => ({
          label: `load ${loadId}: trying rejects again`,
          parts: [`${formatCount(loaded)} loaded`],
        });
        const rules: ReplayOptions = {
          onConflict: isOfEvents ? 'skip' : options.onConflict,
          missingDimensions: options.missingDimensions,
        };
        const result = await withProgress(output, describe, (progress) =>
          replay(
            own,
            model,
            loadId,
            rules,
            {
              start: (rejects) => progress.start(rejects),
              advance: (rows) => {
                read += rows.read;
                loaded += rows.loaded;
                progress.update(read);
              },
            },
            signal,
          ),
        );
        run.countRejected(result.rows.rejected);
        print(output, result);
        if (result.failure !== undefined) {
          throw new FailedRun(result.failure, toJson(result, false));
        }
        const place = { schema: result.schema, name: parseTableName(result.table).name };
        const statuses = {
          interrupted: result.isInterrupted,
          doneWithRejects: result.remaining > 0,
        };
        if (!isOfEvents || result.isInterrupted) {
          output.result(toJson(result, !result.isInterrupted));
          return chooseStatus(statuses);
        }
        const folding = await foldAfter(invocation, own, formatTableName(place));
        run.noteFailure(failedCodeOf(folding));
        output.result({ ...toJson(result, isFolded(folding)), ...toFoldingJson(folding) });
        return foldStatus(folding, statuses);
      });
    });
  },
};

function print(output: Output, result: ReplayResult): void {
  const { loadId, path, table, rows, remaining, seconds, remarks } = result;
  printRemarks(output, remarks);
  const counts = [
    `${formatCount(rows.loaded)} loaded`,
    rows.duplicate > 0 ? `${formatCount(rows.duplicate)} duplicate` : '',
    `${formatCount(rows.rejected)} rejected again`,
  ].filter(Boolean);
  output.line(
    rows.read === 0 && remaining === 0
      ? `load ${loadId} has no rejects`
      : `load ${loadId} (${safeText(path)} → ${safeText(table)}): ${formatNumber(rows.read, 'reject')} tried in ${formatSeconds(seconds)}: ${counts.join(', ')}`,
  );
  if (remaining > 0) {
    output.line(
      `rejects that are left: ${formatCount(remaining)}; edp rejects ${loadId} shows why`,
    );
  }
  if (result.isInterrupted) output.line(`interrupted: run edp replay ${loadId} again to continue`);
}

function toJson(result: ReplayResult, isOk: boolean): ReplayJson {
  const { loadId, path, table, seconds, rows, remaining, remarks } = result;
  return {
    command: 'replay',
    ok: isOk,
    loadId,
    path,
    schema: result.schema,
    table,
    seconds: secondsJson(seconds),
    rows,
    remaining,
    ...remarksJson(remarks),
    ...(result.isInterrupted ? { interrupted: true } : {}),
  };
}
