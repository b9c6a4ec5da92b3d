/** What `edp promote` does to edp.yaml: it adds the metric, and everything else stays. */
import { describe, expect, it } from 'vitest';
import { BUILTIN_MODEL } from '../../../src/model/builtin.js';
import { toModel } from '../../../src/model/schema.js';
import { parseProject } from '../../../src/project/parse.js';
import { declare } from '../../../src/upkeep/promote/declare.js';
import {
  chooseColumn,
  chooseTable,
  type PromoteRequest,
} from '../../../src/upkeep/promote/subject.js';

function promoted(text: string | undefined, request: Partial<PromoteRequest> = {}) {
  const tables = text === undefined ? undefined : parseProject(text).tables;
  const model = tables === undefined ? BUILTIN_MODEL : toModel(tables);
  const whole: PromoteRequest = {
    metric: 'metric_x',
    table: undefined,
    column: undefined,
    type: undefined,
    extraColumn: undefined,
    ...request,
  };
  const subject = chooseColumn(chooseTable(model, whole), whole, undefined, 'int');
  return declare(text, subject);
}

/** Lines that were added to the text, and lines that are gone. */
function changes(before: string, after: string): { added: string[]; gone: string[] } {
  const lines = (text: string) => text.split('\n');
  return {
    added: lines(after).filter((line) => !lines(before).includes(line)),
    gone: lines(before).filter((line) => !lines(after).includes(line)),
  };
}

const COMMENTED = `# ours
process-count: 4   # of 8

tables:
  # the places
  stations:
    columns: { code: text, name: text }
    key: code
  readings:
    # what comes in
    columns:
      id: bigint # never reused
      "Taken at": { type: timestamptz, nullable: false }
    key: id
    metrics:
      from: payload
      path: values.raw
      columns:
        # in °C
        temperature: double
        humidity: { type: int, key: "rel-hum" }   # in %
      extra: kept
    ignore: [comment]
# the end
`;

describe('edp.yaml', () => {
  it('gets one line, and keeps its comments and its order', () => {
    const { text, table } = promoted(COMMENTED);
    expect(changes(COMMENTED, text)).toEqual({ added: ['        metric_x: int'], gone: [] });
    expect(text).toMatch(/rel-hum.*\n {8}metric_x: int\n {6}extra: kept/);
    for (const comment of COMMENTED.match(/#.*/g)!) expect(text).toContain(comment);
    expect(table.sources[0]!.metrics.at(-1)).toEqual({
      key: 'metric_x',
      column: 'metric_x',
      type: 'int',
    });
    expect(text.indexOf('process-count')).toBeLessThan(text.indexOf('tables'));
  });

  it.each([
    { name: 'is made where there is none', text: undefined },
    { name: 'is filled where it is empty', text: '' },
    { name: 'is filled where it has comments only', text: '# nothing yet\n' },
    {
      name: 'gets the built-in tables where it has options only',
      text: 'process-count: 2 # few\n',
    },
  ])('$name', ({ text: before }) => {
    const { text } = promoted(before, { type: 'bigint' });
    const { options, tables } = parseProject(text);
    expect(toModel(tables!).tables.map(({ name }) => name)).toEqual(
      BUILTIN_MODEL.tables.map(({ name }) => name),
    );
    expect(tables!.events!.metrics).toMatchObject({ columns: { metric_x: 'bigint' } });
    expect(options['process-count']).toBe(before?.startsWith('process') ? 2 : undefined);
    if (before?.includes('#')) expect(text).toContain(before.match(/#.*/)![0]);
  });

  it.each([
    {
      name: 'a flow map',
      text: 'tables: { t: { columns: { id: int }, metrics: { from: m, columns: { a: int } } } }\n',
      request: {},
      expected: /a: int, metric_x: int/,
    },
    {
      name: 'an empty flow map',
      text: 'tables:\n  t:\n    columns: { id: int }\n    metrics: { from: m, columns: {} }\n',
      request: {},
      expected: /columns: \{ metric_x: int \}/,
    },
    {
      name: 'the second of several JSON fields',
      text: 'tables:\n  t:\n    columns: { id: int }\n    metrics:\n      - { from: m, columns: { a: int }, extra: e1 }\n      - from: n\n        columns:\n          b: int\n        extra: e2\n',
      request: { extraColumn: 'e2' },
      expected: /b: int\n {10}metric_x: int\n {8}extra: e2/,
    },
    {
      name: 'Windows line ends',
      text: 'tables:\r\n  t: # ours\r\n    columns: { id: int }\r\n    metrics:\r\n      from: m\r\n      columns:\r\n        a: int\r\n',
      request: {},
      expected: /\r\n {8}a: int\r\n {8}metric_x: int\r\n$/,
    },
    {
      name: 'another name for the column',
      text: COMMENTED,
      request: { metric: 'load avg: "1"', column: 'load_avg' },
      expected: /\n {8}load_avg: \{ type: int, key: .load avg: .*\}\n/,
    },
    {
      name: 'names that YAML would read otherwise',
      text: COMMENTED,
      request: { metric: 'null', column: '007', type: 'text' as const },
      expected: /"007": \{ type: text, key: "null" \}/,
    },
    {
      name: 'a metric called like nothing else',
      text: COMMENTED,
      request: { metric: 'x\n#: {é\u0007', column: 'yes' },
      expected: /yes"?:/,
    },
  ])('is edited where it has $name', ({ text, request, expected }) => {
    const edited = promoted(text, request);
    expect(edited.text).toMatch(expected);
    const wanted = { metric: 'metric_x', ...request };
    const metrics = edited.table.sources.flatMap((source) => source.metrics);
    expect(metrics.map(({ key }) => key)).toContain(wanted.metric);
    // On a second request it is already declared.
    expect(() => promoted(edited.text, { metric: wanted.metric })).not.toThrow();
  });

  it.each([
    {
      name: 'tables share the metrics by an alias',
      text: 'tables:\n  t:\n    columns: { id: int }\n    metrics: &m { from: m, columns: { a: int } }\n  u:\n    columns: { id: int }\n    metrics: *m\n',
      request: { table: 'u' },
    },
    {
      name: 'the columns are an alias',
      text: 'tables:\n  t:\n    columns: { id: int }\n    metrics: { from: m, columns: &c { a: int } }\n  u:\n    columns: { id: int }\n    metrics: { from: m, columns: *c }\n',
      request: { table: 't' },
    },
  ])('is left alone where $name, and it is said what to write', ({ text, request }) => {
    expect(() => promoted(text, request)).toThrow(
      expect.objectContaining({
        code: 'config',
        hint: expect.stringMatching(/add by hand.*"metric_x": int; then run the command again/),
      }),
    );
  });
});

describe('what to promote', () => {
  const TWO =
    'tables:\n  t: { columns: { id: int }, metrics: { from: m, columns: { a: int } } }\n  u: { columns: { id: int }, metrics: [{ from: m, columns: { b: int }, extra: e1 }, { from: n, columns: {}, extra: e2 }] }\n  v: { columns: { id: int } }\n';
  it.each([
    { name: 'no table of several', request: {}, code: 'usage', message: /--table: t, u/ },
    { name: 'no such table', request: { table: 'w' }, code: 'unknown_table', message: /t, u/ },
    {
      name: 'a table without metrics',
      request: { table: 'v' },
      code: 'unknown_table',
      message: /t, u/,
    },
    {
      name: 'no field of several',
      request: { table: 'u' },
      code: 'usage',
      message: /--extra-column: e1, e2/,
    },
    {
      name: 'a column that is there',
      request: { table: 't', column: 'id' },
      code: 'usage',
      message: /--column/,
    },
    {
      name: 'a column that every table has',
      request: { table: 't', metric: 'xmax' },
      code: 'usage',
      message: /--column: every table of PostgreSQL has a column "xmax" of its own/,
    },
    {
      name: 'the lineage column',
      request: { table: 't', metric: 'load_id' },
      code: 'usage',
      message: /--column/,
    },
    {
      name: 'the rest',
      request: { table: 't', metric: '$rest' },
      code: 'usage',
      message: /not a metric/,
    },
    {
      name: 'a declared metric as another type',
      request: { metric: 'a', type: 'text' as const },
      code: 'usage',
      message: /the model says int/,
    },
    {
      name: 'a declared metric in another column',
      request: { metric: 'b', column: 'c' },
      code: 'usage',
      message: /the model says b/,
    },
  ])('$name is reported', ({ request, code, message }) => {
    try {
      promoted(TWO, request);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code });
      const { message: text, hint } = error as { message: string; hint: string };
      expect(`${text}\n${hint}`).toMatch(message);
    }
  });

  it('is found by itself where only one table declares it', () => {
    const { table } = promoted(TWO, { metric: 'b' });
    expect(table.name).toBe('u');
  });
});
