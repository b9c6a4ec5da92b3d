/** The commands and the example of edp.yaml in docs/monitoring.md do what the page says. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { METRICS, type MetricDefinition } from '../../src/observe/metrics/metric-definitions.js';
import { parseProject } from '../../src/project/parse.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { readPageCommands } from '../support/page-commands.js';
import { startReceiver } from '../support/receiver.js';

const database = useTestDatabase('empty');
const URLS = {
  SLACK_URL: 'https://hooks.slack.com/services/T0/B0/x',
  TEAMS_URL: 'https://company.webhook.office.com/x',
  PAGERDUTY_KEY: 'abc',
  SMTP_URL: 'smtps://me:word@mail.company.example',
};

async function readPage(): Promise<string> {
  return readFile(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
}

it('the table of the metrics is that of the registry', async () => {
  const [, , rows = ''] =
    /^\| metric \| type \| labels \| means \|\n(\|[-|]+\|)\n((?:\|.*\n)+)/m.exec(
      await readPage(),
    ) ?? [];
  const registered = Object.entries(METRICS as Readonly<Record<string, MetricDefinition>>).map(
    ([name, { type, labels, help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
  );
  const plain = (line: string) => line.replace(/ +/g, ' ');
  expect(rows.trimEnd().split('\n').map(plain)).toEqual(registered.map(plain));
});

it('names no metric that does not exist, in the alerts and the dashboard either', async () => {
  const folder = new URL('../../docs/monitoring/', import.meta.url);
  const files = ['edp.rules.yml', 'edp.rules.test.yml', 'edp-dashboard.json'];
  const texts = await Promise.all([
    readPage(),
    ...files.map((file) => readFile(new URL(file, folder), 'utf8')),
  ]);
  const suffixes = /_(bucket|sum|count)$/;
  for (const text of texts) {
    const named = new Set(text.match(/(?<![\w./-])edp_[a-z_]+(?![\w.*-])/g));
    const unknown = [...named].filter(
      (name) =>
        !Object.hasOwn(METRICS, name) && !Object.hasOwn(METRICS, name.replace(suffixes, '')),
    );
    expect(unknown).toEqual([]);
  }
});

it('the receivers of the page are understood', async () => {
  const [, example = ''] = /^```yaml\n(notify:\n.*?)^```$/ms.exec(await readPage()) ?? [];
  const { notify = [] } = parseProject(example, URLS);
  expect(notify.map((one) => (one.kind === 'smtp' ? 'mail' : one.format))).toEqual([
    'slack',
    'teams',
    'pagerduty',
    'json',
    'mail',
  ]);
});

it('the commands of the page run', async () => {
  const receiver = await startReceiver();
  const cwd = await makeDirectory();
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    `tables:\n  sales: { columns: { id: int }, key: id }\nnotify: [{ webhook: "${receiver.url}", format: json }]\n`,
  );
  await writeFile(path.join(cwd, 'sales.csv'), 'id\n1\n2\n3\nx\n');
  const statuses: (number | null)[] = [];
  let stderr = '';
  for (const { words } of await readPageCommands('monitoring.md')) {
    const result = await edp(words.slice(1), { cwd, env: { DATABASE_URL: database.url } });
    statuses.push(result.status);
    stderr += result.stderr;
  }
  // The file is known after the first.
  expect(statuses, stderr).toEqual([3, 0, 0, 0]);
  const shown = /^ {4}(\{"time".*\})$/m.exec(await readPage())?.[1] ?? '';
  const line = stderr.split('\n').find((one) => one.includes('"load_ended"')) ?? '';
  const plain = (text: string) =>
    text.replace(/"time":"[^"]*"|_id":\d+|in \d+\.\d s/g, (part) => part.replace(/\d+/g, '0'));
  expect(plain(line)).toBe(plain(shown));
  expect(await readFile(path.join(cwd, 'edp.log'), 'utf8')).toContain('load_ended');
  expect(
    JSON.parse((await readFile(path.join(cwd, 'edp.json.log'), 'utf8')).split('\n')[0]!),
  ).toMatchObject({
    code: 'command_began',
  });
});
