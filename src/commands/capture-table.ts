/** `edp capture run --to table`: captured events into the log of the warehouse, and into its tables. */
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import type { DirectorySinkOptions } from '../capture/sinks/directory-sink.js';
import { LoadingSink } from '../capture/sinks/loading-sink.js';
import { BATCH_FOLDER } from '../events/captured-batch.js';
import { pathSegment } from '../events/change-event.js';
import type { IngestResult } from '../load/file-results.js';
import { explainServerError } from '../postgres/server-errors.js';
import { discoverFiles } from '../source/discover.js';
import { formatNumber } from '../terminal/output.js';
import type { Invocation } from './command.js';
import { hasFailed, printFolded } from './realize/folded-lines.js';
import { type RealizeOptions, realizeFiles } from './realize/realize-files.js';

/** What `--to` says in place of a folder. */
export const TABLE_WORD = 'table';

const SILENT = {
  start() {},
  advance() {},
  passOver() {},
  fileDone() {},
  note() {},
  stop() {},
};

export interface TableSink {
  readonly sink: LoadingSink;
  /** Whether events were rejected, or a table could not be folded. */
  hasFaults(): boolean;
}

export function tableSink(
  invocation: Invocation,
  options: RealizeOptions,
  directory: DirectorySinkOptions,
): TableSink {
  const { project, output } = invocation;
  let faults = 0;
  const load = async (files: readonly string[]) => {
    const names = files.map((file) => path.relative(project.directory, file));
    const found = names.length === 0 ? [] : await discoverFiles(names, project.directory);
    await realizeFiles(invocation, 'capture', found, options, {
      progress: async () => SILENT,
      loaded: (result) => {
        assertLoaded(result);
        output.line(describe(result));
        faults += result.rows.rejected;
      },
      done: ({ folding }) => {
        printFolded(output, folding);
        if (hasFailed(folding)) faults++;
        return EXIT.done;
      },
    });
  };
  const folder = path.join(project.directory, BATCH_FOLDER, pathSegment(directory.writer));
  return {
    sink: new LoadingSink(folder, directory, (files) => ofWarehouse(load(files))),
    hasFaults: () => faults > 0,
  };
}

/** Rights that are missing there are none of the source. */
async function ofWarehouse(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw explainServerError(error);
  }
}

/** The cursor must not move behind events that are not kept. */
function assertLoaded({ failure, files, isInterrupted }: IngestResult): void {
  if (failure !== undefined) throw failure;
  const failed = files.find(({ status }) => status === 'failed' || status === 'interrupted');
  if (failed === undefined && !isInterrupted) return;
  throw new EdpError('events_not_loaded', failed?.reason ?? 'the load was interrupted', {
    hint: 'run it again: the events are still in the outbox',
  });
}

function describe({ rows, files }: IngestResult): string {
  const parts = [
    `${formatNumber(rows.loaded, 'event')} kept`,
    ...(rows.duplicate === 0 ? [] : [`${formatNumber(rows.duplicate, 'duplicate')}`]),
    ...(rows.rejected === 0 ? [] : [`${formatNumber(rows.rejected, 'reject')}`]),
  ];
  const loads = files
    .filter(({ rows: own }) => own.rejected > 0)
    .map(({ loadId }) => `edp rejects ${loadId}`);
  return [parts.join(', '), ...loads].join('; ');
}
