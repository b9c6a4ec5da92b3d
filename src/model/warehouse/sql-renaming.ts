/** SQL of the user, with other relations in the place of those that it names; all else stays as it is written. */
import { quoteIdentifier } from '../ddl.js';
import { asNode, nodesIn, textOf } from './sql-node.js';
import { relationsNamed } from './sql-tree.js';
import type { Relation } from './task.js';

/** @param schema undefined where the SQL names none */
export type RenameRelation = (schema: string | undefined, name: string) => Relation | undefined;

interface Place {
  /** In bytes. */
  readonly offset: number;
  readonly schema: string | undefined;
  readonly name: string;
}

/** @param tree of the parser */
export function renameRelations(tree: unknown, sql: string, to: RenameRelation): string {
  const places = [...placesOfRelations(tree), ...placesOfColumns(tree)];
  let text = Buffer.from(sql);
  for (const { offset, schema, name } of places.sort((a, b) => b.offset - a.offset)) {
    const relation = to(schema, name);
    if (relation === undefined) continue;
    const rest = text.subarray(offset).toString();
    const length =
      Buffer.byteLength(rest) - Buffer.byteLength(rest.slice(nameLength(rest, schema)));
    const written = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
    text = Buffer.concat([
      text.subarray(0, offset),
      Buffer.from(written),
      text.subarray(offset + length),
    ]);
  }
  return text.toString();
}

function placesOfRelations(tree: unknown): Place[] {
  const statement = asNode(tree);
  if (statement === undefined) return [];
  return relationsNamed(statement).map(({ schema, name, offset }) => ({ schema, name, offset }));
}

/** Columns that are written with schema and table. */
function placesOfColumns(tree: unknown): Place[] {
  return [...nodesIn(tree)].flatMap(([kind, { fields, location }]): Place[] => {
    if (kind !== 'ColumnRef' || !Array.isArray(fields) || fields.length !== 3) return [];
    const [schema, name] = fields.map(textOf);
    if (schema === undefined || name === undefined) return [];
    // The parser leaves out a place at the very beginning.
    return [{ schema, name, offset: typeof location === 'number' ? location : 0 }];
  });
}

const NAME = String.raw`(?:"(?:[^"]|"")*"|[\w$\u0080-\uffff]+)`;
const BLANK = String.raw`(?:\s|--[^\n]*\n|/\*[\s\S]*?\*/)*`;
const ONE = new RegExp(`^${NAME}`, 'u');
const TWO = new RegExp(`^${NAME}${BLANK}\\.${BLANK}${NAME}`, 'u');

/** How many characters the name takes that a text begins with. */
function nameLength(text: string, schema: string | undefined): number {
  const found = (schema === undefined ? ONE : TWO).exec(text);
  if (found === null) throw new TypeError(`no name of a relation: ${text.slice(0, 40)}`);
  return found[0].length;
}
