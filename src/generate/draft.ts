/** A record as text, on its way from clean to damaged. Only the few damaged records get here. */
import type { Dimensions } from './dimensions.js';
import type { Metric } from './tally.js';

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
  /** The metrics the record is expected to be loaded with; a missing one is not listed. */
  metrics: (readonly [name: Metric, value: number])[];
  /** Fields of an undamaged record that stands before this one in the file; empty where none does. */
  readonly earlier: readonly string[];
  readonly dimensions: Dimensions;
  /** Whether all fields are written in quotes, not only those that need them. */
  isQuoted: boolean;
}

/**
 * @param record a clean record as the generator writes it, with its line end: five plain fields, then JSON
 * @returns the fields without quoting
 */
export function parseFields(record: string): string[] {
  const quote = record.indexOf('"');
  return [
    ...record.slice(0, quote - 1).split(','),
    record.slice(quote + 1, -2).replaceAll('""', '"'),
  ];
}

/** The reverse of {@link parseFields}, for any fields, quoted as RFC 4180 has it. */
export function formatRecord({ fields, isQuoted }: Pick<Draft, 'fields' | 'isQuoted'>): string {
  const written = fields.map((field) =>
    isQuoted || /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${written.join(',')}\n`;
}
