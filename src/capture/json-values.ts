/**
 * A value of the source → the SQL of its text, in the form that events have for the type of the model's column
 * (docs/events.md). A source whose type does not fit gives a string, which the schema of the event may refuse: bad data is
 * for the reader to reject, never a reason to fail a statement of production.
 */
import type { ColumnType } from '../model/types.js';
import type { Comparison, NeededSettings } from './plan.js';
import type { ValueKind } from './value-json.js';

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

/** @param isLoose whether its collation takes different texts for equal */
export function comparisonOf(type: string, isLoose: boolean): Comparison {
  if (type === 'numeric') return 'scale';
  return EXACT.has(type) && !isLoose ? 'equality' : 'bytes';
}

/** @param form of the values of a source of that type */
export function neededSettings(type: string, { kind }: ValueForm): NeededSettings {
  if (FLOATS.has(type)) return 'floats';
  const isWrittenOtherwise = MOMENTS.has(type) && !MOMENTS.has(kind);
  return STEADY.has(type) && type !== 'bytea' && !isWrittenOtherwise ? 'none' : 'all';
}

/** Functions in the source make two texts of a value: its JSON (`json_…`), and the plain text that triggers keep (`plain_…`). */
export interface ValueForm {
  readonly kind: ValueKind;
  /** @param value SQL of a value of the source @returns SQL of what the functions take */
  readonly convert: (value: string) => string;
}

/** @param value SQL of the value */
export function jsonText({ kind, convert }: ValueForm, value: string): string {
  return `edp_capture.json_${kind}(${convert(value)})`;
}

/** @param value SQL of the value */
export function plainText({ kind, convert }: ValueForm, value: string): string {
  return `edp_capture.plain_${kind}(${convert(value)})`;
}

/**
 * @param type of the model's column
 * @param source pg_type.typname of the value
 */
export function formOf(type: ColumnType, source: string): ValueForm {
  const isNumber = INTEGERS.has(source) || FLOATS.has(source) || source === 'numeric';
  switch (type) {
    case 'smallint':
    case 'int':
    case 'real':
    case 'double':
      return isNumber ? asIs('number') : asText(source);
    case 'bigint':
    case 'numeric':
      if (INTEGERS.has(source)) return cast('digits', 'bigint');
      if (source === 'numeric') return asIs('digits');
      return FLOATS.has(source) ? cast('digits', 'numeric') : asText(source);
    case 'boolean':
      return source === 'bool' ? asIs('boolean') : asText(source);
    case 'uuid':
      return asText(source);
    case 'json':
    case 'jsonb':
      return source === 'json' || source === 'jsonb'
        ? asIs('value')
        : { kind: 'value', convert: (value) => `to_json(${value})` };
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return MOMENTS.has(source)
        ? { kind: type, convert: (value) => asMoment(type, source, value) }
        : asText(source);
    case 'text':
      return source === 'bpchar' ? asIs('padded') : asText(source);
  }
}

function asIs(kind: ValueKind): ValueForm {
  return { kind, convert: (value) => value };
}

function cast(kind: ValueKind, to: string): ValueForm {
  return { kind, convert: (value) => `${value}::${to}` };
}

function asText(source: string): ValueForm {
  if (source === 'uuid') return asIs('uuid');
  return source === 'text' || source === 'varchar' ? asIs('text') : cast('text', 'text');
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
