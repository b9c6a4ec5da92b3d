/** The shape of `facts:` in edp.yaml. */
import { z } from 'zod';
import { wordsOf } from '../choices.js';
import { notesShape } from '../notes-schema.js';
import { partitionRange } from '../partition-schema.js';
import { PARTITION_UNITS } from '../partitions.js';
import { columnName } from '../schema.js';
import {
  columnList,
  expectedOf,
  isSound,
  sourceName,
  taskName,
  timezoneName,
} from './schema-parts.js';
import { SLICE_UNITS } from './task.js';

export const NO_PARTITIONS = 'none';

const by = () =>
  z.union([columnList(), z.record(columnName, columnName)], {
    error:
      'by is a list of columns that both have, or {column of the dimension: column of the source}',
  });

const lookUp = () =>
  z.strictObject(
    {
      dimension: sourceName().describe('Name of the dimension'),
      by: by().describe(
        'Natural key of the dimension: columns that both have, or {column of the dimension: column of the source}',
      ),
      'as-of': columnName
        .optional()
        .describe(
          'Column of the source: the version of that moment is looked up, in a dimension with type-2 (default: the version of today)',
        ),
      ...notesShape,
    },
    { error: 'a look-up is {dimension, by, as-of}' },
  );

const measureForm = () => z.string({ error: 'a measure is an aggregate, such as sum(amount)' });

const measure = () =>
  z.union(
    [
      measureForm(),
      z.strictObject({
        value: measureForm().describe('The aggregate'),
        round: z
          .int({ error: 'expected a number of digits' })
          .min(0, 'expected 0 to 15 digits')
          .max(15, 'expected 0 to 15 digits')
          .optional()
          .describe('Digits behind the point that it is rounded to'),
        ...notesShape,
      }),
    ],
    { error: 'a measure is an aggregate, such as sum(amount), or {value, round}' },
  );

export const factSchema = () =>
  z
    .strictObject({
      from: sourceName().describe('Task, table or view that it is made from'),
      date: columnName.describe(
        'Column of the source that gives the column date, the unit of a run',
      ),
      timezone: timezoneName().optional().describe('Zone whose days and hours count (default UTC)'),
      slice: z
        .enum(SLICE_UNITS, { error: expectedOf(SLICE_UNITS) })
        .optional()
        .describe('Stretch of time that is made at once (default day)'),
      dimensions: z
        .record(columnName, lookUp(), { error: 'dimensions is {column: {dimension, by}}' })
        .optional()
        .describe('Column of the fact to the dimension whose id it has'),
      columns: z
        .union([columnName, z.array(columnName)], { error: 'expected a list of columns' })
        .optional()
        .describe('Columns of the source that are taken as they are'),
      measures: z
        .record(columnName, measure(), { error: 'measures is {column: aggregate}' })
        .refine((all) => Object.keys(all).length > 0, { message: 'measures has at least one' })
        .optional()
        .describe('Column to aggregate: sum, count, min, max, avg, count(distinct …)'),
      key: columnList()
        .optional()
        .describe('Columns of the source that identify a row, for a fact that is not aggregated'),
      'partition-by': z
        .enum([...wordsOf(PARTITION_UNITS), NO_PARTITIONS], {
          error: 'a fact is divided by its dates: partition-by is day, month, year or none',
        })
        .optional()
        .describe(
          'Divides the table by its dates; a partition is made before its first row (default none)',
        ),
      'partition-range': partitionRange,
      ...notesShape,
    })
    .refine(({ key, measures }) => (key === undefined) !== (measures === undefined), {
      when: isSound,
      message:
        'a fact has either measures (it is aggregated) or key (it has a row per row of the source)',
    });

export type FactInput = z.output<ReturnType<typeof factSchema>>;
export type LookUpInput = NonNullable<FactInput['dimensions']>[string];
export type MeasureInput = NonNullable<FactInput['measures']>[string];

export const factsSection = () =>
  z.record(taskName(), factSchema(), {
    error: 'facts is {name: {from, date, measures}} or {name: {from, date, key}}',
  });
