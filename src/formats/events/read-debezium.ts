/**
 * An envelope of Debezium (https://debezium.io/documentation/reference/stable/connectors/postgresql.html), with its
 * schema or without → a change. It has rows of the source's table, whatever the model wants of them.
 */
import { isObject } from '../../base/is-object.js';
import type { Op } from '../../events/change-event.js';
import { keyTextOf } from '../../events/event-key.js';
import { Fault } from '../../model/reject-codes.js';
import { fieldTypes, isNumberOrText, readDebeziumValue } from './debezium-values.js';
import { CatalogTable, type EventCatalog } from './event-catalog.js';
import type { RawChange } from './raw-change.js';
import { mayLoseDigits, readExact, toPlain } from './read-exact.js';
import { unknownTable } from './unknown-table.js';

type Json = Readonly<Record<string, unknown>>;

const OPS: Readonly<Record<string, Op>> = {
  c: 'create',
  u: 'update',
  d: 'delete',
  r: 'read',
  t: 'truncate',
};

/** Debezium writes bigints as numbers, which JavaScript rounds from here on. */
const LONG_DIGITS = /\d{16}/;
/** What stands for a value that the source did not send, as it did not change. */
const UNCHANGED = '__debezium_unavailable_value';

export function readDebezium(parsed: Json, line: string, catalog: EventCatalog): RawChange | Fault {
  const table = findTable(sourceOf(parsed), catalog);
  const isLong =
    LONG_DIGITS.test(line) ||
    (table instanceof CatalogTable && table.hasNumeric && mayLoseDigits(line));
  const event = isLong ? readExact(line) : parsed;
  const isWrapped = isObject(event.payload);
  const { payload, schema } = isWrapped ? event : { payload: event, schema: undefined };
  const { op: letter, source } = payload as Json;
  if (!isObject(source)) return bad('it has no source');
  const op = typeof letter === 'string' && Object.hasOwn(OPS, letter) ? OPS[letter] : undefined;
  if (op === undefined) return bad(`its op is none of ${Object.keys(OPS).join(', ')}`);
  if (table instanceof Fault) return table;
  const sequence = sequenceOf(source);
  if (sequence === undefined) {
    return bad('its source has no lsn, no change_lsn, no scn, no pos and no time');
  }
  if (sequence.length > MOST_DIGITS) return bad(`its place has more than ${MOST_DIGITS} digits`);
  const time = timeOf(source, payload as Json);
  if (time === undefined) return bad('it has no ts_ms that is a time');
  const plain = (isWrapped ? parsed.payload : parsed) as Json;
  const row = readRows(payload as Json, plain, schema, table);
  if (row instanceof Fault) return row;
  const { before, after } = row;
  const transaction = source.txId ?? source.gtid ?? undefined;
  return {
    table,
    op,
    version: table.declared.version,
    sequence,
    source: `debezium:${keyTextOf(source.name ?? source.connector ?? 'unknown')}`,
    id: undefined,
    subject: undefined,
    time,
    within: isWrapped ? ['payload'] : [],
    data: {
      op,
      ...(op === 'truncate' ? {} : { key: keyOf(after ?? before ?? {}, table) }),
      ...(after === undefined || op === 'delete' ? {} : { after }),
      ...(before === undefined || op === 'create' || op === 'read' ? {} : { before }),
      ...(transaction === undefined || transaction === null
        ? {}
        : { transaction: keyTextOf(transaction) }),
    },
  };
}

function sourceOf(event: Json): Json {
  const { source } = isObject(event.payload) ? event.payload : event;
  return isObject(source) ? source : {};
}

function bad(what: string): Fault {
  return new Fault('bad_record', `the line is no change of Debezium: ${what}`);
}

/** A table of the model is named with the schema of the source, or without. */
function findTable({ schema, db, table }: Json, catalog: EventCatalog): CatalogTable | Fault {
  if (typeof table !== 'string') return bad('its source names no table');
  return (
    catalog.get(`${textOf(schema ?? db)}.${table}`) ?? catalog.get(table) ?? unknownTable(table)
  );
}

/** Digits of a file of a log and a place in it, so that places of later files are behind. */
const PLACE_DIGITS = 12;
/** As in a CloudEvent. */
const MOST_DIGITS = 100;

function sequenceOf(source: Json): string | undefined {
  const {
    lsn,
    change_lsn: changeLsn,
    scn,
    pos,
    file,
    ts_ns: nanos,
    ts_us: micros,
    ts_ms: millis,
  } = source;
  if (isDigits(lsn)) return String(lsn);
  if (typeof changeLsn === 'string' && /^[\da-f][\da-f:]*$/i.test(changeLsn)) {
    return String(BigInt(`0x${changeLsn.replaceAll(':', '')}`));
  }
  if (isDigits(scn)) return String(scn);
  if (isDigits(pos)) {
    const number = /(\d+)$/.exec(textOf(file))?.[1] ?? '';
    return `${number}${String(pos).padStart(PLACE_DIGITS, '0')}`;
  }
  return [nanos, micros, millis].filter(isDigits).map(String)[0];
}

function isDigits(value: unknown): boolean {
  return /^\d+$/.test(textOf(value));
}

function textOf(value: unknown): string {
  return isNumberOrText(value) ? String(value) : '';
}

/** A year of four digits. */
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

function timeOf(source: Json, payload: Json): string | undefined {
  const [micros] = [source.ts_us, payload.ts_us].filter(isDigits);
  const [millis] = [source.ts_ms, payload.ts_ms].filter(isDigits);
  const text =
    micros === undefined
      ? millis === undefined
        ? undefined
        : `${String(millis)}000`
      : String(micros);
  if (text === undefined) return undefined;
  const whole = new Date(Number(text.slice(0, -3)));
  if (!(whole.getTime() <= LAST_TIME)) return undefined;
  return `${whole.toISOString().slice(0, -1)}${text.slice(-3).padStart(3, '0')}Z`;
}

interface Rows {
  readonly after?: Record<string, unknown>;
  readonly before?: Record<string, unknown>;
}

/** @param plain the same, with the values of JSON as they are, which are written by the line (written-json.ts) */
function readRows(payload: Json, plain: Json, schema: unknown, table: CatalogTable): Rows | Fault {
  const rows: { after?: Record<string, unknown>; before?: Record<string, unknown> } = {};
  for (const part of ['after', 'before'] as const) {
    const row = payload[part];
    if (row === null || row === undefined) continue;
    if (!isObject(row)) return bad(`its ${part} is not an object`);
    const types = fieldTypes(schema, part);
    const members: [string, unknown][] = [];
    for (const [field, value] of Object.entries(row)) {
      if (value === UNCHANGED || table.ignored.has(field)) continue;
      const name = table.fields.get(field) ?? field;
      const type = table.types.get(name);
      const isJson = type === 'json' || type === 'jsonb';
      const own = isJson
        ? (plain[part] as Json)[field]
        : toPlain(value, type === 'numeric' || type === 'text');
      const read = type === undefined ? own : readDebeziumValue(own, type, types.get(field));
      if (read instanceof Fault) return new Fault(read.code, read.reason, name);
      members.push([name, read]);
    }
    rows[part] = Object.fromEntries(members);
  }
  return rows;
}

function keyOf(row: Readonly<Record<string, unknown>>, { declared }: CatalogTable): Json {
  return Object.fromEntries(
    declared.key.filter((name) => Object.hasOwn(row, name)).map((name) => [name, row[name]]),
  );
}
