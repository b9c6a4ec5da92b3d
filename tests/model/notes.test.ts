/** `description:`, `owner:` and `tags:`: comments of the database, and nothing else in a load. */
import { expect, it } from 'vitest';
import { createTableStatements } from '../../src/model/ddl.js';
import { hashTable } from '../../src/model/hash.js';
import { parseModel } from '../../src/model/schema.js';

const NOTES = { description: "People's\nnames", owner: 'team a', tags: ['pii', 'core'] } as const;

it('are comments', () => {
  const { tables } = parseModel({
    people: {
      ...NOTES,
      tags: 'pii',
      columns: { id: { type: 'int', description: 'number' }, name: { type: 'text', ...NOTES } },
      metrics: { from: 'm', columns: { x: { type: 'int', owner: 'b' }, y: 'int' } },
    },
  } as never);
  expect(createTableStatements(tables[0]!).slice(1)).toEqual([
    `COMMENT ON TABLE "people" IS 'People''s\nnames\nowner: team a\ntags: pii'`,
    `COMMENT ON COLUMN "people"."id" IS 'number'`,
    `COMMENT ON COLUMN "people"."name" IS 'People''s\nnames\nowner: team a\ntags: pii, core'`,
    `COMMENT ON COLUMN "people"."x" IS 'owner: b'`,
  ]);
});

it('do not make another model of a table', () => {
  const parse = (notes: object, column: object) =>
    parseModel({
      t: {
        ...notes,
        columns: { id: { type: 'int', ...column } },
        metrics: { from: 'm', columns: { x: { type: 'int', ...column } } },
      },
    } as never).tables[0]!;
  expect(hashTable(parse(NOTES, NOTES))).toBe(hashTable(parse({}, {})));
  expect(hashTable(parse({}, { type: 'text' }))).not.toBe(hashTable(parse({}, {})));
});

it('have no NUL', () => {
  expect(() => parseModel({ t: { description: 'a\0', columns: { id: 'int' } } } as never)).toThrow(
    /NUL/,
  );
});
