/** `edp promote`: makes a kept metric a typed column, and moves its values there. */

import { EXIT } from '../base/errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withDatabase } from '../postgres/database.js';
import { PROJECT_FILE } from '../project/file.js';
import { formatCount, formatSeconds, type Output, safeText } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { type PromoteProgress, type PromoteResult, promote } from '../upkeep/promote/promote.js';
import type { Command } from './command.js';
import type { PromoteJson } from './json/upkeep.schema.js';
import { OPTION_NAMES } from './promote.help.js';
import { asRun } from './shared/recorded-run.js';
import { secondsJson } from './shared/seconds-json.js';

const MAX_VALUE_SHOWN = 80;

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { directory, model } = project;
    const request = {
      metric: String(given.metric),
      table: options.table,
      column: options.column,
      type: options.type,
      extraColumn: options.extraColumn,
      limit: options.limit,
      directory,
      model,
    };
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, (database) =>
      asRun(invocation, 'promote', database, async (own) => {
        const result = await promoteShown(output, (progress) =>
          promote(own, request, progress, signal),
        );
        print(output, result);
        output.result(toJson(result));
        return result.left > 0 ? EXIT.doneWithRejects : EXIT.done;
      }),
    );
  },
};

/** The bar restarts with every pass. */
async function promoteShown(
  output: Output,
  run: (progress: PromoteProgress) => Promise<PromoteResult>,
): Promise<PromoteResult> {
  let moved = 0;
  let last = Number.POSITIVE_INFINITY;
  return withProgress(
    output,
    () => ({ parts: [`${formatCount(moved)} values moved`] }),
    (progress) =>
      run({
        advance(done, total, movedSoFar) {
          moved = movedSoFar;
          if (done < last) progress.start(total, done);
          else progress.update(done, total);
          last = done;
        },
        note: (text) => progress.note(safeText(text)),
      }),
  );
}

function print(output: Output, result: PromoteResult): void {
  const { metric, table, column, type, seconds, moved, left, leftValues } = result;
  for (const { key, value, reason } of leftValues) {
    const name = Object.entries(key).map(
      ([name, part]) => `${safeText(name)} ${safeText(part ?? 'NULL')}`,
    );
    const shown = value.length > MAX_VALUE_SHOWN ? `${value.slice(0, MAX_VALUE_SHOWN)}…` : value;
    output.line(
      `${safeText(table)}${name.length === 0 ? '' : ` ${name.join(', ')}`}: ${safeText(shown)} stays: ${safeText(reason)}`,
    );
  }
  if (left > leftValues.length) {
    output.line(`… and ${formatCount(left - leftValues.length)} more; --limit shows more of them`);
  }
  const what = `metric ${safeText(JSON.stringify(metric))} → ${safeText(table)}.${safeText(column)} (${type})`;
  if (!result.hasTable) {
    output.line(`${what}: declared; the first load makes the table`);
  } else {
    const counts = [
      `${formatCount(moved)} values moved`,
      left > 0 ? `${formatCount(left)} do not fit and were not moved` : '',
    ].filter(Boolean);
    output.line(`${what}: ${counts.join(', ')} in ${formatSeconds(seconds)}`);
  }
  if (result.wasDeclared) output.line(`declared in ${PROJECT_FILE}: loads write to the column`);
}

function toJson(result: PromoteResult): PromoteJson {
  const { metric, table, column, type, seconds, moved, left, leftValues } = result;
  return {
    command: 'promote',
    ok: true,
    seconds: secondsJson(seconds),
    metric,
    schema: result.schema,
    table,
    column,
    type,
    rows: { moved, left },
    left: leftValues,
    declared: result.wasDeclared,
    tableExists: result.hasTable,
  };
}
