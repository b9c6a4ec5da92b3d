/** `edp undo`: removes the rows of a load, so that its file can be loaded again. */

import { EdpError, EXIT, FailedRun } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { tableOfBatch } from '../events/captured-batch.js';
import type { LoadRecord } from '../ledger/held-load.js';
import { parseLoadId } from '../ledger/ledger-queries.js';
import { formatTableName } from '../model/table-name.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withDatabase } from '../postgres/database.js';
import { hasEvents, withEventLog } from '../realize/event-log-table.js';
import { noteUnfolded } from '../realize/unfolded-keys.js';
import { confirm } from '../terminal/confirm.js';
import { formatCount, formatSeconds, type Output, safeText } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { describeUndo, type UndoResult, undo } from '../upkeep/undo/undo.js';
import type { Command } from './command.js';
import type { UndoJson } from './json/upkeep.schema.js';
import { foldAfter } from './realize/fold-after.js';
import { failedCodeOf, foldStatus, isFolded, toFoldingJson } from './realize/folded-lines.js';
import { asRun } from './shared/recorded-run.js';
import { REPLACING_FLAG } from './shared/replacing-flag.js';
import { secondsJson } from './shared/seconds-json.js';
import { OPTION_NAMES } from './undo.help.js';

const MAX_LOADS_NAMED = 5;

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const loadId = parseLoadId(given.load);
    const { directory } = project;
    const model = withEventLog(project);
    return withDatabase(
      { databaseUrl: options.databaseUrl, directory },
      async (database): Promise<number> => {
        const load = await describeUndo(database, model, loadId);
        const isOfEvents = hasEvents(load);
        if (load.state !== 'undone' && !options.yes && !(await ask(load, signal))) {
          throw new EdpError('interrupted', `load ${loadId} was not undone`, {
            hint: 'answer y, or give --yes',
          });
        }
        return asRun(invocation, 'undo', database, async (own, run) => {
          let step = '';
          let done = 0;
          let removed = 0;
          const describe = () => ({
            label: `load ${loadId}: ${step}`,
            parts: [`${formatCount(removed)} rows removed`],
          });
          const result = await withProgress(output, describe, (progress) =>
            undo(
              own,
              model,
              loadId,
              {
                step(name, total) {
                  step = name;
                  done = 0;
                  progress.start(total);
                },
                advance(more, rows) {
                  done += more;
                  removed += rows;
                  progress.update(done);
                },
              },
              signal,
              isOfEvents ? { marked: noteUnfolded } : {},
            ),
          );
          print(output, result, load.state === 'undone', isOfEvents);
          if (result.failure !== undefined) {
            throw new FailedRun(result.failure, toJson(result));
          }
          if (result.isInterrupted || !isOfEvents) {
            output.result(toJson(result));
            return result.isInterrupted ? EXIT.interrupted : EXIT.done;
          }
          const folding = await foldAfter(invocation, own, formatTableName(load.place));
          run.noteFailure(failedCodeOf(folding));
          output.result({
            ...toJson(result),
            ok: result.state === 'undone' && isFolded(folding),
            ...toFoldingJson(folding),
          });
          return foldStatus(folding, {});
        });
      },
    );
  },
};

function ask(load: LoadRecord, signal: AbortSignal): Promise<boolean> {
  const { loadId, path, table, rows, replaced, state } = load;
  const lines = [
    `load ${loadId}: ${safeText(path)} → ${safeText(table)}${state === 'undoing' ? ', half undone' : ''}`,
    `This removes its ${plural(rows.loaded, 'row')} and ${plural(rows.rejected, 'reject')} from the database.`,
  ];
  if (replaced > 0) lines.push(replacedText(replaced));
  return confirm(`${lines.join('\n')}\nUndo it?`, signal);
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${count === 1 ? noun : `${noun}s`}`;
}

function replacedText(replaced: number): string {
  return `${plural(replaced, 'row')} that were there before got new values by it (${REPLACING_FLAG}): they go with it, and the values they had cannot be brought back.`;
}

function replacedContentText({ loadId, replacedLoads }: UndoResult): string {
  const paths = [...new Set(replacedLoads.map(({ path }) => toShellWord(path)))];
  const named = paths.slice(0, MAX_LOADS_NAMED).join(' ');
  const more = paths.length > MAX_LOADS_NAMED ? ' …' : '';
  return `the rows that load ${loadId} replaced (--replace) are not brought back; their files can be loaded again: edp ingest ${named}${more}`;
}

function print(output: Output, result: UndoResult, wasUndone: boolean, hasEvents: boolean): void {
  const loadAgain = hasEvents ? 'edp realize' : 'edp ingest';
  const { loadId, path, table, state, removed, seconds } = result;
  if (wasUndone) {
    output.line(`load ${loadId} is undone already`);
    return;
  }
  const what = [
    plural(removed.rows, 'row'),
    plural(removed.rejects, 'reject'),
    plural(removed.receipts, 'receipt'),
    removed.inferredMembers > 0
      ? `${formatCount(removed.inferredMembers)} inferred dimension ${removed.inferredMembers === 1 ? 'member' : 'members'}`
      : '',
  ].filter(Boolean);
  const name = `load ${loadId} (${safeText(path)} → ${safeText(table)})`;
  if (state !== 'undone') {
    if (state === 'undoing') {
      output.line(`${name} is half undone: ${what.join(', ')} removed so far`);
    }
    if (result.isInterrupted) output.line(`interrupted: run edp undo ${loadId} again to continue`);
    return;
  }
  output.line(`${name} is undone: ${what.join(', ')} removed in ${formatSeconds(seconds)}`);
  if (result.replacedLoads.length > 0) output.warn(replacedContentText(result));
  if (result.rowsReplaced > 0) output.warn(replacedText(result.rowsReplaced));
  if (result.rowsGoneBefore > 0) {
    output.line(
      `${plural(result.rowsGoneBefore, 'record')} had no row of ${result.rowsGoneBefore === 1 ? 'its' : 'their'} own any more: other records replaced them (${REPLACING_FLAG}), or somebody removed them`,
    );
  }
  if (result.keptInferredMembers > 0) {
    output.line(
      `${formatCount(result.keptInferredMembers)} dimension members it inferred stay: others refer to them, or gave them values`,
    );
  }
  if (removed.rows > 0 && result.loadsWithDuplicates.length > 0) {
    const loads = result.loadsWithDuplicates;
    const named = loads.slice(0, MAX_LOADS_NAMED).join(', ');
    const more =
      loads.length > MAX_LOADS_NAMED ? ` and ${loads.length - MAX_LOADS_NAMED} others` : '';
    output.warn(
      `load${loads.length === 1 ? '' : 's'} ${named}${more} counted records as duplicates; where those were of load ${loadId}, no row holds them now. ${loadAgain} --force loads such a file again, if it is there`,
    );
  }
  const captured = tableOfBatch(path);
  if (captured === undefined) {
    output.line(`its file can be loaded again: ${loadAgain} ${toShellWord(path)}`);
    return;
  }
  output.line(
    `its events came from edp capture --to table, which removes its files when they are loaded. edp capture snapshot ${toShellWord(captured)} --to table brings back the rows as the source has them now, without what lay between; where another consumer keeps the events in a folder, edp realize FOLDER brings back all of them`,
  );
}

function toJson(result: UndoResult): UndoJson {
  const { loadId, path, table, state, seconds, removed } = result;
  return {
    command: 'undo',
    ok: state === 'undone',
    loadId,
    path,
    schema: result.schema,
    table,
    state,
    seconds: secondsJson(seconds),
    removed,
    rowsGoneBefore: result.rowsGoneBefore,
    rowsReplaced: result.rowsReplaced,
    keptInferredMembers: result.keptInferredMembers,
    loadsWithDuplicates: result.loadsWithDuplicates,
    replacedLoads: result.replacedLoads,
    ...(result.isInterrupted ? { interrupted: true } : {}),
  };
}
