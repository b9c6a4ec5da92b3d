/** `edp realize`: change events into their log, and from there into the tables that they are about. */
import { FailedRun } from '../../base/errors.js';
import { resolveOptions } from '../../options/resolve-options.js';
import { listEventFiles } from '../../realize/list-event-files.js';
import { discoverFiles } from '../../source/discover.js';
import type { Command, Invocation } from '../command.js';
import { makeIngestProgress } from '../ingest/ingest-progress.js';
import { hasFailedFiles, printSummary, statusesOf, toJson } from '../ingest/summary.js';
import { foldStatus, isFolded, printFolded, toFoldingJson } from './folded-lines.js';
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

function finish({ output }: Invocation, { result, folding }: Realized): number {
  printFolded(output, folding);
  const hasLoaded = result.failure === undefined && !result.isInterrupted;
  const isOk = hasLoaded && isFolded(folding) && !hasFailedFiles(result);
  const { tables, ...interrupted } = toFoldingJson(folding);
  const json = { ...toJson({ command: 'realize' as const, tables }, result, isOk), ...interrupted };
  if (result.failure !== undefined) throw new FailedRun(result.failure, json);
  output.result(json);
  return foldStatus(folding, statusesOf(result));
}
