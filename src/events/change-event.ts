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
  /** Of calculations that failed, and are null for that reason: attribute → message. */
  readonly errors?: Readonly<Record<string, string>>;
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
const SEQUENCE_DIGITS = 20;

export function formatSequence(sequence: bigint | string | number): string {
  return String(sequence).padStart(SEQUENCE_DIGITS, '0');
}

export type SchemaKind = 'change' | 'realized';

/**
 * The path of a schema below the root of the project: its `$id`, too, and of a change what events have in `dataschema`.
 *
 * @param table as edp.yaml writes it
 */
export function schemaPath(table: string, version: number, kind: SchemaKind = 'change'): string {
  return `schemas/${pathSegment(table)}/${kind}/v${version}.json`;
}

/** A table's name as one segment of a path and of a URI; two tables never have the same one. */
export function pathSegment(table: string): string {
  const encoded = encodeURIComponent(table);
  // Whoever lists files passes over names that begin with a point, and two of them are folders already.
  return encoded.replace(/^\.+/, (points) => points.replaceAll('.', '%2E'));
}

const SCHEMA_PATH = /(?:^|\/)schemas\/([^/]+)\/change\/v(\d+)\.json$/;

/** Table and version of a `dataschema`; undefined where it is none of {@link schemaPath}. */
export function readSchemaPath(
  dataschema: string,
): { readonly table: string; readonly version: number } | undefined {
  const [, segment, version] = SCHEMA_PATH.exec(dataschema) ?? [];
  if (segment === undefined) return undefined;
  try {
    return { table: decodeURIComponent(segment), version: Number(version) };
  } catch {
    return undefined;
  }
}
