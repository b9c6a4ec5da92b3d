/** What is specified about files: by format, and by the strength of who specified it. */
import { describe, expect, it } from 'vitest';
import { resolveFileSettings } from '../../src/options/resolve-options.js';

const NOTHING = { options: {}, csv: {} };
const TABLE = { format: 'jsonl', csv: { encoding: 'latin1' } } as const;

describe('the format of files', () => {
  it.each<[string, object, object, object, 'csv' | 'jsonl' | undefined]>([
    ['is not specified', {}, {}, {}, undefined],
    ['is that of the command line', { format: 'csv' }, { EDP_INPUT_FORMAT: 'jsonl' }, {}, 'csv'],
    [
      'is that of the environment',
      {},
      { EDP_INPUT_FORMAT: 'jsonl' },
      { 'input-format': 'csv' },
      'jsonl',
    ],
    ['is that of the project', {}, {}, { 'input-format': 'csv' }, 'csv'],
    ['is not that of reports', {}, { EDP_FORMAT: 'table' }, { format: 'json' }, undefined],
  ])('%s', (_, given, environment, options, format) => {
    const settings = resolveFileSettings(
      { ...given },
      { options: { ...options }, csv: {} },
      { ...environment },
    );
    expect(settings().format).toBe(format);
  });

  it('of a table counts before that of the project, and behind all others', () => {
    const project = { options: { 'input-format': 'csv' }, csv: {} };
    expect(resolveFileSettings({}, project, {})(TABLE).format).toBe('jsonl');
    expect(resolveFileSettings({ format: 'csv' }, NOTHING, {})(TABLE).format).toBe('csv');
    const variable = { EDP_INPUT_FORMAT: 'csv' };
    expect(resolveFileSettings({}, NOTHING, variable)(TABLE).format).toBe('csv');
  });
});

it('what a `csv:` section says is about CSV alone', () => {
  const project = { options: {}, csv: { encoding: 'utf-16', compression: 'gzip' } };
  const { csv, text } = resolveFileSettings({}, project, {})(TABLE);
  expect(csv).toEqual({ encoding: 'latin1', compression: 'gzip' });
  expect(text).toEqual({});
});

it('what the command line says of the text holds for any format', () => {
  const given = { encoding: 'utf8', compression: 'none', delimiter: ';' };
  const { csv, text } = resolveFileSettings(given, NOTHING, {})();
  expect(csv).toEqual({ encoding: 'utf-8', compression: 'none', delimiter: ';' });
  expect(text).toEqual({ encoding: 'utf-8', compression: 'none' });
});

it('JSON lines have none of the settings of CSV', () => {
  expect(() =>
    resolveFileSettings({ format: 'jsonl', delimiter: ';', header: false }, NOTHING, {}),
  ).toThrow('--delimiter, --header and --format jsonl exclude each other');
});
