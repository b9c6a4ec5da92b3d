/**
 * The name of a table, as edp.yaml and options write it: `orders`, or `sales.orders` with its schema.
 * A part that has a dot in it stands in double quotes, as in SQL: `"a.b"`, `sales."a.b"`. Apart from that,
 * edp takes names as they are written, capitals and blanks included.
 */

export interface TableName {
  /** Undefined where the search path decides. */
  readonly schema?: string;
  readonly name: string;
}

/** Where a table is in the database. */
export interface TablePlace {
  readonly schema: string;
  readonly name: string;
}

/** In quotes where it begins and ends with them, and those inside are doubled; else as it is. */
const PART = /(?:"((?:[^"]|"")+)"|([^.]+))(\.|$)/y;

/** @returns the parts between the dots; undefined where a part is empty */
export function splitName(text: string): string[] | undefined {
  const parts: string[] = [];
  PART.lastIndex = 0;
  for (;;) {
    const found = PART.exec(text);
    if (found === null) return undefined;
    parts.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (found[3] === '') return parts;
  }
}

/** A text that is no name of a table is taken for a name without a schema. */
export function parseTableName(text: string): TableName {
  const [first, second, ...rest] = splitName(text) ?? [];
  if (first === undefined || rest.length > 0) return { name: text };
  return second === undefined ? { name: first } : { schema: first, name: second };
}

/** The text that {@link parseTableName} reads as this name; one name has one such text. */
export function formatTableName({ schema, name }: TableName): string {
  return schema === undefined ? formatPart(name) : `${formatPart(schema)}.${formatPart(name)}`;
}

function formatPart(part: string): string {
  return part.startsWith('"') || part.includes('.') ? `"${part.replaceAll('"', '""')}"` : part;
}

/** Whether two texts name the same table, in whatever way they are quoted. */
export function isSameTable(a: string, b: string): boolean {
  if (a === b) return true;
  // Without quotes, a name has one spelling.
  if (!a.includes('"') && !b.includes('"')) return false;
  return formatTableName(parseTableName(a)) === formatTableName(parseTableName(b));
}

/** The name of the table without its schema. */
export function bareName(text: string): string {
  return parseTableName(text).name;
}

/** @param name as SQL has it, such as `public."Orders"` */
export function plainTableName(name: string): string {
  return formatTableName(parseTableName(name));
}
