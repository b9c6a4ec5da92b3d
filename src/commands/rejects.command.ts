/**
 * `edp rejects`: prints the records that a load rejected, with reasons, or byte for byte for
 * corrections.
 */
import type pg from 'pg';
import { EdpError, EXIT } from '../base/errors.js';
import { openFormat } from '../formats/open-format.js';
import { recordFormOf } from '../formats/stored-reading.js';
import {
  getFileFormat,
  getLoad,
  type LoadSummary,
  openLedger,
  parseLoadId,
} from '../ledger/ledger-queries.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { formatCount, formatNumber, type Output, safeText } from '../terminal/output.js';
import type { Command } from './command.js';
import type { RejectJson, RejectsJson } from './json/ledger.schema.js';
import { OPTION_NAMES } from './rejects.help.js';
import { describeEvent, eventJson, readShownRejects, type ShownReject } from './rejects-events.js';
import { JsonInParts } from './shared/json-in-parts.js';
import { rawJson } from './shared/raw-json.js';

const MAX_RAW_SHOWN = 200;

/** The first rejects of the load. */
type Read = (limit: number) => AsyncIterable<ShownReject>;

export const command: Command = {
  async run(invocation) {
    const { given, project, output } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const loadId = parseLoadId(given.load);
    if (options.raw && output.isJson) {
      throw new EdpError('usage', '--raw and --json exclude each other', {
        hint: '--raw gives the bytes of the records, --json one object with everything about them',
      });
    }
    if (options.passedOver) {
      const { showPassedOver } = await import('./rejects-passed-over.js');
      return showPassedOver(invocation, loadId);
    }
    if (given.file !== undefined) {
      throw new EdpError('usage', 'a file is read only with --passed-over', {
        hint: 'the rejects are in the ledger',
      });
    }
    // Without --limit, a few are shown, but all are written.
    const limit = given.limit === undefined ? Number.POSITIVE_INFINITY : options.limit;
    const { directory } = project;
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, ({ client: config }) =>
      withClient(config, 'rejects', async (client) => {
        await openLedger(client);
        const load = await getLoad(client, loadId);
        const read = (most: number) => readShownRejects(client, load, project.model, most);
        if (options.raw) await writeRaw(client, loadId, read, limit, output);
        else if (output.isJson) await writeJson(read(limit), output);
        else await print(client, load, read, options.limit, output);
        return EXIT.done;
      }),
    );
  },
};

/**
 * The header, if there is one, then the records exactly as they were: a file like the one they are
 * from.
 */
async function writeRaw(
  client: pg.Client,
  loadId: number,
  read: Read,
  limit: number,
  output: Output,
): Promise<void> {
  const { header, format } = await getFileFormat(client, loadId);
  const { endRecord } = openFormat(recordFormOf(format));
  const write = (record: Buffer) => output.write(endRecord(record));
  if (header.length > 0) await write(header);
  let tooLong = 0;
  let written = 0;
  let mended = 0;
  for await (const { raw, code, mendedBy } of read(Number.POSITIVE_INFINITY)) {
    if (written + tooLong === limit) break;
    if (mendedBy !== undefined) {
      mended++;
      continue;
    }
    // The ledger has only its first bytes, which are not a complete record.
    if (code === 'record_too_long') tooLong++;
    else {
      written++;
      await write(raw);
    }
  }
  if (mended > 0) output.note(describeMended(mended));
  if (tooLong > 0) {
    output.note(`omitted ${formatCount(tooLong)} that are too long to be stored completely`);
  }
}

async function writeJson(rejects: AsyncIterable<ShownReject>, output: Output): Promise<void> {
  const empty: RejectsJson = { command: 'rejects', ok: true, rejects: [] };
  const parts = new JsonInParts(output, empty);
  for await (const reject of rejects) await parts.add(toJson(reject));
  await parts.end();
}

function toJson({
  loadId,
  path,
  line,
  byteOffset,
  column,
  code,
  reason,
  raw,
  ...event
}: ShownReject): RejectJson {
  return {
    loadId,
    path,
    line,
    byteOffset,
    column,
    code,
    reason,
    ...rawJson(raw),
    ...eventJson(event),
  };
}

async function print(
  client: pg.Client,
  { loadId, rows: { rejected: total } }: LoadSummary,
  read: Read,
  limit: number,
  output: Output,
): Promise<void> {
  if (total === 0) {
    output.line(`load ${loadId} has no rejects`);
    return;
  }
  let shown = 0;
  let mended = 0;
  for await (const reject of read(Number.POSITIVE_INFINITY)) {
    if (shown === limit) break;
    if (reject.mendedBy !== undefined) mended++;
    else {
      shown++;
      printReject(output, reject);
    }
  }
  const { rows } = await client.query<{ code: string; count: number }>(
    'SELECT code, count(*) FROM edp.rejects WHERE load_id = $1 GROUP BY code ORDER BY 2 DESC, 1',
    [loadId],
  );
  output.line();
  output.table(
    ['code', 'records'],
    rows.map(({ code, count }) => [code, formatCount(count)]),
  );
  if (mended > 0) output.line(describeMended(mended));
  if (total > shown + mended)
    output.line(
      `showed the first ${shown} of ${formatCount(total)}; --limit shows more, --raw all`,
    );
}

function describeMended(records: number): string {
  return `left out ${formatNumber(records, 'reject')} whose events, corrected, other loads have brought by now (--json has them)`;
}

/** A reject on two lines: where and why, and the record. */
export function printReject(
  output: Output,
  { path, line, byteOffset, code, column, reason, raw, event }: Omit<ShownReject, 'loadId'>,
): void {
  const where = column === null ? '' : ` ${safeText(column)}:`;
  output.line(
    `${safeText(path)}:${line} (byte ${byteOffset}) ${code}:${where} ${safeText(reason)}`,
  );
  if (event !== undefined) {
    output.line(`    ${describeEvent({ event, column })}`);
    return;
  }
  const text = raw.toString('utf8');
  output.line(
    `    ${safeText(text.slice(0, MAX_RAW_SHOWN))}${text.length > MAX_RAW_SHOWN ? '…' : ''}`,
  );
}
