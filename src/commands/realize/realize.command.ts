/** `edp realize`: change events into their log, and from there into the tables that they are about. */
import { EXIT, FailedRun } from '../../base/errors.js';
import { resolveOptions } from '../../options/resolve-options.js';
import { listEventFiles } from '../../realize/list-event-files.js';
import { discoverFiles } from '../../source/discover.js';
import type { Command, Invocation } from '../command.js';
import { makeIngestProgress } from '../ingest/ingest-progress.js';
import { exitStatus, printSummary, toJson } from '../ingest/summary.js';
import { hasFailed, printFolded, toFoldedJson } from './folded-lines.js';
import { OPTION_NAMES } from './realize.help.js';
import { type Realized, realizeFiles } from './realize-files.js';

export const command: Command = {
  async run(invocation: Invocation) {
    const { given, project, output } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const names = await listEventFiles((given.files ?? []) as string[], project.directory);
    const files = names.length === 0 ? [] : await discoverFiles(names, project.directory);
    return realizeFiles(invocation, 'realize', files, options, {
      progress: () => makeIngestProgress(output),
      loaded: (result, database) => printSummary(output, result, database),
      done: (realized) => finish(invocation, realized),
    });
  },
};

function finish({ output, signal }: Invocation, { result, folded }: Realized): number {
  printFolded(output, folded);
  const status = hasFailed(folded) ? EXIT.failed : exitStatus(result);
  const hasLoaded = result.failure === undefined && !result.isInterrupted;
  const json = toJson(
    { command: 'realize' as const, tables: folded.map(toFoldedJson) },
    result,
    hasLoaded && status !== EXIT.failed,
  );
  if (result.failure !== undefined) throw new FailedRun(result.failure, json);
  output.result(json);
  return signal.aborted ? EXIT.interrupted : status;
}
