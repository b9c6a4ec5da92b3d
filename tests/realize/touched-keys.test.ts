/** Which changes of a declaration fold all of a table anew. */
import { expect, it } from 'vitest';
import { toEventTable } from '../../src/events/event-table.js';
import { type TableInput, toModel } from '../../src/model/schema.js';
import { definitionOf } from '../../src/realize/touched-keys.js';

const BASE: TableInput = { key: 'id', columns: { id: 'int', name: 'text' } };
const definition = (more: Partial<TableInput> = {}) =>
  definitionOf(toEventTable(toModel({ t: { ...BASE, ...more } }).tables[0]!));

it.each<[string, Partial<TableInput>]>([
  ['a description', { description: 'things' }],
  ['descriptions of columns', { columns: { id: 'int', name: { type: 'text', description: 'x' } } }],
  ['the order of columns', { columns: { name: 'text', id: 'int' } }],
  ['corrections', { columns: { id: 'int', name: { type: 'text', trim: true } } }],
  ['names to pass over', { ignore: 'x' }],
  ['NOT NULL', { columns: { id: 'int', name: { type: 'text', nullable: false } } }],
])('%s do not', (_, more) => {
  expect(definition(more)).toBe(definition());
});

it.each<[string, Partial<TableInput>]>([
  ['a version', { version: 2 }],
  ['a type', { columns: { id: 'int', name: 'int' } }],
  ['a column', { columns: { id: 'int', name: 'text', more: 'text' } }],
  ['a history', { history: true }],
  ['another soft-delete', { 'soft-delete': false }],
  ['timestamps', { timestamps: ['a', 'b'] }],
])('%s does', (_, more) => {
  expect(definition(more)).not.toBe(definition());
});
