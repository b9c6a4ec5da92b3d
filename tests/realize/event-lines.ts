/** Lines of change events for tests. */
import { TYPE_OF_OP } from '../../src/events/change-event.js';
import { keyTextOf, subjectOf } from '../../src/events/event-key.js';
import type { Op } from './oracle.js';

export interface LineOptions {
  readonly table: string;
  readonly op: Op;
  readonly sequence: number;
  readonly key?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly version?: number;
  readonly source?: string;
  readonly time?: string;
}

export function cloudEvent({
  table,
  op,
  sequence,
  key,
  version = 1,
  source = 'edp:shop',
  time = `2026-11-29T10:00:${String(sequence % 60).padStart(2, '0')}.000000Z`,
  ...values
}: LineOptions): object {
  return {
    specversion: '1.0',
    id: `id-${source}-${sequence}`,
    source,
    type: `${table}.${TYPE_OF_OP[op]}`,
    ...(key === undefined ? {} : { subject: subjectOf(Object.values(key).map(keyTextOf)) }),
    time,
    datacontenttype: 'application/json',
    dataschema: `schemas/${table}/change/v${version}.json`,
    sequence: String(sequence).padStart(20, '0'),
    data: { op, ...(key === undefined ? {} : { key }), ...values },
  };
}

export function toLines(events: readonly unknown[]): string {
  return events
    .map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`)
    .join('');
}
