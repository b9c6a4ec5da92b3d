import { describe, expect, it } from 'vitest';
import { planTable, type TablePlan } from '../../src/mapping/table-plan.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { findTable, type Table } from '../../src/model/model.js';
import { parseModel } from '../../src/model/schema.js';

const EVENTS = findTable(BUILTIN_MODEL, 'events')!;
const ALL = [
  'id',
  'recorded_date',
  'created_date',
  'first_dimension_id',
  'second_dimension_id',
  'event_metrics',
];

function tableOf(declared: Parameters<typeof parseModel>[0][string]): Table {
  return parseModel({ things: declared }).tables[0]!;
}

function originOf(column: TablePlan['columns'][number], { sources }: TablePlan): string {
  switch (column.from) {
    case 'load':
    case 'constant':
    case 'computed':
    case 'kept':
      return column.from;
    case 'field':
      return `field ${column.field}`;
    case 'extra':
      return `field ${sources[column.source]!.field} rest`;
    case 'metric': {
      const { field, path, keys } = sources[column.source]!;
      return `field ${field} ${[...path, keys[column.metric]].join('.')}`;
    }
  }
}

/** Column → where its value comes from. */
function origins(plan: TablePlan): Record<string, string> {
  return Object.fromEntries(plan.columns.map((column) => [column.name, originOf(column, plan)]));
}

describe('a plan', () => {
  it.each([
    ['in order', ALL],
    ['in another order', [...ALL].reverse()],
  ])('finds fields by name: %s', (_, header) => {
    const at = (name: string) => `field ${header.indexOf(name)}`;
    expect(origins(planTable(EVENTS, header, 'events.csv'))).toEqual({
      id: at('id'),
      recorded_date: at('recorded_date'),
      created_date: at('created_date'),
      first_dimension_id: at('first_dimension_id'),
      second_dimension_id: at('second_dimension_id'),
      metric_one: `${at('event_metrics')} metrics.metric_one`,
      metric_two: `${at('event_metrics')} metrics.metric_two`,
      metric_n: `${at('event_metrics')} metrics.metric_n`,
      extra_metrics: `${at('event_metrics')} rest`,
      load_id: 'load',
    });
  });

  it('leaves out columns the file does not have', () => {
    const plan = planTable(EVENTS, ['recorded_date', 'id'], 'events.csv');
    expect(origins(plan)).toEqual({ recorded_date: 'field 0', id: 'field 1', load_id: 'load' });
    expect(plan).toMatchObject({ table: 'events', key: ['id'], fieldCount: 2, sources: [] });
  });

  it('knows fields that are called unlike their columns, and those to pass over', () => {
    const table = tableOf({
      columns: { id: { type: 'int', field: 'Event ID' }, name: 'text' },
      ignore: ['comment', 'name2'],
      lineage: false,
    });
    const plan = planTable(table, ['comment', 'name', 'Event ID', 'name2'], 'things.csv');
    expect(origins(plan)).toEqual({ id: 'field 2', name: 'field 1' });
    expect(plan.fieldCount).toBe(4);
  });

  it('takes several JSON fields apart, each by its own keys', () => {
    const table = tableOf({
      columns: { id: 'int' },
      metrics: [
        {
          from: 'a',
          columns: { a_one: { type: 'int', key: 'one' }, a_doc: 'jsonb' },
          extra: 'a_rest',
        },
        {
          from: 'b',
          path: 'x.y',
          columns: { b_one: { type: 'json', key: 'one' } },
          extra: 'b_rest',
        },
      ],
      lineage: 'brought_by',
    });
    const plan = planTable(table, ['b', 'id', 'a'], 'things.csv');
    expect(origins(plan)).toEqual({
      id: 'field 1',
      a_one: 'field 2 one',
      a_doc: 'field 2 a_doc',
      a_rest: 'field 2 rest',
      b_one: 'field 0 x.y.one',
      b_rest: 'field 0 rest',
      brought_by: 'load',
    });
    expect(plan.sources.map(({ fieldName, isJson }) => [fieldName, isJson])).toEqual([
      ['a', [false, true]],
      ['b', [true]],
    ]);

    const withoutA = planTable(table, ['b', 'id'], 'things.csv');
    expect(origins(withoutA)).toEqual({
      id: 'field 1',
      b_one: 'field 0 x.y.one',
      b_rest: 'field 0 rest',
      brought_by: 'load',
    });
  });

  it('fills a column and takes it apart, too, where both are declared', () => {
    const table = tableOf({
      columns: { id: 'int', raw: { type: 'json', field: 'doc' } },
      metrics: { from: 'doc', columns: { one: 'int' } },
      lineage: false,
    });
    expect(origins(planTable(table, ['id', 'doc'], 'things.csv'))).toEqual({
      id: 'field 0',
      raw: 'field 1',
      one: 'field 1 one',
      extra_metrics: 'field 1 rest',
    });
  });
});

describe('a header that does not fit', () => {
  const strict = tableOf({
    columns: { id: 'int', name: { type: 'text', nullable: false }, note: 'text' },
    key: 'id',
  });
  it.each<[string, header: string[], faults: RegExp[]]>([
    ['an unknown field', ['id', 'name', 'x'], [/no column for: "x"/]],
    ['a field twice', ['id', 'name', 'id'], [/more than once: "id"/]],
    ['no key', ['name'], [/need a value: "id"$/]],
    ['an empty name', ['id', 'name', ''], [/no column for: ""/]],
    ['another case', ['ID', 'name'], [/no column for: "ID"/, /need a value: "id"/]],
    ['a column of lineage', ['id', 'name', 'load_id'], [/no column for: "load_id"/]],
    [
      'all at once',
      ['x', 'note', 'y', 'note', 'x'],
      [/no column for: "x", "y"/, /more than once: "note", "x"/, /need a value: "id", "name"/],
    ],
    ['nothing', [], [/need a value: "id", "name"/]],
  ])('%s', (_, header, faults) => {
    let error: unknown;
    try {
      planTable(strict, header, 'data/things.csv');
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'header_mismatch',
      place: 'data/things.csv:1',
      hint: expect.stringContaining('id, name, note'),
    });
    for (const fault of faults) expect((error as Error).message).toMatch(fault);
  });
});
