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
    'a Ruby method for a column of the key',
    (text) => text.replace('text: x', 'id: { method: score }'),
    'edp.yaml:9: capture.tables.notes.columns.id: a Ruby method cannot be captured by SQL, and so cannot fill a column of the key',
  ],
  [
    'what is no name of a Ruby method',
    (text) => text.replace('text: x', 'text: { method: "score; exit" }'),
    'edp.yaml:9: capture.tables.notes.columns.text',
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
    'a column is the name of one in the source, {sql}, {from, reference}, {calculation, also-on} or {method, also-on}',
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
    'a variable without a name',
    (text) => text.replace('${URL}', () => '${1}'),
    'edp.yaml:5: "${1}" is not the name of a variable',
  ],
  [
    'a variable that is not there, elsewhere',
    (text) => text.replace('text: x', () => 'text: "${OTHER}"'),
    'edp.yaml:9: the environment has no variable OTHER',
  ],
];

describe('capture:', () => {
  it('says where its parts are declared', () => {
    const { capture } = parseProject(TABLES, { URL: 'postgresql://secret' });
    expect(capture).toMatchObject({
      isStrict: false,
      tables: [
        { table: 'notes', from: 'notes', place: 'edp.yaml:7', places: { text: 'edp.yaml:9' } },
      ],
    });
    expect(capture!.sourceUrl()).toBe('postgresql://secret');
  });

  it('asks for the variables of the address of the source only where somebody opens the source', () => {
    const { capture, tables } = parseProject(TABLES, {});
    expect(Object.keys(tables!)).toContain('notes');
    const fault =
      /^edp\.yaml:5: capture\.source\.database-url: the environment has no variable URL$/;
    expect(() => capture!.sourceUrl()).toThrow(fault);
    expect(() => capture!.sourceUrl()).toThrow(
      expect.objectContaining({ code: 'config', exitStatus: 2 }),
    );
    expect(() => parseProject(TABLES, { URL: '' }).capture!.sourceUrl()).toThrow(
      'edp.yaml:5: capture.source.database-url: the URL is empty',
    );
  });

  it('asks for all of them: one that is there is not the address', () => {
    const text = TABLES.replace('${URL}', () => 'postgresql://u:${PASSWORD}@${HOST}/x');
    const { capture } = parseProject(text, { PASSWORD: 'hunter2-geheim' });
    let message = '';
    try {
      capture!.sourceUrl();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/no variable HOST$/);
    const both = parseProject(text, { PASSWORD: 'a', HOST: 'h' });
    expect(both.capture!.sourceUrl()).toBe('postgresql://u:a@h/x');
  });

  it('asks at once where the text stands elsewhere, too', () => {
    const text = `${TABLES.replace('"${URL}"', () => '&url "${URL}"')}\ndatabase-url: *url\n`;
    expect(() => parseProject(text, {})).toThrow('edp.yaml:5: the environment has no variable URL');
  });

  it.each(CASES)('refuses %s', (_, change, message) => {
    expect(() => parseProject(change(TABLES), { URL: 'postgresql://x' })).toThrow(message);
  });
});
