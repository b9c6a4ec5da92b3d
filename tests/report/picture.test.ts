/**
 * The picture of a report in the README is of the page that edp makes now.
 *
 * Browsers and fonts draw the same page differently, so not its pixels are compared: the picture carries the hash of
 * the page that it was made of, in a text chunk of the PNG. `UPDATE_GOLDEN=1` makes it anew, with Chromium.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { SLOW } from './setup.js';

const PICTURE = path.join(import.meta.dirname, '../../docs/images/hourly-report.png');
const README = path.join(import.meta.dirname, '../../README.md');
const MAX_BYTES = 200_000;
const KEY = 'Page-SHA-256';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(path.join(os.tmpdir(), 'edp-picture-'));
}, SLOW);
afterAll(async () => {
  await edp(['db', 'stop'], { cwd });
  await rm(cwd, { recursive: true, force: true, maxRetries: 3 });
});

it(
  'the README has a picture of a report as it is made now',
  async () => {
    const page = await makePage();
    const hash = createHash('sha256').update(page).digest('hex');
    if (process.env.UPDATE_GOLDEN === '1') await writeFile(PICTURE, await photograph(page, hash));
    const picture = await readFile(PICTURE);
    expect(picture.length).toBeLessThan(MAX_BYTES);
    expect(
      readHash(picture),
      'the page has changed: UPDATE_GOLDEN=1 npx vitest run tests/report/picture.test.ts makes the picture anew',
    ).toBe(hash);
    expect(await readFile(README, 'utf8')).toContain('](docs/images/hourly-report.png)');
  },
  SLOW,
);

/** The first report of the README, of fewer events, without the times at which it was made. */
async function makePage(): Promise<string> {
  const commands = [
    'generate-data --files 1 --count 200000 --seed 11',
    'seed-dimensions',
    'ingest data/events-*.csv',
    'generate-report count_hourly_events_by_first_dimension --from 2023-03-06 --to 2023-03-13 --out hourly.html',
  ];
  for (const command of commands) {
    const { status, stderr } = await edp(command.split(' '), { cwd });
    expect(status, stderr).toBe(0);
  }
  const page = await readFile(path.join(cwd, 'hourly.html'), 'utf8');
  return page
    .replace(/(?<=<dt>made<\/dt><dd>)[^<]*/, '2026-11-29 08:00:00 UTC')
    .replace(/(?<=<td class="t">)[^<]*\+00(?=<\/td>)/g, '2026-11-29 07:58:12+00');
}

async function photograph(page: string, hash: string): Promise<Buffer> {
  const file = path.join(cwd, 'page.html');
  const png = path.join(cwd, 'page.png');
  await writeFile(file, page);
  execFileSync(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...[
        '--hide-scrollbars',
        '--disable-lcd-text',
        `--user-data-dir=${path.join(cwd, 'chromium')}`,
      ],
      ...['--window-size=940,720', `--screenshot=${png}`, `file://${file}`],
    ],
    { stdio: 'pipe' },
  );
  return withText(pack(await readFile(png)), `${KEY}\0${hash}`);
}

/** Of the signature and the header, with which every PNG begins. */
const HEADER_BYTES = 33;

function withText(png: Buffer, text: string): Buffer {
  const chunk = chunkOf('tEXt', Buffer.from(text, 'latin1'));
  return Buffer.concat([png.subarray(0, HEADER_BYTES), chunk, png.subarray(HEADER_BYTES)]);
}

/** The same picture in fewer bytes: Chromium compresses in a hurry. */
function pack(png: Buffer): Buffer {
  const data: Buffer[] = [];
  for (let at = HEADER_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    if (name === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const pixels = deflateSync(inflateSync(Buffer.concat(data)), { level: 9 });
  const end = chunkOf('IEND', Buffer.alloc(0));
  return Buffer.concat([png.subarray(0, HEADER_BYTES), chunkOf('IDAT', pixels), end]);
}

/** Length, name, data, checksum: https://www.w3.org/TR/png/#5Chunk-layout */
function chunkOf(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(data.length, 0);
  numbers.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([numbers.subarray(0, 4), named, numbers.subarray(4)]);
}

function readHash(png: Buffer): string | undefined {
  return new RegExp(`tEXt${KEY}\0([0-9a-f]{64})`).exec(png.toString('latin1'))?.[1];
}
