/** Names in edp.yaml that other readers of YAML would read as something else. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseModel } from '../../src/model/schema.js';
import { formatTableName } from '../../src/model/table-name.js';
import { addToProject } from '../../src/project/edit.js';
import { formatModel } from '../../src/project/write-model.js';

const NAMES = [
  ...['y', 'Y', 'n', 'yes', 'No', 'on', 'OFF', 'null', 'Null', '~', 'true', 'FALSE', '=', '<<'],
  ...['1_000', '0o7', '0x1F', '0b1', '1:20', '1e3', '.5', '-1', '+1', '.inf', '.NaN', '2024-01-31'],
  ...['190:20:30.15', '010', '1', '- a', 'a: b', '#a'],
];
const PLAIN = [
  'id',
  'name',
  'yesterday',
  'number',
  'online',
  'total_2024',
  'n1',
  'nullable',
  'ü',
  'order id',
];

describe('a name that edp writes', () => {
  it.each(NAMES)('%j is read back by YAML 1.1 and 1.2', (name) => {
    const input = {
      columns: { [name]: { type: 'text' as const, field: name }, b: 'int' as const },
    };
    const own = formatTableName({ name });
    const [table] = parseModel({ [own]: input }).tables;
    const text = formatModel([{ name: own, input, table: table!, comments: new Map() } as never]);
    for (const version of ['1.1', '1.2'] as const) {
      const { tables } = parse(text, { version }) as {
        tables: Record<string, { columns: Record<string, { field: string }> }>;
      };
      expect(Object.keys(tables)).toEqual([own]);
      expect(Object.keys(tables[own]!.columns)).toEqual([name, 'b']);
      expect(tables[own]!.columns[name]!.field).toBe(name);
    }
    expect(text).toMatch(/^ {2}["']/m);
  });

  it.each(PLAIN)('%s stays as it is', (name) => {
    const input = { columns: { [name]: 'text' as const } };
    const [table] = parseModel({ t: input }).tables;
    expect(
      formatModel([{ name: 't', input, table: table!, comments: new Map() } as never]),
    ).toContain(`      ${name}: text`);
  });

  it.each([
    { form: 'lines', text: 'tables:\n  t:\n    columns:\n      a: int\n' },
    { form: 'a flow map', text: 'tables: {t: {columns: {a: int}}}\n' },
  ])('is quoted where it is added to $form', ({ text }) => {
    const wider = parseModel({ t: { columns: { a: 'int', no: 'text', '1:20': 'int' } } })
      .tables[0]!;
    const entries = { no: 'text', '1:20': 'int' };
    const place = () => ['tables', 't', 'columns'];
    const edited = addToProject(text, { place, entries }, wider)!;
    expect(parse(edited, { version: '1.1' })).toEqual(parse(edited));
    expect(edited).toContain('"no": text');
  });
});
