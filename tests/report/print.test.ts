/** What a printer gets of a wide table: all of it. Measured in Chromium, where there is one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { wholePage } from '../../src/report/page/page-style.js';
import { tableOf } from '../../src/report/page/page-table.js';
import { widthClass } from '../../src/report/page/report-page.js';
import { makeDirectory } from '../support/cli.js';

const hasChromium = spawnSync('chromium', ['--version']).status === 0;

/** A4 without its margins, in pixels of CSS. */
const PAPER = { upright: 687, across: 1016 };

const TEXT = { typeOid: 25, value: `https://files.example/${'a'.repeat(200)}/one.csv` };
const NUMBER = { typeOid: 20, value: '123456789012' };
const TIME = { typeOid: 1184, value: '2024-01-31 06:00:00.123456+00' };

it.skipIf(!hasChromium).each([
  ['one long text', [TEXT]],
  ['nine long texts', Array<typeof TEXT>(9).fill(TEXT)],
  ['nine of each kind', [TEXT, NUMBER, TIME, TEXT, NUMBER, TIME, TEXT, NUMBER, TIME]],
  ['seventeen', Array.from({ length: 17 }, (_, i) => [TEXT, NUMBER, TIME][i % 3]!)],
  ['seventeen numbers', Array<typeof TEXT>(17).fill(NUMBER)],
  ['forty', Array.from({ length: 40 }, (_, i) => [TEXT, NUMBER, TIME][i % 3]!)],
])('a table of %s fits the paper', async (_, cells) => {
  const columns = cells.map(({ typeOid }, i) => ({ name: `a_rather_long_name_${i}`, typeOid }));
  const table = tableOf(columns, [cells.map(({ value }) => value)], 'rows');
  const shown = widthClass(columns.length);
  const page = wholePage('wide', `<section${shown}>${table}</section>`)
    .replace(/<meta http-equiv[^>]*>/, '')
    .replace('@media print{', '@media all{')
    .replace(
      '</body>',
      '<script>document.title = document.querySelector("table").scrollWidth</script></body>',
    );
  const cwd = await makeDirectory();
  const file = path.join(cwd, 'wide.html');
  await writeFile(file, page);
  const width = shown === '' ? PAPER.upright : PAPER.across;
  const dom = execFileSync(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars'],
      ...['--disable-background-networking', `--user-data-dir=${path.join(cwd, 'chromium')}`],
      ...[`--window-size=${width},900`, '--dump-dom', `file://${file}`],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const measured = Number(/<title>(\d+)<\/title>/.exec(dom)?.[1]);
  expect(measured).toBeGreaterThan(100);
  expect(measured).toBeLessThanOrEqual(width);
});
