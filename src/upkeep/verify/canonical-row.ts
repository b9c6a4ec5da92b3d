/**
 * Fields in binary form → fields that are equal, byte for byte, where their values are equal.
 *
 * The binary form of nearly every type is exact and has one form per value. Exceptions are:
 * - jsonb, which is sent as the text it was written as, or as the server prints it;
 * - a column narrower than its type, such as numeric(10,2), in which the server rounds, pads or
 *   cuts;
 * - a metric that was declared after its rows were loaded, and is still in the extra column;
 * - NaN, and the infinities of numeric, which have several forms.
 *
 * The server has a second, wider equality, by which it finds duplicates: 1.0 equals 1.00, -0 equals
 * 0.
 */

import { LenientEncoder } from '../../lanes/lenient-encoder.js';
import { Fault } from '../../model/reject-codes.js';
import type { ColumnType } from '../../model/types.js';
import { coerceNumeric, type Decimal, encodeBytes } from '../../values/coerce.js';
import { RowWriter } from '../../values/copy-binary.js';
import type { FieldBytes } from '../../values/copy-fields.js';
import { splitRow } from '../../values/copy-fields.js';
import { fieldText } from '../../values/copy-text.js';
import { canonicalJson, canonicalMembers, canonicalNumber, joinMembers } from './canonical-json.js';
import type { ComparedColumn, ComparedSource, RowShape } from './shape.js';
import { foldLetters } from './text-equality.js';

export type Side = 'file' | 'table';

/** Which fields of a column have several forms. */
export const CONCERNS = {
  none: 0,
  all: 1,
  /** NaN, and the infinities of numeric, which have several forms. */
  specialReal: 2,
  specialDouble: 3,
  specialNumeric: 4,
} as const;

const SPECIAL_VALUES: Readonly<Partial<Record<ColumnType, number>>> = {
  real: CONCERNS.specialReal,
  double: CONCERNS.specialDouble,
  numeric: CONCERNS.specialNumeric,
};

/** From this sign on, a numeric is NaN or infinite. */
export const NUMERIC_SPECIAL = 0xc000;

type FieldRule = (field: Buffer) => Buffer;

export class CanonicalRow {
  /**
   * Which fields {@link apply} may change, by column; a row without such fields can be used as it
   * is.
   */
  readonly concerns: Uint8Array;
  readonly #rules: readonly (FieldRule | undefined)[];
  readonly #sources: readonly DeclaredMetrics[];

  /**
   * @param promoted columns of metrics that were promoted: jsonb had rewritten their numbers before
   */
  constructor(shape: RowShape, side: Side, promoted: ReadonlySet<string>) {
    this.#rules = shape.columns.map((column) => ruleFor(column, side, promoted.has(column.name)));
    this.#sources = shape.sources.map((source) => new DeclaredMetrics(source, shape));
    this.concerns = Uint8Array.from(shape.columns, ({ type }, i) =>
      this.#rules[i] === undefined ? CONCERNS.none : (SPECIAL_VALUES[type] ?? CONCERNS.all),
    );
    for (const [i, { name, sqlType }] of shape.columns.entries()) {
      const isNarrow = side === 'file' && fittingRule(sqlType) !== undefined;
      if (this.#rules[i] !== undefined && (isNarrow || promoted.has(name))) {
        this.concerns[i] = CONCERNS.all;
      }
    }
    for (const { extra } of shape.sources) this.concerns[extra] = CONCERNS.all;
  }

  /** Changes `fields` in place. */
  apply(fields: FieldBytes[]): void {
    for (const source of this.#sources) source.settle(fields);
    for (const [index, rule] of this.#rules.entries()) {
      const field = fields[index]!;
      if (field !== null && rule !== undefined) fields[index] = rule(field);
    }
  }
}

function ruleFor(column: ComparedColumn, side: Side, isPromoted: boolean): FieldRule | undefined {
  const { type, sqlType } = column;
  if (type === 'jsonb') return canonicalJsonb;
  if (isPromoted) {
    // jsonb returned 1.50e1 as 15.0, and -0 as 0.
    if (type === 'text') return canonicalNumberText;
    if (NUMBERS_WITH_FORMS.has(type)) return (field) => looseField(column, field)!;
  }
  const narrow = side === 'file' ? fittingRule(sqlType) : undefined;
  if (type === 'real') return canonicalReal;
  if (type === 'double') return canonicalDouble;
  if (type === 'numeric') {
    return (field) => canonicalNumeric(narrow === undefined ? field : narrow(field));
  }
  return narrow;
}

const NAN_4 = Buffer.from('7fc00000', 'hex');
const NAN_8 = Buffer.from('7ff8000000000000', 'hex');

function canonicalReal(field: Buffer): Buffer {
  return Number.isNaN(field.readFloatBE(0)) ? NAN_4 : field;
}

function canonicalDouble(field: Buffer): Buffer {
  return Number.isNaN(field.readDoubleBE(0)) ? NAN_8 : field;
}

/** The server sends its infinities with a scale that has no meaning. */
function canonicalNumeric(field: Buffer): Buffer {
  const sign = field.readUInt16BE(4);
  if (sign < NUMERIC_SPECIAL) return field;
  const special = Buffer.alloc(8);
  special.writeUInt16BE(sign, 4);
  return special;
}

function canonicalJsonb(field: Buffer): Buffer {
  try {
    return Buffer.from(canonicalJson(field.toString('utf8', 1)));
  } catch (error) {
    // Nested deeper than the stack; the server's own text is used.
    if (error instanceof RangeError || error instanceof SyntaxError) return field.subarray(1);
    throw error;
  }
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function canonicalNumberText(field: Buffer): Buffer {
  const text = field.toString();
  return JSON_NUMBER.test(text)
    ? Buffer.from(canonicalNumber(text, { ignoresScale: true }))
    : field;
}

const NUMBERS_WITH_FORMS: ReadonlySet<ColumnType> = new Set(['real', 'double', 'numeric']);

/** How the server changes a value that goes into a narrower column. */
function fittingRule(sqlType: string): FieldRule | undefined {
  const match = /^(numeric|character varying|character|timestamp)\((-?\d+)(?:,(-?\d+))?\)/.exec(
    sqlType,
  );
  if (match === null) return undefined;
  const size = Number(match[2]);
  switch (match[1]) {
    case 'numeric':
      return (field) => roundNumeric(field, Number(match[3] ?? 0));
    case 'timestamp':
      return (field) => roundTimestamp(field, size);
    case 'character':
      return (field) => {
        const characters = [...field.toString()];
        const padding = Math.max(0, size - characters.length);
        return Buffer.from(cutSpaces(characters, size) + ' '.repeat(padding));
      };
    default:
      return (field) => Buffer.from(cutSpaces([...field.toString()], size));
  }
}

/** Only spaces are ever cut; otherwise the server refuses the value. */
function cutSpaces(characters: readonly string[], size: number): string {
  const isCut = characters.slice(size).every((character) => character === ' ');
  return (isCut ? characters.slice(0, size) : characters).join('');
}

function encodeNumeric(value: Decimal | number): Buffer {
  const writer = new RowWriter();
  writer.beginRow(1);
  writer.numeric(value);
  return splitRow(writer.lendRows())[0]!;
}

function withoutScale(field: Buffer): Buffer {
  const text = canonicalNumber(fieldText('numeric', field), { ignoresScale: true });
  const value = coerceNumeric(text);
  return value instanceof Fault ? field : encodeNumeric(value);
}

/** Rounds half away from zero, as round_var in numeric.c. */
function roundNumeric(field: Buffer, scale: number): Buffer {
  const value = coerceNumeric(fieldText('numeric', field));
  if (value instanceof Fault || typeof value === 'number') return field;
  const shown = Math.max(0, scale);
  const surplus = -value.exponent - scale;
  if (surplus <= 0) return encodeNumeric({ ...value, scale: shown, exponent: value.exponent });
  const unit = 10n ** BigInt(surplus);
  const rounded = String((BigInt(`0${value.digits}`) * 2n + unit) / (2n * unit));
  const digits = rounded === '0' ? '' : rounded;
  return encodeNumeric({
    isNegative: value.isNegative && digits !== '',
    digits,
    exponent: -scale,
    scale: shown,
  });
}

/** Source: AdjustTimestampForTypmod in src/backend/utils/adt/timestamp.c. */
function roundTimestamp(field: Buffer, digits: number): Buffer {
  const micros = field.readBigInt64BE(0);
  if (micros === 2n ** 63n - 1n || micros === -(2n ** 63n)) return field;
  const unit = 10n ** BigInt(6 - Math.min(6, digits));
  const half = unit / 2n;
  const rounded =
    micros >= 0n ? ((micros + half) / unit) * unit : -(((half - micros) / unit) * unit);
  const out = Buffer.allocUnsafe(8);
  out.writeBigInt64BE(rounded);
  return out;
}

/**
 * Metrics that are declared now and are still in the extra column: their rows were loaded before
 * the declaration. They are treated as if `edp promote` had already moved them.
 */
class DeclaredMetrics {
  readonly #extra: number;
  readonly #columns: readonly number[];
  readonly #keys: readonly string[];
  readonly #names: readonly string[];
  readonly #encoder: LenientEncoder;

  constructor({ extra, metrics }: ComparedSource, { columns }: RowShape) {
    this.#extra = extra;
    const declared = metrics.filter(({ column }) => column >= 0);
    this.#columns = declared.map(({ column }) => column);
    this.#keys = declared.map(({ key }) => key);
    this.#names = this.#columns.map((column) => columns[column]!.name);
    this.#encoder = new LenientEncoder(
      {
        table: '',
        columns: declared.map(({ column }, metric) => ({
          name: columns[column]!.name,
          type: columns[column]!.type,
          isNullable: true,
          from: 'metric' as const,
          source: 0,
          metric,
        })),
        sources: [
          {
            field: 0,
            fieldName: '',
            path: [],
            keys: this.#keys,
            isJson: declared.map(({ isJson }) => isJson),
          },
        ],
        key: [],
        fieldCount: 1,
      },
      0,
    );
  }

  settle(fields: FieldBytes[]): void {
    const extra = fields[this.#extra];
    if (extra == null || !this.#keys.some((key) => extra.includes(JSON.stringify(key)))) return;
    const members = membersOf(extra);
    const present = this.#keys.filter((key) => members?.has(key));
    if (members === undefined || present.length === 0) return;
    const kept = joinMembers(new Map(present.map((key) => [key, members.get(key)!])));
    const row = this.#encoder.encode([encodeBytes(kept)]);
    if (row instanceof Fault) return;
    const unfit = new Set(row.unfit.map(({ column }) => column));
    for (const [metric, key] of this.#keys.entries()) {
      if (!members.has(key) || unfit.has(this.#names[metric]!)) continue;
      const field = row.fields[metric]!;
      fields[this.#columns[metric]!] = field === null ? null : Buffer.from(field);
    }
    for (const [metric, key] of this.#keys.entries()) {
      if (!unfit.has(this.#names[metric]!)) members.delete(key);
    }
    fields[this.#extra] =
      members.size === 0 ? null : Buffer.concat([VERSION, Buffer.from(joinMembers(members))]);
  }
}

/** jsonb is sent as text behind a version number. */
const VERSION = Buffer.from([1]);

function membersOf(jsonb: Buffer): Map<string, string> | undefined {
  try {
    return canonicalMembers(jsonb.toString('utf8', 1));
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Types in which blanks at the end do not count. */
const PADDED = /^(?:character\(|bpchar$)/;

/** One form for all values that the server calls equal to this one. @param field canonical */
export function looseField(
  { type, sqlType, folds }: ComparedColumn,
  field: FieldBytes,
): FieldBytes {
  if (field === null) return null;
  switch (type) {
    case 'real':
      return field.readFloatBE(0) === 0 ? Buffer.alloc(4) : canonicalReal(field);
    case 'double':
      return field.readDoubleBE(0) === 0 ? Buffer.alloc(8) : canonicalDouble(field);
    case 'numeric':
      return withoutScale(field);
    case 'jsonb':
      // Already canonical text, which has no version number.
      return looseJson(field);
    case 'text':
      if (PADDED.test(sqlType)) return Buffer.from(field.toString().replace(/ +$/, ''));
      return folds === undefined ? field : Buffer.from(foldLetters(field.toString(), folds));
    default:
      return field;
  }
}

function looseJson(field: Buffer): Buffer {
  try {
    return Buffer.from(canonicalJson(field.toString(), { ignoresScale: true }));
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return field;
    throw error;
  }
}
