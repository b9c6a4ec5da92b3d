/** A row of the outbox → the line of its event. */
import { formatSequence, type Op, schemaPath, TYPE_OF_OP } from '../events/change-event.js';
import { eventId } from '../events/event-id.js';
import { keyTextOf, subjectOf } from '../events/event-key.js';
import type { SentEvent } from './sinks/sink.js';

/** key, after, before and errors are texts of JSON objects. */
export interface OutboxRow {
  readonly sequence: string;
  readonly xid: string;
  readonly model: string;
  readonly version: number;
  readonly op: Op;
  readonly key: string | null;
  readonly after: string | null;
  readonly before: string | null;
  readonly errors: string | null;
  /** RFC 3339 in UTC. */
  readonly time: string;
}

/** Columns of {@link OutboxRow} behind SELECT. */
export const OUTBOX_ROW = `sequence::text AS sequence, xid::text AS xid, model, version, op, key, after, before, errors,
  to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time`;

/** @param source of the events: `edp:shop` */
export function sentEvent(row: OutboxRow, source: string): SentEvent {
  return { table: row.model, sequence: BigInt(row.sequence), line: eventLine(row, source) };
}

function eventLine(row: OutboxRow, source: string): string {
  const { model, op, key, sequence } = row;
  const keyTexts =
    key === null ? [] : Object.values(JSON.parse(key) as Record<string, unknown>).map(keyTextOf);
  const head = JSON.stringify({
    specversion: '1.0',
    id: eventId(source, model, sequence, keyTexts),
    source,
    type: `${model}.${TYPE_OF_OP[op]}`,
    ...(key === null ? {} : { subject: subjectOf(keyTexts) }),
    time: row.time,
    datacontenttype: 'application/json',
    dataschema: schemaPath(model, row.version),
    sequence: formatSequence(sequence),
  });
  return `${head.slice(0, -1)},"data":${dataOf(row)}}`;
}

/** The texts of the outbox are JSON, and stand as they are. */
function dataOf({ op, key, after, before, errors, xid }: OutboxRow): string {
  const parts = [`"op":"${op}"`];
  if (key !== null) parts.push(`"key":${key}`);
  if (after !== null) parts.push(`"after":${after}`);
  if (before !== null) parts.push(`"before":${before}`);
  if (op === 'update') parts.push('"partial":true');
  parts.push(`"transaction":"${xid}"`);
  if (errors !== null) parts.push(`"errors":${errors}`);
  return `{${parts.join(',')}}`;
}
