import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { toConnectError } from '../../src/postgres/connect-errors.js';
import { endOfServer } from '../../src/postgres/embedded/server-log.js';
import { makeDirectory } from '../support/cli.js';

const at = (text: string) => `2026-11-29 20:34:03.715 UTC [9453] ${text}\n`;
const START = at('LOG:  starting PostgreSQL 18.4');
const FULL = 'could not write to file "pg_wal/xlogtemp.9453": No space left on device';
const END =
  at('LOG:  terminating any other active server processes') +
  at('LOG:  database system is shut down');

it.each([
  ['the fault before the last lines', START + at(`FATAL:  ${FULL}`) + END, FULL],
  [
    'a panic',
    START + at(`PANIC:  ${FULL}`) + at('FATAL:  the database system is in recovery mode') + END,
    FULL,
  ],
  [
    'no fault of an earlier start',
    START + at(`FATAL:  ${FULL}`) + START.trim(),
    START.slice(41).trim(),
  ],
  ['nothing', '', 'its log is empty'],
])('says how a server ended: %s', (_, log, expected) => {
  expect(endOfServer(log)).toBe(expected);
});

it('keeps the cause of a lost connection, by which it is tried again', async () => {
  const host = await makeDirectory();
  await writeFile(path.join(host, 'postgres.log'), START + at(`FATAL:  ${FULL}`) + END);
  const refused = Object.assign(new Error('no socket'), { code: 'ENOENT' });
  const error = toConnectError(refused, {
    host,
    port: 5432,
    user: 'edp',
    database: 'edp',
    ssl: false,
  });
  expect(error).toMatchObject({ code: 'database_unreachable', cause: refused });
  expect(error.message).toBe(`the embedded PostgreSQL has ended: ${FULL}`);
});
