import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { environmentName, OPTIONS, type OptionName } from '../../src/options/option-definitions.js';
import { resolveOptions } from '../../src/options/resolve-options.js';

describe('where a value comes from', () => {
  const flag = { count: 1 };
  const environment = { EDP_COUNT: '2' };
  const project = { count: 3 };
  it.each<[string, object, Record<string, string>, object, number]>([
    ['the flag, before all', flag, environment, project, 1],
    ['the environment, before edp.yaml', {}, environment, project, 2],
    ['edp.yaml, before the default', {}, {}, project, 3],
    ['the default', {}, {}, {}, 1_000_000],
    ['an empty variable is none', {}, { EDP_COUNT: '' }, project, 3],
    ['a flag that was not given is none', { count: undefined }, {}, project, 3],
  ])('%s', (_, given, variables, fromProject, count) => {
    const values = resolveOptions(['count'], { ...given }, { ...fromProject }, variables);
    expect(values).toEqual({ count });
  });

  it('each on its own', () => {
    const values = resolveOptions(
      ['process-count', 'read-batch-size', 'write-batch-size', 'on-conflict', 'force'],
      { 'process-count': '8', force: false },
      { 'process-count': 2, 'read-batch-size': 50, 'on-conflict': 'update' },
      { EDP_READ_BATCH_SIZE: '1000', EDP_FORCE: 'true', EDP_UNRELATED: 'x' },
    );
    expect(values).toEqual({
      processCount: 8,
      readBatchSize: 1000,
      writeBatchSize: 10_000,
      onConflict: 'update',
      force: false,
    });
  });

  it('all values of a list that is given several times, the last one of any other', () => {
    const given = { task: ['a', '+b'], date: ['2024-01-30', '2024-01-31'] };
    const values = resolveOptions(['task', 'date'], given, {}, {});
    expect(values).toEqual({ task: ['a', '+b'], date: '2024-01-31' });
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(resolveOptions(['count'], {}, {}, {}))).toBe(true);
  });
});

describe('the defaults', () => {
  it('are those of the README', () => {
    const names = [
      'process-count',
      'read-batch-size',
      'write-batch-size',
      'on-conflict',
      'missing-dimensions',
      'max-rejects',
      'files',
      'json',
    ] as const;
    expect(resolveOptions(names, {}, {}, {})).toEqual({
      processCount: os.availableParallelism(),
      readBatchSize: 100_000,
      writeBatchSize: 10_000,
      onConflict: 'reject',
      missingDimensions: 'reject',
      maxRejects: undefined,
      files: 8,
      json: false,
    });
  });

  it('are values that the option itself would take', () => {
    for (const [name, { schema, default: value }] of Object.entries(OPTIONS)) {
      if (value !== undefined)
        expect(schema.safeParse(value), name).toMatchObject({ success: true });
    }
  });

  it('can all be set by a variable of their name', () => {
    expect((Object.keys(OPTIONS) as OptionName[]).map(environmentName)).toEqual(
      Object.keys(OPTIONS).map((name) => `EDP_${name.toUpperCase().replaceAll('-', '_')}`),
    );
  });
});

describe('values', () => {
  it.each<[OptionName, unknown, unknown]>([
    ['count', '20', 20],
    ['count', 0, 0],
    ['count', ['5', '6'], 6],
    ['dirty', '0.25', 0.25],
    ['force', 'true', true],
    ['force', 'no', false],
    ['delimiter', 'tab', '\t'],
    ['delimiter', '\\t', '\t'],
    ['delimiter', 'comma', ','],
    ['delimiter', ';', ';'],
    ['delimiter', '§', '§'],
    ['delimiter', '||', '||'],
    ['delimiter', 'semicolon', ';'],
    ['delimiter', '\\x1f', '\x1f'],
    ['quote', 'none', ''],
    ['quote', 'single', "'"],
    ['quote', '"', '"'],
    ['escape', '\\', 'backslash'],
    ['escape', 'doubling', 'doubling'],
    ['encoding', 'ISO-8859-1', 'latin1'],
    ['encoding', 'cp1252', 'windows-1252'],
    ['header', false, false],
    ['header', 'no', false],
    ['columns', 'a, b,c', ['a', 'b', 'c']],
    ['columns', ['a', 'b,c'], ['a', 'b,c']],
    ['skip-lines', '3', 3],
    ['comment', 'none', ''],
    ['comment', '//', '//'],
    ['max-rejects', '100', { count: 100 }],
    ['max-rejects', 0, { count: 0 }],
    ['max-rejects', '1%', { percent: 1 }],
    ['max-rejects', '0.5%', { percent: 0.5 }],
    ['missing-dimensions', 'infer', 'infer'],
    ['table', 'events', 'events'],
    ['table', 17, '17'],
    ['param', 'a=1', ['a=1']],
  ])('%s %j', (name, given, value) => {
    const values = resolveOptions([name], { [name]: given }, {}, {});
    expect(Object.values(values)).toEqual([value]);
  });

  it('param, given twice', () => {
    const { param } = resolveOptions(['param'], { param: ['a=1', 'b=2'] }, {}, {});
    expect(param).toEqual(['a=1', 'b=2']);
  });

  it.each<[OptionName, unknown, string]>([
    ['count', 'many', 'expected a whole number'],
    ['count', '1.5', 'expected a whole number'],
    ['count', '-1', 'expected 0 or more'],
    ['count', '1e400', 'expected a whole number'],
    ['process-count', '0', 'expected 1 or more'],
    ['process-count', '1000', 'expected 256 at most'],
    ['dirty', '1.5', 'expected a number from 0 to 1'],
    ['on-conflict', 'ignore', 'expected reject, skip or update'],
    ['missing-dimensions', '', 'expected reject or infer'],
    ['delimiter', '', 'expected 1 to 16 characters'],
    ['delimiter', '"', 'expected 1 to 16 characters'],
    ['delimiter', '\n', 'expected 1 to 16 characters'],
    ['delimiter', '-'.repeat(17), 'expected 1 to 16 characters'],
    ['quote', '`', 'expected double, single or none'],
    ['escape', '^', 'expected doubling or backslash'],
    ['line-end', 'nl', 'expected lf, crlf, cr, any'],
    ['encoding', 'ebcdic', 'expected utf-8, utf-16le, utf-16be, latin1, windows-1252'],
    ['compression', 'rar', 'expected none, gzip, zstd, bzip2, zip'],
    ['header', 'perhaps', 'expected true or false'],
    ['columns', 'a,,b', 'expected names'],
    ['columns', 'a,b,a', 'expected each name once'],
    ['skip-lines', '-1', 'expected a number of lines'],
    ['skip-footer', 'x', 'expected a number of lines'],
    ['comment', 'a\nb', 'expected the beginning of comment lines'],
    ['ragged', 'keep', 'expected reject or pad'],
    ['max-rejects', '1.5', 'expected a count such as 100, or a share such as 1%'],
    ['max-rejects', '-1', 'expected a count such as 100'],
    ['max-rejects', 'x%', 'expected a count such as 100'],
  ])('%s %j is refused', (name, given, reason) => {
    expect(() => resolveOptions([name], { [name]: given }, {}, {})).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(reason) }),
    );
  });

  it('that are wrong are reported all at once, each with its source', () => {
    let error: unknown;
    try {
      resolveOptions(
        ['count', 'files', 'seed', 'dirty'],
        { count: 'a' },
        { seed: 'c', dirty: 0.5 },
        { EDP_FILES: 'b' },
      );
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'usage', exitStatus: 2 });
    expect((error as Error).message.split('\n')).toEqual([
      expect.stringMatching(/^--count: expected a whole number.* \(got "a"\)$/),
      expect.stringMatching(/^EDP_FILES: expected a whole number.* \(got "b"\)$/),
      expect.stringMatching(/^seed in edp\.yaml: expected a whole number.* \(got "c"\)$/),
    ]);
  });
});
