/** Tables whose columns correct what they read, and have columns of no field. */
import fc from 'fast-check';
import type { Corrections, JsonForm } from '../../src/model/corrections.js';
import type { ColumnType } from '../../src/model/types.js';
import { type FieldShape, type Shape, shapes } from './shapes.js';
import { bytesOf, pick } from './text-parts.js';

const INTEGERS: readonly ColumnType[] = ['smallint', 'int', 'bigint'];
const NUMERIC_TYPES: readonly ColumnType[] = [...INTEGERS, 'real', 'double', 'numeric'];
const TIMES: readonly ColumnType[] = ['timestamp', 'timestamptz'];

/** Corrections of a column of some type, as many as may stand together. */
function correctionsOf(type: ColumnType): fc.Arbitrary<Corrections> {
  const sometimes = <T>(value: T) => fc.constantFrom(undefined, undefined, value);
  const only = <T>(types: readonly ColumnType[], ...values: T[]) =>
    types.includes(type) ? fc.constantFrom(undefined, ...values) : fc.constant(undefined);
  const fallback = NUMERIC_TYPES.includes(type) ? '7' : type === 'text' ? 'é' : 'infinity';
  return fc
    .record({
      trim: sometimes(true),
      nulls: sometimes(['NA', '-', '1', 'é', '1970-01-01']),
      emptyAsNull: only(['text'], true),
      values: sometimes({ '1': ['x', '0', 'NA'], t: ['ja'], 'a long word for a short one': ['Z'] }),
      case: only<'lower' | 'upper'>(['text'], 'lower', 'upper'),
      storedAs: only<JsonForm>(['json', 'jsonb'], 'json-string', 'python', 'list'),
      currency: only(NUMERIC_TYPES, ['€', '$']),
      thousands: only(NUMERIC_TYPES, "'"),
      decimal: only(NUMERIC_TYPES, ','),
      format: only(['date', ...TIMES], ['%d.%m.%Y', '%Y-%m-%d %H:%M:%S']),
      timezone: only(TIMES, 'Europe/Amsterdam'),
      truncate: only<'minute' | 'day'>(TIMES, 'minute', 'day'),
      default: only([...NUMERIC_TYPES, 'text', 'date', ...TIMES], fallback),
    })
    .map((given) =>
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    );
}

/** Texts that corrections have to do with. */
export const CORRECTABLE = pick(
  ...[
    'NA',
    '-',
    'x',
    'ja',
    'Z',
    ' 1 ',
    '\t',
    "1'000",
    '$5',
    '1,5',
    'ABC',
    'ß',
    '31.12.2024',
    '"a"',
  ],
).map(bytesOf);

const COMPUTED = [
  "f0 || 'x'",
  'f0 * 2',
  'coalesce(f1, f0)',
  "upper(f0) || f1 || ''",
  'coalesce(f9, f0)',
];

/** Tables whose columns correct, and have columns of no field. */
export const correctedShapes: fc.Arbitrary<Shape> = shapes.chain((shape) =>
  fc.record({
    ...mapRecord(shape),
    fields: fc.tuple(
      ...shape.fields.map((field): fc.Arbitrary<FieldShape> => {
        if (field.kind === 'ignored') return fc.constantFrom(field, { kind: 'new' as const });
        if (field.kind !== 'column') return fc.constant(field);
        return fc.option(correctionsOf(field.type), { nil: undefined }).map((corrections) => ({
          ...field,
          ...(corrections === undefined ? {} : { corrections }),
        }));
      }),
    ),
    more: fc.array(
      fc.oneof(
        fc.record({
          type: fc.constantFrom<ColumnType>('text', 'int', 'timestamp'),
          isNullable: fc.boolean(),
          origin: fc.constantFrom('5', 'a constant', '').map((text) => ({
            kind: 'constant' as const,
            text,
          })),
        }),
        fc.record({
          type: fc.constantFrom<ColumnType>('text', 'text', 'numeric', 'int'),
          isNullable: fc.boolean(),
          origin: fc.constantFrom(...COMPUTED).map((expression) => ({
            kind: 'computed' as const,
            expression,
          })),
        }),
      ),
      { maxLength: 2 },
    ),
  }),
) as unknown as fc.Arbitrary<Shape>;

function mapRecord(shape: Shape): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, fc.constant(value)]));
}
