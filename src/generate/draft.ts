/** A record as text, between clean and damaged. Only the few damaged records take this form. */
import type { Dimensions } from './dimensions.js';
import type { MetricName } from './tally.js';

/** Positions of the fields in a generated record. */
export const FIELD = {
  id: 0,
  recordedDate: 1,
  createdDate: 2,
  firstDimensionId: 3,
  secondDimensionId: 4,
  eventMetrics: 5,
} as const;

export interface Draft {
  /** The fields in the order of the header, without CSV quoting. */
  fields: string[];
  /** The metrics with which the record is expected to be loaded; a missing one is not listed. */
  metrics: (readonly [name: MetricName, value: number])[];
  /** Fields of an undamaged record earlier in the file; empty where there is none. */
  readonly earlier: readonly string[];
  readonly dimensions: Dimensions;
  /** Whether all fields are written in quotes, not only those that need them. */
  isQuoted: boolean;
}

/**
 * @param record a clean record as the generator writes it, with its line end: five plain fields,
 *   then JSON
 * @returns the fields without quoting
 */
export function parseFields(record: string): string[] {
  const quote = record.indexOf('"');
  return [
    ...record.slice(0, quote - 1).split(','),
    record.slice(quote + 1, -2).replaceAll('""', '"'),
  ];
}

/** The reverse of {@link parseFields}, for any fields, quoted as in RFC 4180. */
export function formatRecord({ fields, isQuoted }: Pick<Draft, 'fields' | 'isQuoted'>): string {
  const written = fields.map((field) =>
    isQuoted || /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${written.join(',')}\n`;
}
