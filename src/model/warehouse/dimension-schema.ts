/** The shape of `dimensions:` in edp.yaml. */
import { z } from 'zod';
import { isDay } from '../day.js';
import { notesShape } from '../notes-schema.js';
import { columnName } from '../schema.js';
import { columnList, expectedOf, isSound, sourceName, taskName } from './schema-parts.js';
import { ID_TYPES } from './task.js';

const day = () =>
  z
    .string({ error: 'expected a day, such as 2020-01-31' })
    .refine(isDay, { error: ({ input }) => `"${input}" is no day; write it as 2020-01-31` });

const calendar = () =>
  z
    .strictObject(
      { from: day().describe('First day'), to: day().describe('Last day') },
      { error: 'a calendar is {from: 2015-01-01, to: 2040-12-31}' },
    )
    .refine(({ from, to }) => from <= to, {
      message: 'the calendar ends before it begins: from is later than to',
      path: ['from'],
      when: isSound,
    });

/** It has either `from` or `calendar`. */
export const dimensionSchema = () =>
  z
    .strictObject({
      from: sourceName().optional().describe('Task, table or view that it is made from'),
      'natural-key': columnList()
        .optional()
        .describe('Column, or columns, of the source that identify a member'),
      attributes: z
        .union([columnName, z.array(columnName)], { error: 'expected a list of columns' })
        .optional()
        .describe('Columns of the source to take (default: all others)'),
      'type-2': z
        .union([columnName, z.array(columnName).min(1, 'type-2 names at least one attribute')], {
          error: 'expected a column, or a list of columns',
        })
        .optional()
        .describe('Attributes that keep their history; the others have the value of today'),
      'changed-at': columnName
        .optional()
        .describe(
          'Column of the source: when a version became valid (default valid_from of a history, else when the load took effect)',
        ),
      id: z
        .enum(ID_TYPES, { error: expectedOf(ID_TYPES) })
        .optional()
        .describe('Type of the column id (default bigint)'),
      calendar: calendar().optional().describe('A dimension of days, which is made from no table'),
      ...notesShape,
    })
    .superRefine((dimension, context) => {
      if (context.issues.length > 0) return;
      const add = (message: string, name?: string) =>
        context.addIssue({ code: 'custom', message, path: name === undefined ? [] : [name] });
      if (dimension.calendar === undefined) {
        if (dimension.from === undefined) add('a dimension has either from or calendar');
        else if (dimension['natural-key'] === undefined) add('a dimension has a natural-key');
        if (dimension['changed-at'] !== undefined && dimension['type-2'] === undefined) {
          add('changed-at orders the versions of type-2; name those attributes, too', 'changed-at');
        }
        return;
      }
      for (const name of [
        'from',
        'natural-key',
        'attributes',
        'type-2',
        'changed-at',
        'id',
      ] as const) {
        if (dimension[name] !== undefined) add(`a calendar has no ${name}`, name);
      }
    });

export type DimensionInput = z.output<ReturnType<typeof dimensionSchema>>;

export const dimensionsSection = () =>
  z.record(taskName(), dimensionSchema(), {
    error: 'dimensions is {name: {from, natural-key}}',
  });
