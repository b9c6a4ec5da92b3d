/** Rejects with what they say of their events, and whether the log has these by now. */
import type pg from 'pg';
import type { EventForm } from '../formats/events/event-form.js';
import { type RejectedEvent, readRejectedEvent } from '../formats/events/rejected-event.js';
import { recordFormOf } from '../formats/stored-reading.js';
import {
  getFileFormat,
  type LoadSummary,
  readRejects,
  type StoredReject,
} from '../ledger/ledger-queries.js';
import { isEventFormat } from '../model/file-settings.js';
import type { Model } from '../model/model.js';
import { bareName, formatTableName } from '../model/table-name.js';
import { eventLogTable } from '../realize/event-log-table.js';
import { findInLog } from '../realize/find-in-log.js';
import { safeText } from '../terminal/output.js';
import type { RejectJson } from './json/ledger.schema.js';

export interface ShownReject extends StoredReject {
  /** Undefined for other records, and for lines that are no JSON object. */
  readonly event?: RejectedEvent;
  /** The load that brought its event, corrected. */
  readonly mendedBy?: number;
}

const LOOKED_UP_AT_ONCE = 500;
const MAX_VALUE_SHOWN = 80;

/** @param model whose tables the events may be about */
export async function* readShownRejects(
  client: pg.Client,
  { loadId, schema, table }: LoadSummary,
  model: Model,
  limit: number,
): AsyncGenerator<ShownReject> {
  const { format } = await getFileFormat(client, loadId);
  const form = recordFormOf(format);
  const rejects = readRejects(client, loadId, limit);
  if (!isEventFormat(form.format)) return yield* rejects;
  const log = formatTableName({ schema, name: bareName(table) });
  const own = { ...(form as EventForm), catalog: eventLogTable(model).eventCatalog! };
  let batch: ShownReject[] = [];
  for await (const reject of rejects) {
    const event = readRejectedEvent(reject.raw, own, reject.column);
    batch.push(event === undefined ? reject : { ...reject, event });
    if (batch.length < LOOKED_UP_AT_ONCE) continue;
    yield* await lookUp(client, log, batch);
    batch = [];
  }
  yield* await lookUp(client, log, batch);
}

async function lookUp(
  client: pg.Client,
  log: string,
  rejects: readonly ShownReject[],
): Promise<readonly ShownReject[]> {
  const placed = rejects.filter(({ event }) => event?.place !== undefined);
  const loads = await findInLog(
    client,
    log,
    placed.map(({ event }) => event!.place!),
  );
  const mended = new Map(placed.map((reject, i) => [reject, loads[i]]));
  return rejects.map((reject) => {
    const mendedBy = mended.get(reject);
    return mendedBy === undefined ? reject : { ...reject, mendedBy };
  });
}

/** The event on one line: of which row it is, and the value that was refused. */
export function describeEvent({ event, column }: Pick<ShownReject, 'event' | 'column'>): string {
  const { table, op, key, sequence, id, value } = event!;
  const row = [table, key === undefined ? undefined : JSON.stringify(key)];
  const known = [
    row.filter((part) => part !== undefined).join(' '),
    op ?? '',
    sequence === undefined ? '' : `sequence ${sequence}`,
    id === undefined ? '' : `event ${id}`,
  ].filter(Boolean);
  const said =
    column === null || value === undefined ? '' : `: ${column} ${shorten(JSON.stringify(value))}`;
  return safeText(`${known.join(', ')}${said}`);
}

/** What the JSON of a reject has besides. */
export function eventJson({
  event,
  mendedBy,
}: Pick<ShownReject, 'event' | 'mendedBy'>): Pick<RejectJson, 'event'> {
  if (event === undefined) return {};
  const { place: _, ...own } = event;
  return { event: { ...own, inLog: mendedBy ?? null } };
}

function shorten(text: string): string {
  return text.length > MAX_VALUE_SHOWN ? `${text.slice(0, MAX_VALUE_SHOWN)}…` : text;
}
