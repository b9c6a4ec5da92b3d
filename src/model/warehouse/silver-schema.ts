/** The shape of `silver:` in edp.yaml. */
import { z } from 'zod';
import { notesShape } from '../notes-schema.js';
import { columnName } from '../schema.js';
import {
  columnList,
  expectedOf,
  interval,
  isSound,
  sourceName,
  sqlText,
  taskName,
  timezoneName,
  valueTexts,
} from './schema-parts.js';
import { TRUNCATIONS } from './task.js';

const columnDetails = () =>
  z
    .strictObject({
      from: columnName.optional().describe('Column of the source'),
      sql: sqlText().optional().describe('SQL over the columns of the source, instead of from'),
      type: z
        .string({ error: 'expected a type of PostgreSQL' })
        .min(1, 'expected a type of PostgreSQL')
        .optional()
        .describe('Type that the value is cast to, as in SQL'),
      timezone: timezoneName()
        .optional()
        .describe('Zone of times that have none; the column has them in UTC'),
      truncate: z
        .enum(TRUNCATIONS, { error: expectedOf(TRUNCATIONS) })
        .optional()
        .describe('Unit below which a time is cut off'),
      values: z
        .record(z.string(), valueTexts(), {
          error: 'values are {value: spelling, or list of them}',
        })
        .optional()
        .describe('Value to its spellings in the source; any other value stays as it is'),
      'on-error': z
        .union([z.null(), z.enum(['null', 'fail'])], { error: 'expected null or fail' })
        .optional()
        .describe('null makes a value NULL that cannot be cast; else the slice fails'),
      ...notesShape,
    })
    .refine(({ from, sql }) => (from === undefined) !== (sql === undefined), {
      message: 'a column has either from or sql',
      when: isSound,
    });

const silverColumn = () =>
  z.union([columnName, columnDetails()], {
    error:
      'a column is the name of a column of the source, or {from, sql, type, timezone, truncate, values, on-error}',
  });

const history = () =>
  z.strictObject(
    {
      by: columnName.describe('Column of the source: the moment from which a version is valid'),
      timezone: timezoneName()
        .optional()
        .describe('Zone of moments that have none; valid_from has them in UTC'),
    },
    { error: 'history is {by: column of the source}' },
  );

export const silverSchema = () =>
  z
    .strictObject({
      from: sourceName().describe(
        'Table or view that it is made from; schema.name outside of bronze',
      ),
      key: columnList().describe('Column, or columns, that identify a row'),
      columns: z
        .record(columnName, silverColumn(), { error: 'columns are {name: column of the source}' })
        .refine((all) => Object.keys(all).length > 0, {
          message: 'a table of silver has at least one column',
        })
        .describe('The columns that it has; no others are taken'),
      where: sqlText().optional().describe('SQL over the columns of the source: rows to take'),
      'latest-by': columnName
        .optional()
        .describe('Column of the source: of several rows with one key the latest counts'),
      history: history()
        .optional()
        .describe('Keeps every version of a key, with valid_from, valid_to and is_current'),
      'incremental-by': columnName
        .optional()
        .describe('Column of a source that edp does not load, by which new rows are found'),
      overlap: interval().optional().describe('How far incremental-by looks back'),
      ...notesShape,
    })
    .refine((task) => task.overlap === undefined || task['incremental-by'] !== undefined, {
      when: isSound,
      message: 'overlap says how far incremental-by looks back; name that column, too',
      path: ['overlap'],
    })
    .refine((task) => task.history === undefined || task['latest-by'] === undefined, {
      when: isSound,
      message: 'history keeps every version of a key, latest-by only one; remove one of them',
      path: ['history'],
    });

export type SilverInput = z.output<ReturnType<typeof silverSchema>>;
export type SilverColumnInput = SilverInput['columns'][string];

export const silverSection = () =>
  z.record(taskName(), silverSchema(), {
    error: 'silver is {name: {from, key, columns}}',
  });
