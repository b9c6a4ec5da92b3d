/** Faults of the section capture:, each with its line. */
import { describe, expect, it } from 'vitest';
import { parseProject } from '../../src/project/parse.js';

const TABLES = `tables:
  notes: { key: id, columns: { id: int, text: text } }
  free: { columns: { id: int } }
capture:
  source: { name: shop, database-url: "\${URL}" }
  tables:
    notes:
      columns:
        text: x
`;

const CASES: readonly [string, (text: string) => string, string][] = [
  [
    'another method',
    (text) => text.replace('capture:', 'capture:\n  method: wal'),
    'edp.yaml:5: capture.method: capture from the WAL is not in this version of edp yet; write outbox',
  ],
  [
    'a Ruby method',
    (text) => text.replace('text: x', 'text: { method: score }'),
    'edp.yaml:9: capture.tables.notes.columns.text: a Ruby method cannot be captured by SQL',
  ],
  [
    'a table that is not declared',
    (text) => text.replace('    notes:\n', '    note:\n'),
    'edp.yaml:7: capture.tables.note: tables: declares no table of this name',
  ],
  [
    'a table without a key',
    (text) => `${text}    free: {}\n`,
    'edp.yaml:10: capture.tables.free: a captured table needs a key',
  ],
  [
    'a key of JSON',
    (text) => text.replace('id: int, text: text', 'id: jsonb, text: text'),
    'edp.yaml:7: capture.tables.notes: a key of change events cannot be jsonb',
  ],
  [
    'a table called as the log',
    (text) => text.replaceAll('notes', 'change_events'),
    'edp.yaml:7: capture.tables.change_events: edp keeps change events in a table of this name',
  ],
  [
    'an attribute that is not declared',
    (text) => text.replace('text: x', 'texts: x'),
    'tables: declares no column "texts" of notes',
  ],
  [
    'an unknown key',
    (text) => text.replace('columns:\n        text', 'column:\n        text'),
    '"column" is not known here; did you mean "columns"?',
  ],
  [
    'two forms',
    (text) => text.replace('text: x', 'text: { sql: a, calculation: b }'),
    'a column is the name of one in the source, {sql}, {from, reference}, {calculation, also-on} or {method}',
  ],
  [
    'a key that is calculated',
    (text) => text.replace('text: x', 'id: { calculation: "1" }'),
    'a column of the key cannot be calculated',
  ],
  [
    'a reference to what is not captured',
    (text) => text.replace('text: x', 'text: { from: a, reference: free }'),
    'reference: free is not captured, so its key is not known',
  ],
  [
    'half a reference',
    (text) => text.replace('text: x', 'text: { from: a }'),
    'from: and reference: stand together',
  ],
  [
    'a variable that is not there',
    (text) => text.replace('URL', 'OTHER'),
    'edp.yaml:5: the environment has no variable OTHER',
  ],
];

describe('capture:', () => {
  it('says where its parts are declared', () => {
    const { capture } = parseProject(TABLES, { URL: 'postgresql://secret' });
    expect(capture).toMatchObject({
      databaseUrl: 'postgresql://secret',
      isStrict: false,
      tables: [
        { table: 'notes', from: 'notes', place: 'edp.yaml:7', places: { text: 'edp.yaml:9' } },
      ],
    });
  });

  it.each(CASES)('refuses %s', (_, change, message) => {
    expect(() => parseProject(change(TABLES), { URL: 'postgresql://x' })).toThrow(message);
  });
});
