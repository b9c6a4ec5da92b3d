/** Values of Debezium → values as events write them. The type of the model says what is meant, the schema how it is written. */
import { isObject } from '../../base/is-object.js';
import { Fault } from '../../model/reject-codes.js';
import type { ColumnType } from '../../model/types.js';
import { encodeBytes, show } from '../../values/coerce.js';
import { toEventValue } from './event-values.js';

/** A field of a schema of Kafka Connect. */
export interface FieldType {
  /** Such as io.debezium.time.MicroTimestamp. */
  readonly name?: string;
  readonly scale?: number;
}

const NONE: ReadonlyMap<string, FieldType> = new Map();

/** @param schema of the envelope @returns by field; empty where there is no schema */
export function fieldTypes(schema: unknown, part: string): ReadonlyMap<string, FieldType> {
  if (!isObject(schema) || !Array.isArray(schema.fields)) return NONE;
  const own = schema.fields.find((one) => isObject(one) && one.field === part);
  if (!isObject(own) || !Array.isArray(own.fields)) return NONE;
  return new Map(
    own.fields.filter(isObject).map(({ field, name, parameters }) => {
      const written = isObject(parameters) ? parameters.scale : undefined;
      const scale = isNumberOrText(written) ? Number(written) : Number.NaN;
      return [
        isNumberOrText(field) ? String(field) : '',
        {
          ...(typeof name === 'string' ? { name } : {}),
          ...(Number.isNaN(scale) ? {} : { scale }),
        },
      ];
    }),
  );
}

/** What {@link String} and {@link Number} take: they ask an object for methods, which its JSON may have named. */
export function isNumberOrText(value: unknown): value is number | string {
  return typeof value === 'number' || typeof value === 'string';
}

/** As PostgreSQL writes years: before the first one, they are counted backwards. @param time behind the day */
function writeInstant(date: Date, time: string, zone: string): string {
  const year = date.getUTCFullYear();
  const written = String(year < 1 ? 1 - year : year).padStart(4, '0');
  const monthAndDay = date
    .toISOString()
    .replace(/^[+-]?\d+/, '')
    .slice(0, 6);
  return `${written}${monthAndDay}${time}${zone}${year < 1 ? ' BC' : ''}`;
}

/** @returns a fault for text that is no JSON; any other value that does not fit is left to the schema */
export function readDebeziumValue(
  value: unknown,
  type: ColumnType,
  { name, scale }: FieldType = {},
): unknown {
  if (value === null) return null;
  switch (type) {
    case 'bigint':
      return typeof value === 'number' ? String(value) : value;
    case 'numeric':
      return readNumeric(value, name, scale);
    case 'real':
    case 'double':
      // A long whole number was kept as text (read-exact.ts).
      return typeof value === 'string' && /^-?\d/.test(value) ? Number(value) : value;
    case 'date':
      return readDate(value, name);
    case 'timestamp':
    case 'timestamptz':
      return readMoment(value, type, name);
    case 'json':
    case 'jsonb':
      return typeof value === 'string' ? readJson(value) : value;
    case 'boolean':
      return typeof value === 'number' ? value !== 0 : value;
    case 'text':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    default:
      return value;
  }
}

/** Debezium has JSON in a string. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new Fault('bad_schema', `${show(encodeBytes(text))} is not JSON`);
  }
}

/** Two's complement, most significant byte first, in base64: org.apache.kafka.connect.data.Decimal. */
function readNumeric(value: unknown, name: string | undefined, scale: number | undefined): unknown {
  if (typeof value === 'number') return toEventValue('numeric', String(value));
  if (isObject(value) && typeof value.value === 'string' && typeof value.scale === 'number') {
    return fromBytes(value.value, value.scale);
  }
  if (typeof value !== 'string') return value;
  if (name?.endsWith('.Decimal') === true) return fromBytes(value, scale ?? 0);
  return toEventValue('numeric', value);
}

function fromBytes(base64: string, scale: number): unknown {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0) return base64;
  const whole = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  return toEventValue('numeric', `${whole}e${-scale}`);
}

const MILLIS_PER_DAY = 86_400_000;
/** Numbers below it are days: 1970 to 4707. */
const MOST_DAYS = 1_000_000;

function readDate(value: unknown, name: string | undefined): unknown {
  if (typeof value !== 'number') return value;
  const isDays = name?.endsWith('.Date') ?? Math.abs(value) < MOST_DAYS;
  const date = new Date(isDays ? value * MILLIS_PER_DAY : value);
  return Number.isNaN(date.getTime()) ? value : writeInstant(date, '', '');
}

/** Milliseconds of 1973 to 5138 have 12 or 13 digits, microseconds of 1973 on 15, nanoseconds 18. */
const LEAST_MICROS = 1e14;
const LEAST_NANOS = 1e17;

function readMoment(value: unknown, type: ColumnType, name = ''): unknown {
  const isText = typeof value === 'string' && !/^-?\d+$/.test(value);
  if (isText) return toEventValue(type, value);
  if (typeof value !== 'string' && !Number.isInteger(value)) return value;
  const number = BigInt(value as string | number);
  const size = number < 0n ? -number : number;
  const isNanos = name.endsWith('.NanoTimestamp') || (name === '' && size >= LEAST_NANOS);
  const isMicros = name.endsWith('.MicroTimestamp') || (name === '' && size >= LEAST_MICROS);
  const micros = isNanos ? number / 1000n : isMicros ? number : number * 1000n;
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const date = new Date(Number((micros - rest) / 1000n));
  if (Number.isNaN(date.getTime())) return value;
  const time = `${date.toISOString().slice(-14, -1)}${String(rest).padStart(3, '0')}`;
  return writeInstant(date, time, type === 'timestamptz' ? 'Z' : '');
}
