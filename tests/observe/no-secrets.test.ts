/**
 * Values of records and secrets are planted wherever they can be, and looked for in all that leaves the command:
 * the logs in both forms, notices in each form, mails, reports to Sentry.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { FileServer } from '../support/http-server.js';
import { startMailServer } from '../support/mail-server.js';
import { startReceiver } from '../support/receiver.js';
import { makeTemporary } from '../support/temporary.js';

const MARK = 'hush';
const MODEL = `tables:
  people:
    columns: { id: int, name: text, born: date, town: { type: int, references: towns } }
    key: id
    metrics: { from: more, columns: { height: int } }
  towns: { columns: { id: int, name: text }, key: id }
silver:
  people: { from: people, key: id, columns: { id: id, name: name } }
models:
  lengths: { key: id }
checks:
  people:
    - accepted_values: { column: name, values: [ann, bob] }
notify:
  - { webhook: "\${HOOK}/slack?token=hushtoken", format: slack }
  - { webhook: "\${HOOK}/teams", format: teams }
  - { webhook: "\${HOOK}/json", format: json }
  - { webhook: "\${HOOK}/pager", format: pagerduty, key: "\${PAGER}" }
  - { smtp: "\${SMTP}", to: data@company.example }
`;

const FILES: Readonly<Record<string, string>> = {
  'people-1.csv': [
    'id,name,born,town,more',
    '1,hush-name,2000-01-01,,"{""height"":1}"',
    '1,hush-other,2000-01-01,,',
    'hush-id,x,2000-01-01,,',
    '3,hush-name,hush-date,,',
    '4,hush-name,2000-01-01,hush-town,',
    '5,hush-name,2000-01-01,77,',
    '6,hush-name,2000-01-01,,"{""hush metric"":1,""height"":""hush""}"',
    '7,hush-name,2000-01-01,,{hush',
    '8,"hush-name,2000-01-01',
    '',
  ].join('\n'),
  // A file without a header: values stand where names should.
  'people-2.csv': '9,hush name,2000-01-01,,\n10,hush@home.example,2000-01-01,,\n',
  'people-3.csv': 'id,name,born,town,new@column.example\n11,x,2000-01-01,,hush\n',
  'people-4.jsonl': '{"id": 12, "name": "hush", "hush key": "hush"}\n{"id": "hush"}\nhush\n',
  'sql/models/lengths.sql': "SELECT id, (name || '-hush')::int AS length FROM silver.people\n",
  'sql/reports/casts.sql': 'SELECT name::int AS n FROM people;\n',
};

const database = useTestDatabase('empty');
const web = new FileServer();
let cwd: string;
beforeAll(async () => {
  cwd = await makeTemporary();
  await web.start();
  for (const folder of ['sql/models', 'sql/reports']) {
    await mkdir(path.join(cwd, folder), { recursive: true });
  }
  const all = { 'edp.yaml': MODEL, ...FILES };
  for (const [name, text] of Object.entries(all)) await writeFile(path.join(cwd, name), text);
});
afterAll(async () => {
  await web.stop();
  await rm(cwd, { recursive: true, force: true });
});

const WRONG_PASSWORD = 'postgresql://nobody:hush-password@127.0.0.1:1/x?password=hush';

/** In this order. */
const COMMANDS: readonly (readonly [status: number, ...words: string[]])[] = [
  [3, 'ingest', 'people-1.csv', '--table', 'people'],
  [3, 'ingest', 'people-1.csv', '--table', 'people', '--force', '--on-conflict', 'reject'],
  [3, 'ingest', 'people-1.csv', '--table', 'people', '--force', '--missing-dimensions', 'reject'],
  [1, 'ingest', 'people-1.csv', '--table', 'people', '--force', '--max-rejects', '1'],
  [1, 'ingest', 'people-2.csv', '--table', 'people'],
  [1, 'ingest', 'people-2.csv', '--table', 'people', '--on-new-column', 'add'],
  [0, 'ingest', 'people-3.csv', '--table', 'people', '--on-new-column', 'add'],
  [3, 'ingest', 'people-4.jsonl', '--table', 'people', '--on-new-column', 'keep'],
  [3, 'ingest', 'URL/people.csv?X-Amz-Signature=hush&plain=hush', '--table', 'people'],
  [2, 'ingest', 'URL/gone.csv?X-Amz-Signature=hush&plain=hush', '--table', 'people'],
  [1, 'ingest', 'https://me:hush@nobody.invalid/x.csv?sig=hush', '--table', 'people'],
  [1, 'ingest', 'people-1.csv', '--table', 'people', '--database-url', WRONG_PASSWORD],
  [2, 'ingest', 'people-1.csv', '--table', 'people', '--process-count', 'hush'],
  [1, 'run'],
  [3, 'check'],
  [0, 'status', '1'],
  [0, 'rejects', '1'],
  [3, 'replay', '1'],
  [1, 'verify', '1', 'people-3.csv'],
  [2, 'promote', 'hush metric', '--table', 'people'],
  [1, 'generate-report', 'casts'],
  [2, 'generate-report', 'hush-report'],
  [0, 'undo', '1', '--yes'],
];

it('none of them leaves the command', async () => {
  const receiver = await startReceiver();
  const mail = await startMailServer({ login: { user: 'edp', password: 'hush-of-mail' } });
  web.serve('/people.csv', 'id,name,born,town,more\n20,hush,hush,,\n');
  const settings = {
    DATABASE_URL: database.url,
    HOOK: `${receiver.url}/hushhook`,
    PAGER: 'hush-pager',
    SMTP: `smtp://edp:hush-of-mail@127.0.0.1:${mail.port}`,
    EDP_SENTRY_DSN: `${receiver.url.replace('//', '//hushdsn@')}/42`,
  };
  const logs: string[] = [];
  for (const [i, [expected, ...command]] of COMMANDS.entries()) {
    const args = command.map((word) =>
      word.replace('URL', web.url('').replace('//', '//me:hush@')),
    );
    // By turns to a file and to stderr, each in its form.
    const form = i % 3 === 0 ? 'text' : 'json';
    const file = i % 3 === 2 ? [] : ['--log-file', 'edp.log'];
    const result = await edp([...args, '--log', form, '--verbose', ...file], {
      cwd,
      env: settings,
    });
    expect(result.status, `${args.join(' ')}: ${result.stderr}`).toBe(expected);
    if (file.length === 0) logs.push(result.stderr);
  }
  // A faulty edp.yaml quotes itself to people only.
  await writeFile(path.join(cwd, 'edp.yaml'), `${MODEL}hush: hush\n`);
  logs.push((await edp(['ingest', 'x', '--log', 'json'], { cwd, env: settings })).stderr);
  logs.push(await readFile(path.join(cwd, 'edp.log'), 'utf8'));

  const log = logs.join('\n');
  expect(log.split('\n').length).toBeGreaterThan(60);
  expect(log).toMatch(/records? rejected/);
  const posted = receiver.received.map(({ path: url, body }) => ({ url, body }));
  const kinds = ['slack', 'teams', 'json', 'pager', 'envelope'];
  for (const kind of kinds)
    expect(
      posted.some(({ url }) => url.includes(kind)),
      kind,
    ).toBe(true);
  expect(mail.mails.length).toBeGreaterThan(3);
  const sent = [
    // Its key is what it is for.
    ...posted.map(({ body }) => body.replaceAll('"routing_key":"hush-pager"', '')),
    ...mail.mails.map(({ text }) => text),
  ];
  for (const text of [...logs, ...sent]) {
    const at = text.indexOf(MARK);
    expect(at < 0 ? '' : text.slice(Math.max(0, at - 300), at + 100)).toBe('');
  }
}, 120_000);
