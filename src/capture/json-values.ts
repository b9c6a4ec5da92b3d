/**
 * A value of the source → the SQL of its JSON text, in the form that events have for the type of the model's column
 * (docs/events.md). A source whose type does not fit gives a string, which the schema of the event may refuse: bad data is
 * for the reader to reject, never a reason to fail a statement of production.
 */
import type { ColumnType } from '../model/types.js';
import type { NeededSettings } from './plan.js';

/** Types of which two equal values have the same text. */
const EXACT: ReadonlySet<string> = new Set([
  'bool',
  'int2',
  'int4',
  'int8',
  'oid',
  'text',
  'varchar',
  'name',
  'uuid',
  'bytea',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'inet',
  'cidr',
  'macaddr',
]);

/** Types whose JSON text no setting of a session changes. */
const STEADY: ReadonlySet<string> = new Set([...EXACT, 'numeric', 'json', 'jsonb', 'bpchar']);

const INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);
const FLOATS: ReadonlySet<string> = new Set(['float4', 'float8']);
const MOMENTS: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz']);

export function isExact(type: string): boolean {
  return EXACT.has(type);
}

export function neededSettings(type: string): NeededSettings {
  if (FLOATS.has(type)) return 'floats';
  return STEADY.has(type) && type !== 'bytea' ? 'none' : 'all';
}

/**
 * @param type of the model's column
 * @param source pg_type.typname of the value
 * @param value SQL of the value
 */
export function jsonText(type: ColumnType, source: string, value: string): string {
  const form = (name: string, of = value) => `edp_capture.json_${name}(${of})`;
  const isNumber = INTEGERS.has(source) || FLOATS.has(source) || source === 'numeric';
  switch (type) {
    case 'smallint':
    case 'int':
    case 'real':
    case 'double':
      return isNumber ? form('number') : asText(source, value);
    case 'bigint':
    case 'numeric':
      if (INTEGERS.has(source)) return form('digits', `${value}::bigint`);
      if (source === 'numeric') return form('digits');
      return FLOATS.has(source) ? form('digits', `${value}::numeric`) : asText(source, value);
    case 'boolean':
      return source === 'bool' ? form('boolean') : asText(source, value);
    case 'uuid':
      return source === 'uuid' ? form('uuid') : asText(source, value);
    case 'json':
    case 'jsonb':
      return source === 'json' || source === 'jsonb'
        ? form('value')
        : `edp_capture.json_value(to_json(${value}))`;
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return MOMENTS.has(source)
        ? form(type, asMoment(type, source, value))
        : asText(source, value);
    case 'text':
      return source === 'bpchar' ? form('padded') : asText(source, value);
  }
}

function asText(source: string, value: string): string {
  return source === 'uuid'
    ? `edp_capture.json_uuid(${value})`
    : `edp_capture.json_text(${source === 'text' || source === 'varchar' ? value : `${value}::text`})`;
}

/** What has no zone is taken for UTC. */
function asMoment(
  type: 'date' | 'timestamp' | 'timestamptz',
  source: string,
  value: string,
): string {
  if (type === source) return value;
  const isZoned = source === 'timestamptz';
  if (type === 'timestamptz') return `(${value}::timestamp AT TIME ZONE 'UTC')`;
  const local = isZoned ? `(${value} AT TIME ZONE 'UTC')` : value;
  return `${local}::${type}`;
}

/** Whether the values of a source fit the type of the model's column. */
export function fits(type: ColumnType, source: string): boolean {
  switch (type) {
    case 'smallint':
      return source === 'int2';
    case 'int':
      return source === 'int2' || source === 'int4';
    case 'bigint':
      return INTEGERS.has(source);
    case 'numeric':
      return INTEGERS.has(source) || source === 'numeric' || FLOATS.has(source);
    case 'real':
    case 'double':
      return INTEGERS.has(source) || FLOATS.has(source) || source === 'numeric';
    case 'boolean':
      return source === 'bool';
    case 'uuid':
      return source === 'uuid';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return MOMENTS.has(source);
    case 'json':
    case 'jsonb':
    case 'text':
      return true;
  }
}
