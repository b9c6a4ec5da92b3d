/** A CloudEvent 1.0 of docs/events.md → a change. */
import { isObject } from '../../base/is-object.js';
import { OPS, type Op, readSchemaPath, TYPE_OF_OP } from '../../events/change-event.js';
import { Fault } from '../../model/reject-codes.js';
import {
  coerceTimestamp,
  hasZone,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
} from '../../values/datetime.js';
import type { EventCatalog } from './event-catalog.js';
import type { RawChange } from './raw-change.js';
import { unknownTable } from './unknown-table.js';

const DIGITS = /^\d{1,100}$/;
const WITHIN = ['data'];

export function readCloudEvent(
  event: Readonly<Record<string, unknown>>,
  catalog: EventCatalog,
): RawChange | Fault {
  const { specversion, id, source, type, time, sequence, subject, dataschema, data } = event;
  if (specversion !== '1.0') return bad('specversion', 'is not "1.0"');
  if (typeof source !== 'string' || source === '') return bad('source', 'is not a text');
  if (typeof id !== 'string' || id === '') return bad('id', 'is not a text');
  if (typeof type !== 'string') return bad('type', 'is not a text');
  if (typeof sequence !== 'string' || !DIGITS.test(sequence)) {
    return bad('sequence', 'is not a text of digits');
  }
  if (typeof time !== 'string' || !isTime(time)) {
    return bad('time', 'is not a time of RFC 3339');
  }
  if (subject !== undefined && typeof subject !== 'string') return bad('subject', 'is not a text');
  if (!isObject(data)) return bad('data', 'is not an object');
  const point = type.lastIndexOf('.');
  const name = type.slice(0, point);
  const table = catalog.get(name);
  if (table === undefined) return unknownTable(point < 0 ? type : name);
  const op = data.op as Op;
  if (!OPS.includes(op)) return new Fault('bad_schema', `data.op is none of ${OPS.join(', ')}`);
  if (type.slice(point + 1) !== TYPE_OF_OP[op]) {
    return bad('type', `does not end in "${TYPE_OF_OP[op]}", though data.op is "${op}"`);
  }
  const version = versionOf(dataschema, name, table.declared.version);
  if (version instanceof Fault) return version;
  return {
    table,
    op,
    version,
    sequence,
    source,
    id,
    time,
    subject,
    within: WITHIN,
    data: data as unknown as RawChange['data'],
  };
}

function bad(attribute: string, what: string): Fault {
  return new Fault('bad_record', `the line is no change event: "${attribute}" ${what}`);
}

function isTime(text: string): boolean {
  if (!hasZone(text)) return false;
  const micros = coerceTimestamp(text);
  if (micros instanceof Fault) return false;
  return micros !== TIMESTAMP_INFINITY && micros !== TIMESTAMP_MINUS_INFINITY;
}

/** Of an event that names no schema: always the same one, whatever the model has become since. */
const UNNAMED_VERSION = 1;

function versionOf(dataschema: unknown, name: string, today: number): number | Fault {
  if (dataschema === undefined) return UNNAMED_VERSION;
  const found = typeof dataschema === 'string' ? readSchemaPath(dataschema) : undefined;
  if (found === undefined || found.table !== name) {
    return bad('dataschema', `is not the schema of a change of "${name}"`);
  }
  if (found.version < 1) return bad('dataschema', 'is of version 0, and versions begin with 1');
  if (found.version <= today) return found.version;
  return new Fault(
    'unknown_version',
    `the event is of version ${found.version} of "${name}", and the model of version ${today}`,
  );
}
