/**
 * The JSON Schemas (2020-12) of a table: of `data` in its change events, which is what `dataschema` of CloudEvents means,
 * and of a row of its realized table. The order of keys is part of the result: files of these schemas are compared by bytes.
 *
 * Only the key is never null. `nullable: false` is a promise of the source: to refuse an event that breaks it
 * would leave the older value in the realized table, which is worse than a NULL that a check finds.
 */
import { addedColumns, SEQUENCE_COLUMN } from '../model/event-columns.js';
import { OPS, type SchemaKind, schemaPath } from './change-event.js';
import type { EventColumn, EventTable } from './event-table.js';
import { type JsonSchema, valueSchema } from './value-schema.js';

export type ObjectSchema = Readonly<Record<string, unknown>>;

/** `$comment` of each schema. */
export const GENERATED = 'Generated from edp.yaml by edp codegen; edits are lost.';

/** Of `data` in a change event. */
export function changeSchema(table: EventTable): ObjectSchema {
  const { columns, key } = table;
  const attributes = columns.map((column): [string, JsonSchema] => [
    column.name,
    describe(column, valueSchema(column.type, !key.includes(column.name), column.corrections)),
  ]);
  return {
    ...head(table, 'change', `a change of ${table.name}, version ${table.version}`),
    type: 'object',
    required: ['op'],
    properties: {
      op: { enum: [...OPS] },
      key: keySchema(table),
      after: { $ref: '#/$defs/attributes' },
      before: { $ref: '#/$defs/attributes' },
      partial: { type: 'boolean' },
      transaction: { type: 'string' },
      errors: { type: 'object', additionalProperties: { type: 'string' } },
    },
    additionalProperties: false,
    allOf: [
      when(['create', 'read'], {
        key: true,
        after: objectWith(carriedByCreate(table)),
        before: false,
      }),
      when(['update'], { key: true, after: true }),
      when(['delete'], { key: true, after: false }),
      when(['truncate'], { key: false, after: false, before: false }),
    ],
    $defs: {
      attributes: {
        type: 'object',
        properties: Object.fromEntries(attributes),
        additionalProperties: false,
      },
    },
  };
}

/** Of a row of the realized table, as events write its values. */
export function realizedSchema(table: EventTable): ObjectSchema {
  const { columns, key } = table;
  const properties = Object.fromEntries([
    ...columns.map((column): [string, JsonSchema] => [
      column.name,
      describe(column, valueSchema(column.type, !key.includes(column.name))),
    ]),
    ...addedColumns(table).map(({ name, type }): [string, JsonSchema] => [
      name,
      valueSchema(type, name !== SEQUENCE_COLUMN),
    ]),
  ]);
  return {
    ...head(table, 'realized', `a row of ${table.name}, version ${table.version}`),
    type: 'object',
    required: Object.keys(properties),
    properties,
    additionalProperties: false,
  };
}

function head(table: EventTable, kind: SchemaKind, title: string): ObjectSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: schemaPath(table.name, table.version, kind),
    $comment: GENERATED,
    title,
    ...(table.description === undefined ? {} : { description: table.description }),
  };
}

function keySchema({ columns, key }: EventTable): JsonSchema {
  const properties = key.map((name): [string, JsonSchema] => {
    const column = columns.find((one) => one.name === name)!;
    return [name, describe(column, valueSchema(column.type, false, column.corrections))];
  });
  return {
    type: 'object',
    required: [...key],
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

/** All attributes, apart from those whose values follow at the end of the transaction. */
function carriedByCreate({ columns, key, knowsCalculated }: EventTable): string[] {
  return columns
    .filter(({ name, isCalculated }) => key.includes(name) || (knowsCalculated && !isCalculated))
    .map(({ name }) => name);
}

/** @param parts of an event of this kind: false for one that it must not have, all others it must have */
function when(ops: readonly string[], parts: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const required = Object.keys(parts).filter((name) => parts[name] !== false);
  return {
    if: { properties: { op: { enum: ops } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
    then: { ...(required.length === 0 ? {} : { required }), properties: parts },
  };
}

function objectWith(required: readonly string[]): JsonSchema {
  const properties = Object.fromEntries(required.map((name) => [name, true]));
  return { type: 'object', required, properties };
}

function describe({ description }: EventColumn, schema: ObjectSchema): JsonSchema {
  return description === undefined ? schema : { ...schema, description };
}
