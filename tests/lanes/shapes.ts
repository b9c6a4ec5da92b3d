/** Tables of every shape, and the plan by which their files are loaded. */
import fc from 'fast-check';
import { PLAIN_DIALECT } from '../../src/formats/csv/dialect.js';
import type { FieldEncoding } from '../../src/formats/text/transcode.js';
import { planTable } from '../../src/mapping/table-plan.js';
import type { Corrections } from '../../src/model/corrections.js';
import type { Ragged } from '../../src/model/csv-settings.js';
import type { Column, MetricsSource, Table } from '../../src/model/model.js';
import type { ColumnType } from '../../src/model/types.js';
import type { Target } from './loading.js';
import { pick } from './text-parts.js';
import { TYPES } from './values.js';

export type FieldShape =
  | {
      readonly kind: 'column';
      readonly type: ColumnType;
      readonly isNullable: boolean;
      readonly refers: boolean;
      readonly corrections?: Corrections;
    }
  | { readonly kind: 'ignored' }
  /** One that no column is declared for, and that is kept. */
  | { readonly kind: 'new' }
  | {
      readonly kind: 'source';
      readonly path: readonly string[];
      readonly metrics: readonly { readonly key: string; readonly type: ColumnType }[];
    };

export interface Shape {
  readonly fields: readonly FieldShape[];
  /** Rotates the columns of the table against the fields of the header. */
  readonly rotation: number;
  readonly hasLineage: boolean;
  readonly loadId: number;
  readonly delimiter: string;
  readonly lineEnd: string;
  readonly encoding: FieldEncoding;
  readonly ragged: Ragged;
  /** Columns of no field. */
  readonly more?: readonly Pick<Column, 'type' | 'isNullable' | 'origin' | 'corrections'>[];
}

const metricKeys = fc.oneof(
  {
    arbitrary: pick('metric_one', 'metric_two', 'metric_n', 'a', 'b', 'ab', 'metric_'),
    weight: 30,
  },
  // With the quotes, of 15, 16, 17, 32 and 33 bytes, and so when these are doubled.
  {
    arbitrary: fc
      .constantFrom(11, 12, 13, 14, 15, 28, 29, 30, 31)
      .map((length) => 'a_metric_with_a_name_of_many_bytes'.slice(-length)),
    weight: 4,
  },
  {
    arbitrary: pick(
      '',
      ' ',
      'é',
      'q"',
      'b\\',
      'n\n',
      't\t',
      '__proto__',
      '$rest',
      ':',
      'x,y',
      '}',
      '\ud800',
    ),
    weight: 2,
  },
);
const metricTypes = fc.oneof(
  { arbitrary: fc.constantFrom<ColumnType>('int', 'int', 'bigint', 'smallint'), weight: 2 },
  fc.constantFrom(...TYPES),
);
const columnTypes = fc.constantFrom(...TYPES);
const column: fc.Arbitrary<FieldShape> = fc.record({
  kind: fc.constant('column' as const),
  type: fc.oneof({ arbitrary: columnTypes, weight: 2 }, fc.constantFrom<ColumnType>('int', 'text')),
  isNullable: fc.nat(3).map((n) => n > 0),
  refers: fc.nat(7).map((n) => n === 0),
});
const source: fc.Arbitrary<FieldShape> = fc.record({
  kind: fc.constant('source' as const),
  path: fc.oneof(
    fc.constantFrom<string[]>(['metrics'], ['metrics'], [], ['a', 'b']),
    fc.array(metricKeys, { maxLength: 2 }),
  ),
  metrics: fc.array(fc.record({ key: metricKeys, type: metricTypes }), { maxLength: 4 }),
});
const ignored: fc.Arbitrary<FieldShape> = fc.constant({ kind: 'ignored' });

const UTF8 = ['utf-8', 'utf-8', 'utf-8', 'utf-8', 'utf-8'] as const;
export const shapes: fc.Arbitrary<Shape> = fc.record({
  fields: fc.array(
    fc.oneof(
      { arbitrary: column, weight: 8 },
      { arbitrary: source, weight: 2 },
      { arbitrary: ignored, weight: 1 },
    ),
    { minLength: 1, maxLength: 8 },
  ),
  rotation: fc.nat(7),
  hasLineage: fc.boolean(),
  loadId: fc.constantFrom(1, 7, 2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1),
  delimiter: fc.oneof(
    { arbitrary: pick(','), weight: 10 },
    { arbitrary: pick('\t'), weight: 6 },
    { arbitrary: pick(';', '|'), weight: 2 },
    { arbitrary: pick(...' .-:+0T}a{\x00\x01_!'), weight: 1 },
  ),
  lineEnd: pick('\n', '\n', '\r\n'),
  encoding: fc.constantFrom<FieldEncoding>(...UTF8, ...UTF8, 'latin1', 'windows-1252'),
  ragged: fc.constantFrom<Ragged>('reject', 'reject', 'reject', 'pad'),
});

/** The built-in events, and a table with a column of every type that the lane takes. */
const EVENT_FIELDS: readonly FieldShape[] = [
  { kind: 'column', type: 'bigint', isNullable: false, refers: false },
  { kind: 'column', type: 'timestamp', isNullable: true, refers: false },
  { kind: 'column', type: 'timestamp', isNullable: true, refers: false },
  { kind: 'column', type: 'int', isNullable: true, refers: true },
  { kind: 'column', type: 'int', isNullable: true, refers: true },
  {
    kind: 'source',
    path: ['metrics'],
    metrics: ['metric_one', 'metric_two', 'metric_n'].map((key) => ({ key, type: 'int' })),
  },
];
export const EVENTS: Shape = {
  fields: EVENT_FIELDS,
  rotation: 0,
  hasLineage: true,
  loadId: 7,
  delimiter: ',',
  lineEnd: '\n',
  encoding: 'utf-8',
  ragged: 'reject',
};
export const EVERY_TYPE: Shape = {
  ...EVENTS,
  fields: [
    ...EVENT_FIELDS,
    ...TYPES.map((type): FieldShape => ({ kind: 'column', type, isNullable: true, refers: false })),
    { kind: 'ignored' },
    { kind: 'column', type: 'text', isNullable: true, refers: true },
    { kind: 'source', path: [], metrics: TYPES.map((type) => ({ key: `a_${type}`, type })) },
  ],
};
export const eventShapes: fc.Arbitrary<Shape> = fc
  .record({
    fields: fc.shuffledSubarray(EVENT_FIELDS.slice(), { minLength: 3 }),
    tail: fc.boolean(),
  })
  .chain(({ fields, tail }) =>
    fc.record({
      fields: fc.constant(tail ? [...fields, { kind: 'ignored' as const }] : fields),
      rotation: fc.nat(5),
      hasLineage: fc.constant(true),
      loadId: fc.constant(7),
      delimiter: pick(',', ',', '\t'),
      lineEnd: pick('\n', '\r\n'),
      encoding: fc.constant('utf-8' as const),
      ragged: fc.constant('reject' as const),
    }),
  );

/** @param nameOf the name of a field, by its number */
export function tableOf(shape: Shape, nameOf: (field: number) => string = (i) => `f${i}`) {
  const columns: Column[] = [];
  const sources: MetricsSource[] = [];
  const ignoredFields: string[] = [];
  const header = shape.fields.map((field, i) => {
    const name = nameOf(i);
    if (field.kind === 'column') {
      const { type, isNullable, corrections } = field;
      const correcting = corrections === undefined ? {} : { corrections };
      columns.push({ name: `c${i}`, type, isNullable, field: name, ...correcting });
    } else if (field.kind === 'source') {
      sources.push({
        field: name,
        path: field.path,
        metrics: field.metrics.map(({ key, type }, m) => ({ key, type, column: `m${i}_${m}` })),
        extraColumn: `x${i}`,
      });
    } else if (field.kind === 'ignored') {
      ignoredFields.push(name);
    }
    return name;
  });
  for (const [i, more] of (shape.more ?? []).entries()) {
    columns.push({ name: `o${i}`, field: `o${i}`, ...more });
  }
  const table: Table = {
    name: 'facts',
    columns: [...columns.slice(shape.rotation), ...columns.slice(0, shape.rotation)],
    key: [],
    indexes: [],
    sources,
    files: [],
    ignoredFields,
    extraColumn: 'extra_fields',
    ...(shape.hasLineage ? { lineageColumn: 'load_id' } : {}),
  };
  const references = shape.fields.flatMap((field, i) =>
    field.kind === 'column' && field.refers ? [`c${i}`] : [],
  );
  return { table, header, references };
}

export function targetOf(shape: Shape): Target {
  const { table, header, references } = tableOf(shape);
  return {
    plan: planTable(table, header, 'memory.csv'),
    recordForm: {
      format: 'csv',
      dialect: {
        ...PLAIN_DIALECT,
        delimiter: shape.delimiter,
        fieldCount: header.length,
        allowsBareQuotes: shape.delimiter === '\t',
        encoding: shape.encoding,
        ragged: shape.ragged,
      },
    },
    loadId: shape.loadId,
    references,
  };
}
