/** The demonstration of change events: a shop → events → realized tables → a fact, against what the shop did. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { cleanEnvironment } from '../support/cli.js';

const DEMO = path.resolve(import.meta.dirname, '../../examples/shop/demo.mjs');

/** The rows of the tables that psql printed for statements with these words, in their order. */
function rowsOf(stdout: string, words: string): string[][][] {
  return stdout
    .split('\n$ edp ')
    .filter((part) => part.startsWith('db psql') && part.includes(words))
    .map((part) =>
      part
        .split('\n')
        .filter((line) => /^ +\d+ \|/.test(line))
        .map((line) => line.split('|').map((cell) => cell.trim())),
    );
}

it('npm run demo:events ends with what the shop has', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO], {
    // Servers, options and receivers of somebody else, which are none of its business.
    env: {
      ...cleanEnvironment(),
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nowhere',
      SOURCE_URL: 'postgresql://nobody@127.0.0.1:1/nowhere',
      PGHOST: '127.0.0.1',
      PGPORT: '1',
      PGOPTIONS: '-c no_such=1',
      EDP_PROCESS_COUNT: '0',
      EDP_METRICS: 'nowhere',
    },
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);

  const [first, last] = rowsOf(stdout, 'FROM customers ORDER BY');
  expect(first).toEqual([
    ['1', 'Ada Moreau', 'low', '1000.00', ''],
    ['2', 'Bo Lindqvist', 'high', '250.00', ''],
  ]);
  expect(last).toEqual([
    ['1', 'Ada Moreau', 'low', '', ''],
    ['2', 'Bo Lindqvist', 'low', '250.00', ''],
    ['3', 'Vera Account', 'low', '0', ''],
    ['4', 'Chidi Okafor', 'low', '400.00', ''],
  ]);

  const open = [
    ['1', '1', 'paid', '65.90'],
    ['2', '2', 'paid', '240.00'],
  ];
  const third = ['3', '4', 'paid', '79.80'];
  expect(rowsOf(stdout, 'FROM gold.order_fact')).toEqual([
    [...open, third],
    open,
    [...open, third],
    open,
  ]);

  const [states] = rowsOf(stdout, 'FROM customers_history');
  expect(states?.filter(([id]) => id === '2')).toEqual([
    ['2', 'Bo Lindqvist', 'high', 't', 'f'],
    ['2', 'Bo Lindqvist', 'low', '', 't'],
  ]);
  expect(stdout).toContain('bad_schema');
  expect(stdout).toContain('1 reject tried');
  expect(stdout).toContain('is undone');
});
