/** The demonstration of earthquakes: HTTP → warehouse → report, against what the recorded answers say. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { cleanEnvironment } from '../support/cli.js';

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/earthquakes');

interface Quake {
  readonly mag: string;
  readonly type: string;
}

it('npm run demo:earthquakes ends with a report of what the API answered', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(EXAMPLE, 'demo.mjs')], {
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
  const report = stdout.slice(stdout.indexOf('$ edp generate-report'));
  const shown = [...report.matchAll(/^(2015-08-\d\d) +(\d+) +([\d.]+)$/gm)].map(
    ([, date, count, strongest]) => [date, Number(count), Number(strongest)],
  );
  const days = readdirSync(path.join(EXAMPLE, 'answers')).filter((name) => name.endsWith('.csv'));
  const counted = days.sort().map((name) => {
    const text = readFileSync(path.join(EXAMPLE, 'answers', name), 'utf8');
    const quakes = parse<Quake>(text, { columns: true }).filter(
      ({ type }) => type === 'earthquake',
    );
    return [name.slice(0, 10), quakes.length, Math.max(...quakes.map(({ mag }) => Number(mag)))];
  });
  expect(shown).toHaveLength(14);
  expect(shown).toEqual(counted);
  expect(stdout).toMatch(/1 file skipped \(content already loaded\)/);
  expect(stdout).toMatch(/file and table agree/);
  expect(stdout).toMatch(/checks \(the embedded server.*\): 0 errors, 0 warnings/);
});
