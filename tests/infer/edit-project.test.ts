/** The editor of edp.yaml, as it serves those who widen a table and those who add one. */
import { describe, expect, it } from 'vitest';
import type { Proposal } from '../../src/infer/propose.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import type { Column, Table } from '../../src/model/model.js';
import { toModel } from '../../src/model/schema.js';
import { addToProject, type Edit, editProject, listDeclared } from '../../src/project/edit.js';
import { parseProject } from '../../src/project/parse.js';
import { addTables } from '../../src/project/write-model.js';

const Y: Column = { name: 'z', type: 'int', field: 'z', isNullable: true };

/** Adds an int column `z` to table `a`. */
function widen(text: string): string | undefined {
  const a = listDeclared(text)!.find(({ name }) => name === 'a')!;
  const wider: Table = { ...a, columns: [...a.columns, Y] };
  return addToProject(
    text,
    { place: () => ['tables', 'a', 'columns'], entries: { z: 'int' } },
    wider,
  );
}

/** Adds a table `t` with an int column `id`. */
function add(text: string | undefined): string {
  const input = { columns: { id: 'int' } } as const;
  const [table] = toModel(parseProject('tables: { t: { columns: { id: int } } }').tables!).tables;
  const proposal: Proposal = {
    name: 't',
    input,
    table: table!,
    columns: [],
    comments: new Map(),
    inference: undefined as never,
  };
  return addTables(text, [proposal], { keepsBuiltin: false }, 'edp.yaml');
}

describe('what is added', () => {
  it.each<[string, string, string, string]>([
    [
      'lines',
      'tables:\n  a: # ours\n    columns:\n      x: int # x\n',
      'tables:\n  a: # ours\n    columns:\n      x: int # x\n      z: int\n',
      'tables:\n  a: # ours\n    columns:\n      x: int # x\n\n  t:\n    columns:\n      id: int\n',
    ],
    [
      'lines, behind a csv section that stays',
      'csv: { delimiter: tab } # tabs\ntables:\n  a:\n    columns:\n      x: int\n',
      'csv: { delimiter: tab } # tabs\ntables:\n  a:\n    columns:\n      x: int\n      z: int\n',
      'csv: { delimiter: tab } # tabs\ntables:\n  a:\n    columns:\n      x: int\n\n  t:\n    columns:\n      id: int\n',
    ],
    [
      'lines, before options that stay',
      'tables:\n  a:\n    columns:\n      x: int\n\nprocess-count: 3\n',
      'tables:\n  a:\n    columns:\n      x: int\n      z: int\n\nprocess-count: 3\n',
      'tables:\n  a:\n    columns:\n      x: int\n\n  t:\n    columns:\n      id: int\n\nprocess-count: 3\n',
    ],
    [
      'items in braces',
      'tables: { a: { columns: { x: int } } } # ours\n',
      'tables: { a: { columns: { x: int, z: int } } } # ours\n',
      'tables: { a: { columns: { x: int } }, t: { columns: { id: int } } } # ours\n',
    ],
    [
      'lines with Windows line ends',
      'tables:\r\n  a:\r\n    columns:\r\n      x: int\r\n',
      'tables:\r\n  a:\r\n    columns:\r\n      x: int\r\n      z: int\r\n',
      'tables:\r\n  a:\r\n    columns:\r\n      x: int\r\n\r\n  t:\r\n    columns:\r\n      id: int\r\n',
    ],
    [
      'lines, and the line end that was missing',
      'tables:\n  a:\n    columns:\n      x: int',
      'tables:\n  a:\n    columns:\n      x: int\n      z: int\n',
      'tables:\n  a:\n    columns:\n      x: int\n\n  t:\n    columns:\n      id: int\n',
    ],
  ])('is %s, and nothing else changes', (_, text, widened, added) => {
    expect(widen(text)).toBe(widened);
    expect(add(text)).toBe(added);
  });

  it('is a file with a comment, where there is none', () => {
    expect(add(undefined)).toBe(
      '# The tables of this project, beside which edp has no others.\n' +
        '# docs/model.md of the package explains the file.\n' +
        'tables:\n  t:\n    columns:\n      id: int\n',
    );
  });

  it('comes behind the built-in tables, where the file declares none', () => {
    const text = '# ours\nprocess-count: 3 # of 8\n';
    const edited = add(text);
    expect(edited.startsWith(`${text}\ntables:\n  first_dimensions:\n`)).toBe(true);
    expect(edited.endsWith('\n\n  t:\n    columns:\n      id: int\n')).toBe(true);
    expect(listDeclared(edited)!.map(({ name }) => name)).toEqual([
      ...BUILTIN_MODEL.tables.map(({ name }) => name),
      't',
    ]);
  });
});

describe('an edit that would change something else is not made', () => {
  const text =
    'process-count: 3\ncsv: { delimiter: tab }\ntables: { a: { columns: { x: int } } }\n';
  const edit = (place: (string | number)[], entries: object): Edit => ({
    place: () => place,
    entries: { ...entries },
    addsBuiltin: false,
  });
  it.each<[string, Edit]>([
    ['in the csv section', edit(['csv'], { quote: 'none' })],
    ['in the options', edit([], { table: 'a' })],
    ['in another table', edit(['tables', 'a', 'columns'], { z: 'int' })],
    ['in the same table, otherwise than is wanted', edit(['tables', 'a'], { key: 'x' })],
  ])('%s', (_, change) => {
    expect(editProject(text, change, listDeclared(text)!)).toBeUndefined();
  });
});
