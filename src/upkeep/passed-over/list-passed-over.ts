/**
 * `edp rejects --passed-over`: the lines of a load's file that are no records.
 *
 * The ledger has only their counts. The lines are read from the file again, after its content was
 * checked; of the splits, only those that passed over something.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { openFormat } from '../../formats/open-format.js';
import { layoutOf } from '../../formats/stored-reading.js';
import type { PassedOver, PassedOverKind } from '../../formats/text/passed-over.js';
import { getFileFormat, getLoad, type LoadSummary } from '../../ledger/ledger-queries.js';
import { loadCommandOf } from '../../model/file-settings.js';
import type { CopyOptions } from '../../source/copies.js';
import { readBytes, withFile } from '../../source/open-file.js';
import type { Spool } from '../../source/spool.js';
import { findLoadedFile } from '../verify/loaded-file.js';
import { LineReader, type LineTaken } from './line-reader.js';

export interface PassedOverRequest {
  readonly loadId: number;
  /** The file; if undefined, the one named in the ledger. */
  readonly file: string | undefined;
  /** The project's directory. */
  readonly directory: string;
}

export interface PassedOverLine {
  readonly loadId: number;
  /** As the user or the ledger names the file. */
  readonly path: string;
  readonly kind: PassedOverKind;
  /** Counts from 1. */
  readonly line: number;
  readonly byteOffset: number;
  /** Line end included. */
  readonly raw: Buffer;
}

interface SplitOfLines {
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lineCount: number;
  readonly passedOver: PassedOver | null;
}

/**
 * Reads the lines in the order of the file.
 *
 * @param take called for each; no more are read when it returns false
 * @throws EdpError `unknown_load`, `load_undone`; `file_changed` where the file is not what was loaded
 */
export async function listPassedOver(
  client: pg.Client,
  { loadId, file: named, directory }: PassedOverRequest,
  spool: Spool,
  copying: CopyOptions,
  take: (line: PassedOverLine) => Promise<boolean>,
): Promise<void> {
  const load = await getLoad(client, loadId);
  const stored = await getFileFormat(client, loadId);
  assertWhole(load, loadCommandOf(stored.format.format));
  const found = await findLoadedFile(client, load, stored, named, directory, spool, copying);
  const { source, file, isSameContent, readTail } = found;
  if (!isSameContent) {
    throw new EdpError('file_changed', `${source.name} is not what load ${loadId} loaded`, {
      hint: `name the file that was loaded: edp rejects ${loadId} --passed-over FILE`,
    });
  }
  const { recordForm, dataStart, dataLine } = layoutOf(stored.format, stored.header);
  const format = openFormat(recordForm);
  const takeLine: LineTaken = ({ kind, ...line }) =>
    kind === 'mark' ? Promise.resolve(true) : take({ loadId, path: source.name, kind, ...line });
  const splits = await listSplits(client, loadId);
  const reader = new LineReader(format, takeLine);

  const head = await readBytes(file, 0, dataStart);
  if (!(await reader.walk(head, 0, 1, (watch) => format.walkHead(head, stored.header, watch))))
    return;
  const isGoing = await withFile(file, async (handle) => {
    for (const { start, end, firstLine, passedOver } of splits) {
      if (passedOver !== null && Object.keys(passedOver).length === 0) continue;
      const { path, size } = file;
      const range = { source: handle, size, path, start, until: end };
      if (!(await reader.read(range, firstLine, copying.signal))) return false;
    }
    return true;
  });
  if (!isGoing || load.state !== 'loaded') return;
  const last = splits.at(-1);
  const end = last?.end ?? dataStart;
  const tail = await readTail(end);
  const tailLine = last === undefined ? dataLine : last.firstLine + last.lineCount;
  await reader.walk(tail, end, tailLine, (watch) => format.walkTail(tail, watch));
}

/** @param command that loads such files */
function assertWhole({ loadId, state }: LoadSummary, command: string): void {
  if (state !== 'undone' && state !== 'undoing' && state !== 'half_undone') return;
  throw new EdpError('load_undone', `load ${loadId} is undone, or being undone`, {
    hint: `load its file again: ${command}`,
  });
}

async function listSplits(client: pg.Client, loadId: number): Promise<SplitOfLines[]> {
  const { rows } = await client.query<SplitOfLines>(
    `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
            line_count AS "lineCount", passed_over AS "passedOver"
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  return rows;
}
