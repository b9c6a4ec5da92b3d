/**
 * The parts of JSON that several commands share.
 *
 * The modules of this folder say what `--json` prints. Commands import only types of them: zod's
 * schemas are for the tests, which hold every object to them, and for docs/json.schema.json. Keys
 * are an interface: a key may be added, and none is renamed or removed.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../../base/error-codes.js';
import { COMPRESSIONS, ESCAPES, LINE_ENDS } from '../../model/csv-settings.js';
import { ON_NEW_FIELD } from '../../model/load-rules.js';
import { REJECT_CODES } from '../../model/reject-codes.js';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The type that a schema describes. */
export type Json<S extends z.ZodType> = DeepReadonly<z.output<S>>;

/** The names of a table of codes. */
export function namesOf<K extends string>(codes: Readonly<Record<K, unknown>>): [K, ...K[]] {
  return Object.keys(codes) as [K, ...K[]];
}

export const shownTable = z
  .string()
  .describe('Name of the table: with its schema, unless that is the first of search_path');

export const count = z.int().min(0);
export const seconds = z.number().min(0);

/** Counts by name. */
export const counts = z.record(z.string(), count);

export const rejectCode = z.enum(namesOf(REJECT_CODES)).meta({
  id: 'RejectCode',
  description: 'codes.md explains each, and what to do',
});

export const rejectCounts = z.partialRecord(rejectCode, count).describe('Records by reject code');

export const rowCounts = z
  .strictObject({ read: count, loaded: count, rejected: count, duplicate: count })
  .meta({ id: 'RowCounts', description: 'Records: read = loaded + rejected + duplicate' });

/** Lines that are no records, by kind. */
export const passedOver = z
  .strictObject({ comment: count, preamble: count, footer: count, blank: count, header: count })
  .meta({ id: 'PassedOver', description: 'Lines passed over, by kind' });

/** The bytes of a text, or of a part of it. */
export const byteCounts = z
  .strictObject({
    records: count,
    comment: count,
    preamble: count,
    footer: count,
    blank: count,
    header: count,
    byteOrderMark: count,
  })
  .meta({
    id: 'ByteCounts',
    description:
      'Bytes of the records and of the lines passed over, line ends included; together all of the text',
  });

/** Null for what an older edp loaded, which did not count. */
export const accounting = {
  passedOver: passedOver.nullable(),
  byteCounts: byteCounts.nullable(),
};

/** Counts by name, collected while records are read. */
export const remarks = {
  unknownMetrics: counts.describe('Undeclared metric → number of rows with it'),
  corrections: z
    .record(z.string(), counts)
    .describe('Column → correction → how often it changed a value'),
};

export const drift = z
  .strictObject({
    new: z.array(z.string()).describe('Fields without a declared column'),
    onNew: z.enum(ON_NEW_FIELD).optional().describe('What happened to them'),
    missing: z
      .array(z.string())
      .describe(
        'Declared fields that the file does not have; none where later JSON records may have them',
      ),
    isReordered: z
      .boolean()
      .describe('Whether the order of the fields differs from the declaration'),
  })
  .meta({ id: 'Drift', description: 'How the fields of a file differ from those of its table' });

/**
 * The form of a file, apart from its line ends. Files of JSON lines have only the last three keys.
 */
const formParts = {
  delimiter: z.string().optional(),
  quote: z.string().nullable().optional(),
  escape: z.enum(ESCAPES).optional(),
  header: z.boolean().optional(),
  linesBeforeHeader: count.optional(),
  comment: z.string().nullable().optional(),
  trailingDelimiter: z.boolean().optional(),
  headerOneFieldShort: z.boolean().optional(),
  encoding: z.string(),
  byteOrderMark: z.boolean(),
  compression: z.enum(COMPRESSIONS),
};

/** As a load reads it. */
export const dialect = z
  .strictObject({ ...formParts, lineEnd: z.enum(LINE_ENDS) })
  .meta({ id: 'Dialect', description: 'The form in which a file was read' });

/** As `edp inspect` finds it. */
export const foundDialect = z
  .strictObject({ ...formParts, lineEnd: z.enum(['lf', 'crlf', 'cr', 'mixed']) })
  .describe('The form of the file');

/** A rejected record; those of a dry run have no load. */
export const triedReject = z.strictObject({
  path: z.string(),
  line: count,
  byteOffset: count,
  column: z.string().nullable(),
  code: rejectCode,
  reason: z.string(),
  raw: z.string().describe('The record; bytes that are not UTF-8 are replaced'),
  rawBase64: z.string().optional().describe('Its bytes, if they are not UTF-8'),
});

/** Codes of the server (SQLSTATE) and of Node. */
const SYSTEM_CODE = /^[A-Z0-9_]+$/;

export const error = z
  .strictObject({
    code: z
      .union([z.enum(namesOf(ERROR_CODES)), z.literal('internal'), z.string().regex(SYSTEM_CODE)])
      .describe(
        'codes.md lists those of edp; others are SQLSTATEs or codes of Node; internal is a bug',
      ),
    message: z.string(),
    hint: z.string().optional().describe('What to do next'),
    place: z.string().optional().describe('Where: file:line, file, or table.column'),
  })
  .meta({ id: 'Error', description: 'The error that ended the command' });

export type ErrorJson = Json<typeof error>;

/** The error of a run that failed after a part of its work; its results are beside it. */
export const runEnd = {
  interrupted: z.literal(true).optional().describe('Only after Ctrl-C'),
  error: error.optional(),
};

/** The output of a command that failed before it had a result. */
export function failureOf<N extends string>(command: N) {
  return z.strictObject({
    command: z.literal(command),
    ok: z.literal(false),
    error,
  });
}

export const time = z.string().describe('As PostgreSQL prints it, in UTC');
