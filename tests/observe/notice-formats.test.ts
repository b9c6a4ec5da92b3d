/** What happened → the notice in each form, as golden files: UPDATE_GOLDEN=1 writes them anew. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Happening } from '../../src/base/happenings.js';
import { NOTICE_EVENTS, type NoticeEvent } from '../../src/model/notify-schema.js';
import { mailText } from '../../src/observe/notices/mail-text.js';
import { makeNotice } from '../../src/observe/notices/make-notice.js';
import { type Notice, noticeSchema } from '../../src/observe/notices/notice.schema.js';
import { pagerdutyEvent } from '../../src/observe/notices/pagerduty-event.js';
import { RunAccount } from '../../src/observe/notices/run-account.js';
import { slackMessage } from '../../src/observe/notices/slack-message.js';
import { teamsMessage } from '../../src/observe/notices/teams-message.js';

const AT = Date.UTC(2026, 10, 30, 2, 0, 0);
const FILE = { path: 'data/events <1> & [2].csv', table: 'public.events' };
const TIMED = { startedAt: AT, seconds: 2.5 };
const ROWS = { read: 100, loaded: 90, rejected: 8, duplicate: 2 };
const CHANGE = { inserted: 0, updated: 0, deleted: 0 };

const rejects: Happening = {
  kind: 'split_committed',
  loadId: 7,
  ...FILE,
  ...TIMED,
  startByte: 0,
  endByte: 5000,
  bytes: 5000,
  rows: ROWS,
  change: CHANGE,
  rejectCodes: { bad_integer: 7, bad_date: 1 },
  steps: [],
};

const ALL: readonly Happening[] = [
  { kind: 'command_began', command: 'ingest', startedAt: AT },
  { kind: 'run_began', command: 'ingest', runId: 12 },
  {
    kind: 'schema_changed',
    ...FILE,
    added: ['colour', 'peter@home.example'],
    missing: ['size'],
  },
  rejects,
  {
    kind: 'load_ended',
    loadId: 8,
    path: 'https://me:hush@files.example/b.csv?sig=hush',
    table: 'public.events',
    status: 'failed',
    bytes: 0,
    rows: { read: 0, loaded: 0, rejected: 0, duplicate: 0 },
    code: 'header_mismatch',
    ...TIMED,
  },
  {
    kind: 'task_ended',
    task: 'gold.visits_fact',
    table: 'gold.visits_fact',
    slice: '2026-11-29',
    state: 'failed',
    change: CHANGE,
    code: '22P02',
    ...TIMED,
  },
  {
    kind: 'check_ended',
    check: 'unique_id',
    table: 'public.events',
    severity: 'error',
    isOk: false,
    failures: 3,
  },
  {
    kind: 'check_ended',
    check: 'range_size',
    table: 'public.events',
    severity: 'warning',
    isOk: false,
    failures: 1,
  },
  { kind: 'check_ended', check: 'holds', table: 't', severity: 'error', isOk: true, failures: 0 },
  { kind: 'stale', table: 'public.events', ageSeconds: 200_000, limitSeconds: 86_400 },
  { kind: 'stale', table: 'public.towns', ageSeconds: null, limitSeconds: 3600 },
  { kind: 'said', level: 'warn', text: 'hush' },
  { kind: 'failed', code: 'header_mismatch', error: new Error('hush') },
  { kind: 'command_ended', command: 'ingest', exitStatus: 1, ...TIMED },
];

function noticeOf(
  happenings: readonly Happening[],
  on: readonly NoticeEvent[] = NOTICE_EVENTS,
): Notice | undefined {
  const account = new RunAccount();
  for (const happening of happenings) account.hear(happening);
  const notice = makeNotice(account, { project: 'warehouse', command: 'ingest' }, on);
  return notice === undefined ? undefined : { ...noticeSchema.parse(notice), edpVersion: '1.0.0' };
}

const FORMS: readonly [string, (notice: Notice) => unknown][] = [
  ['json.json', (notice) => notice],
  ['slack.json', slackMessage],
  ['teams.json', teamsMessage],
  ['pagerduty.json', (notice) => pagerdutyEvent(notice, 'key-of-service')],
  ['mail.txt', (notice) => `Subject: ${mailText(notice).subject}\n\n${mailText(notice).text}`],
];

describe('all that can happen', () => {
  it.each(FORMS)('%s', async (name, form) => {
    const made = form(noticeOf(ALL)!);
    const text = typeof made === 'string' ? made : `${JSON.stringify(made, null, 2)}\n`;
    expect(text).not.toMatch(/hush|peter/);
    const file = fileURLToPath(new URL(`notices/${name}`, import.meta.url));
    if (process.env.UPDATE_GOLDEN === '1') await writeFile(file, text);
    const golden = await readFile(file, 'utf8');
    // Where the lines of JSON end is a matter of the formatter.
    if (name.endsWith('.json')) expect(JSON.parse(text)).toEqual(JSON.parse(golden));
    else expect(text).toBe(golden);
  });
});

describe('the weightiest leads', () => {
  it.each<[NoticeEvent, string, readonly NoticeEvent[]]>([
    ['failed', 'edp ingest failed: header_mismatch', NOTICE_EVENTS],
    ['rejects', 'edp ingest: 8 records rejected', NOTICE_EVENTS.slice(1)],
    ['check_failed', 'edp ingest: 1 check failed', NOTICE_EVENTS.slice(2)],
    ['stale', 'edp ingest: 2 tables without new rows', NOTICE_EVENTS.slice(3)],
    ['schema_change', 'edp ingest: columns of public.events changed', NOTICE_EVENTS.slice(4)],
  ])('%s', (event, title, on) => {
    expect(noticeOf(ALL, on)).toMatchObject({ event, events: on, title });
  });

  it('and what the receiver is not told is not in it', () => {
    expect(noticeOf(ALL, ['stale'])).toMatchObject({ failures: [], rejects: [], checks: [] });
    expect(noticeOf([rejects], ['failed'])).toBeUndefined();
    expect(noticeOf([])).toBeUndefined();
  });

  it('a check of severity warning alone is no event', () => {
    expect(noticeOf(ALL.filter(({ kind }) => kind === 'check_ended').slice(1))).toBeUndefined();
  });
});

it('a status of 1 that nothing explains is a failure, too', () => {
  const end: Happening = { kind: 'command_ended', command: 'verify', exitStatus: 1, ...TIMED };
  expect(noticeOf([end])).toMatchObject({
    event: 'failed',
    title: 'edp ingest failed',
    failures: [],
  });
});

it('a run of many files lists some of them, and counts the others', () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ ...rejects, loadId: i + 1 }));
  const notice = noticeOf([...many, ...many])!;
  expect(notice.rejects).toHaveLength(20);
  expect(notice.omitted).toBe(4980);
  expect(notice.title).toBe('edp ingest: 80000 records rejected');
  expect(notice.next).toHaveLength(5);
  const slack = JSON.stringify(slackMessage(notice));
  expect(Buffer.byteLength(JSON.stringify(teamsMessage(notice)))).toBeLessThan(28_000);
  for (const { text } of JSON.parse(slack).blocks.slice(2)) {
    expect(text.text.length).toBeLessThanOrEqual(3000);
  }
});

it('a notice that is longer than Teams takes is cut, with its advice', () => {
  const path = `${'_日本'.repeat(90)}.csv`;
  const failed = Array.from({ length: 30 }, (_, i): Happening[] => [
    { ...rejects, path, loadId: i + 1 } as Happening,
    {
      kind: 'load_ended',
      ...TIMED,
      ...FILE,
      path,
      loadId: i,
      status: 'failed',
      bytes: 1,
      rows: ROWS,
    },
  ]);
  const notice = noticeOf(failed.flat())!;
  const text = JSON.stringify(teamsMessage(notice));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(28_000);
  expect(text).toMatch(/\d+ more lines have no room here/);
  expect(text).toContain('What to do');
  expect(text).toContain('edp status');
});
