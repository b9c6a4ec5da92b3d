/**
 * What several sections of the warehouse share, as zod schemas. They are functions, like the sections: to make
 * schemas takes time, which projects without a warehouse do not spend.
 */
import { z } from 'zod';
import { isTimeZone } from '../corrections.js';
import { columnName, identifier } from '../schema.js';
import { isTemplate, NO_TEMPLATES } from './no-templates.js';

/** A changed definition is built beside the table, under this name, and then swapped. */
export const NEXT_SUFFIX = '__next';

const MAX_TASK_NAME_BYTES = 63 - NEXT_SUFFIX.length;

/** Name of a table or view that a task makes. */
export const taskName = () =>
  identifier
    .refine((name) => !/[."]/.test(name), {
      message: 'the name of a task has no dot and no double quote; `layers:` says its schema',
    })
    .refine((name) => !name.endsWith(NEXT_SUFFIX), {
      message: `names that end with ${NEXT_SUFFIX} are edp's own`,
    })
    .refine((name) => Buffer.byteLength(name) <= MAX_TASK_NAME_BYTES, {
      message: `the name of a task is at most ${MAX_TASK_NAME_BYTES} bytes long, as edp adds ${NEXT_SUFFIX} to it`,
    });

/** A table, view or task, as the sections name it. */
export const sourceName = () =>
  z
    .string({ error: 'expected the name of a table, a view or a task, such as silver.members' })
    .min(1, 'a name cannot be empty')
    .refine((name) => !isTemplate(name), { message: NO_TEMPLATES });

/** Name of a task, or of a check, whose SQL is in a file of this name. */
export const noFolder = [
  (name: string) => !/[/\\]/.test(name),
  { message: 'the name of a file of SQL has no folder in it' },
] as const;

/** For what is checked between keys only where each key by itself is valid. */
export function isSound({ issues }: { readonly issues: readonly unknown[] }): boolean {
  return issues.length === 0;
}

export const columnList = () =>
  z.union([columnName, z.array(columnName).min(1)], {
    error: ({ input }) =>
      input === undefined
        ? 'it is missing; write a column, or a list of columns'
        : 'expected a column, or a list of columns',
  });

export const sqlText = () =>
  z
    .string({ error: 'expected SQL as text' })
    .refine((text) => text.trim() !== '', { message: 'expected SQL' });

/** A distance from UTC is none: PostgreSQL takes its sign the other way round. */
export const timezoneName = () =>
  z
    .string({ error: 'expected a time zone, such as Europe/Amsterdam' })
    .refine((name) => /^[A-Za-z]/.test(name) && isTimeZone(name), {
      error: ({ input }) => `"${input}" is no time zone, such as Europe/Amsterdam`,
    });

/** As PostgreSQL reads it. */
export const interval = () =>
  z
    .string({ error: 'expected a time span, such as 2 days' })
    .regex(/^\s*\d+(?:\.\d+)?\s*(?:second|minute|hour|day|week|month|year)s?\s*$/, {
      error: ({ input }) =>
        `"${input}" is no time span; write a number and seconds, minutes, hours, days, weeks, months or years`,
    });

/** A value as the database has its text. Numbers and booleans need no quotes in the file. */
export const valueText = () =>
  z
    .union([z.string(), z.number(), z.boolean()], {
      error: 'expected a text, a number, true or false',
    })
    .refine((value) => typeof value !== 'number' || isExact(value), {
      message: 'a number of so many digits is put in quotes',
    })
    .transform(String);

function isExact(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

export const valueTexts = () =>
  z.union([valueText().transform((one) => [one]), z.array(valueText())], {
    error: 'expected a value, or a list of values',
  });

/** One or several → several. */
export function toList<T extends string>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

/** For a value that is none of a few words. */
export const expectedOf =
  (words: readonly string[]) =>
  ({ input }: { readonly input?: unknown }): string => {
    const given = typeof input === 'string' ? `, not ${JSON.stringify(input)}` : '';
    return `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}${given}`;
  };
