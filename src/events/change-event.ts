/** What a change event is: a CloudEvent 1.0 whose `data` says what became of one row. docs/events.md is the contract. */

export const OPS = ['create', 'update', 'delete', 'truncate', 'read'] as const;
export type Op = (typeof OPS)[number];

/** The second part of an event's `type`, behind the table. */
export const TYPE_OF_OP: Readonly<Record<Op, string>> = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  truncate: 'truncated',
  read: 'read',
};

/** Attribute → value, as events write values: bigint and numeric are strings. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface ChangeData {
  readonly op: Op;
  /** Not in a truncate. */
  readonly key?: Attributes;
  readonly after?: Attributes;
  readonly before?: Attributes;
  /** Whether `after` has only what changed. */
  readonly partial?: boolean;
  readonly transaction?: string;
}

export interface ChangeEvent {
  readonly specversion: '1.0';
  readonly id: string;
  /** Where it happened: `edp:shop`. */
  readonly source: string;
  /** The table, a point, and a word of {@link TYPE_OF_OP}. */
  readonly type: string;
  /** The key; a truncate has none. */
  readonly subject?: string;
  /** RFC 3339 in UTC, with microseconds. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly dataschema: string;
  /** Orders the events of one key; {@link SEQUENCE_DIGITS} digits. */
  readonly sequence: string;
  readonly data: ChangeData;
}

/** So that sequences sort as texts, too. */
export const SEQUENCE_DIGITS = 20;

export function formatSequence(sequence: bigint | string | number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0');
}

/** The schema that an event refers to, below the root of the project. */
export function schemaPath(table: string, version: number): string {
  return `schemas/${table}/change/v${version}.json`;
}

const SCHEMA_PATH = /(?:^|\/)schemas\/([^/]+)\/change\/v(\d+)\.json$/;

/** Table and version of a `dataschema`; undefined where it is none of {@link schemaPath}. */
export function readSchemaPath(
  dataschema: string,
): { readonly table: string; readonly version: number } | undefined {
  const found = SCHEMA_PATH.exec(dataschema);
  return found === null ? undefined : { table: found[1]!, version: Number(found[2]) };
}
