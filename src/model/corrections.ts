/**
 * The corrections of values that a column declares, as edp.yaml writes them. Plain data;
 * values/correct/ implements them.
 */
import { z } from 'zod';
import { toCamelCase } from '../base/camel-case.js';
import { parseDateFormat } from './date-format.js';
import { parseExpression } from './expression.js';
import type { ColumnType } from './types.js';

const EPOCH_UNITS = ['seconds', 'millis', 'micros', 'nanos'] as const;
export type EpochUnit = (typeof EPOCH_UNITS)[number];

const TRUNCATE_UNITS = ['second', 'minute', 'hour', 'day'] as const;
export type TruncateUnit = (typeof TRUNCATE_UNITS)[number];

const JSON_FORMS = ['json-string', 'python', 'postgres-array', 'list'] as const;
export type JsonForm = (typeof JSON_FORMS)[number];

/** In the order in which they are applied. */
export interface Corrections {
  readonly trim?: boolean;
  /** Texts that mean NULL. */
  readonly nulls?: readonly string[];
  readonly emptyAsNull?: boolean;
  /** A value → its other spellings. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  readonly case?: 'lower' | 'upper';
  /** Notation of the text that becomes JSON. */
  readonly storedAs?: JsonForm;
  /** Between the members of a list. */
  readonly separator?: string;
  /** Signs, or words, before or after a number. */
  readonly currency?: readonly string[];
  /** Between the digits of a number. */
  readonly thousands?: string;
  /** Before the decimals of a number. */
  readonly decimal?: string;
  /** Formats of strptime; the first that fits is used. */
  readonly format?: readonly string[];
  readonly epoch?: EpochUnit;
  /** IANA name of the zone of times without a zone. */
  readonly timezone?: string;
  readonly truncate?: TruncateUnit;
  /** Replaces NULL. */
  readonly default?: string;
}

const TRUE_OR_FALSE = { error: 'expected true or false' };

const QUOTE_NUMBERS = 'put a number in quotes, so that it is taken as it is written';

/** `null`, `true` and `false` are words here. */
const word = z
  .union([z.string(), z.null(), z.boolean()], { error: QUOTE_NUMBERS })
  .transform((value) => String(value));
const words = z
  .union([z.array(word, { error: QUOTE_NUMBERS }), word], { error: QUOTE_NUMBERS })
  .transform((value) => (typeof value === 'string' ? [value] : value));
const value = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected a text or a number' })
  .transform((input) => String(input));
const separator = z.string().min(1, 'expected at least one character');

/** The keys of a column beside its type. */
export const correctionShape = {
  trim: z.boolean(TRUE_OR_FALSE).optional().describe('Takes blanks off both ends'),
  nulls: words.optional().describe('Texts that mean NULL, such as NA, \\N, null or -'),
  'empty-as-null': z.boolean(TRUE_OR_FALSE).optional().describe('Makes empty text NULL'),
  values: z
    .record(z.string(), words)
    .optional()
    .describe('The value that is meant, and how else it is spelled: {open: [OPEN, Opened]}'),
  case: z.enum(['lower', 'upper'], { error: 'expected lower or upper' }).optional(),
  'stored-as': z
    .enum(JSON_FORMS, { error: `expected ${JSON_FORMS.join(', ')}` })
    .optional()
    .describe('What a json column finds in its field: JSON in a string, a Python literal, …'),
  separator: separator.optional().describe('Between the members of a list (default ,)'),
  currency: words.optional().describe('Signs or words before or after a number, such as €'),
  thousands: separator.optional().describe('Between groups of digits'),
  decimal: separator.optional().describe('Before the decimals (default .)'),
  format: words.optional().describe('How dates are written, as strptime has it: %d.%m.%Y %H:%M'),
  epoch: z
    .enum(EPOCH_UNITS, { error: `expected ${EPOCH_UNITS.join(', ')}` })
    .optional()
    .describe('Times are numbers since 1970-01-01 UTC, in this unit'),
  timezone: z
    .string()
    .refine(isTimeZone, {
      error: ({ input }) => `"${input}" is no time zone, such as Europe/Amsterdam`,
    })
    .optional()
    .describe('Zone of times that have none'),
  truncate: z
    .enum(TRUNCATE_UNITS, { error: `expected ${TRUNCATE_UNITS.join(', ')}` })
    .optional()
    .describe('Cuts times down to this unit'),
  default: value
    .optional()
    .describe('Value in place of NULL, also where the file has no such field'),
} as const;

/** The names under which corrections are counted; a separator alone corrects nothing. */
export type CorrectionName = Exclude<keyof typeof correctionShape, 'separator'>;

/** The keys of a column that replace its field. */
export const originShape = {
  constant: value.optional().describe('The same value for every row; no field is read'),
  computed: z
    .string()
    .optional()
    .describe("A simple expression over fields: price * quantity, date || ' ' || time"),
} as const;

const correctionSchema = z.object(correctionShape);

/** Whether it names a zone, or is a distance from UTC. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** @param declared a column of edp.yaml @returns undefined if it declares none */
export function toCorrections(
  declared: z.output<typeof correctionSchema>,
): Corrections | undefined {
  const names = Object.keys(correctionShape) as (keyof typeof correctionShape)[];
  const given = names.filter((name) => declared[name] !== undefined && declared[name] !== false);
  if (given.length === 0) return undefined;
  return Object.fromEntries(given.map((name) => [toCamelCase(name), declared[name]]));
}

const NUMBERS: readonly ColumnType[] = ['smallint', 'int', 'bigint', 'real', 'double', 'numeric'];
const TIMES: readonly ColumnType[] = ['timestamp', 'timestamptz'];
const ONLY_FOR: Readonly<Partial<Record<keyof typeof correctionShape, readonly ColumnType[]>>> = {
  case: ['text'],
  'empty-as-null': ['text'],
  'stored-as': ['json', 'jsonb'],
  separator: ['json', 'jsonb'],
  currency: NUMBERS,
  thousands: NUMBERS,
  decimal: NUMBERS,
  format: ['date', ...TIMES],
  epoch: TIMES,
  timezone: TIMES,
  truncate: TIMES,
};

/** Contradictions in a column: setting → fault. */
export function findCorrectionFaults(
  type: ColumnType,
  declared: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly message: string }[] {
  const faults: { name: string; message: string }[] = [];
  const has = (name: string) => declared[name] !== undefined;
  for (const [name, types] of Object.entries(ONLY_FOR)) {
    if (has(name) && !types.includes(type)) {
      faults.push({ name, message: `only for columns of type ${types.join(', ')}` });
    }
  }
  for (const format of (declared.format ?? []) as readonly string[]) {
    const message = messageOf(() => parseDateFormat(format));
    if (message !== undefined) faults.push({ name: 'format', message: `"${format}": ${message}` });
  }
  if (has('computed')) {
    const message = messageOf(() => parseExpression(declared.computed as string));
    if (message !== undefined) faults.push({ name: 'computed', message });
  }
  if (has('separator') && declared['stored-as'] !== 'list') {
    faults.push({ name: 'separator', message: 'only with `stored-as: list`' });
  }
  if (has('epoch') && has('format')) {
    faults.push({ name: 'epoch', message: 'a time is either a number or has a format' });
  }
  const { thousands, decimal = '.' } = declared;
  if (thousands !== undefined && thousands === decimal) {
    faults.push({ name: 'thousands', message: 'the same as what stands before the decimals' });
  }
  const spellings = new Map<string, string>();
  for (const [meant, others] of Object.entries(
    (declared.values ?? {}) as Record<string, readonly string[]>,
  )) {
    for (const spelling of others) {
      const other = spellings.get(spelling);
      if (other !== undefined && other !== meant) {
        faults.push({ name: 'values', message: `"${spelling}" means "${other}" and "${meant}"` });
      }
      spellings.set(spelling, meant);
    }
  }
  if (has('constant') || has('computed')) {
    const which = has('constant') ? 'constant' : 'computed';
    if (has('constant') && has('computed')) {
      faults.push({ name: 'computed', message: 'a column is constant or computed' });
    }
    if (has('field')) faults.push({ name: 'field', message: `a ${which} column reads no field` });
    if (has('constant')) {
      for (const name of Object.keys(correctionShape).filter(has)) {
        faults.push({ name, message: 'a constant column has nothing to correct' });
      }
    }
  }
  return faults;
}

function messageOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
