/** Notices from end to end: the built program against receivers on loopback. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Notice, noticeSchema } from '../../src/observe/notices/notice.schema.js';
import { hasOpenssl, makeCertificates } from '../postgres/tls-server.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { type MailServerOptions, startMailServer } from '../support/mail-server.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const database = useTestDatabase('empty');
let made = 0;

/** A project whose table has a name of its own. */
async function makeProject(
  receivers: readonly string[],
  more = '',
): Promise<{ cwd: string; table: string; file: string }> {
  const cwd = path.join(await makeDirectory(), 'shop');
  await mkdir(cwd);
  const table = `items${++made}`;
  const text = `tables:
  ${table}: { columns: { id: int, value: int, at: timestamptz }, key: id }
notify:
${receivers.map((receiver) => `  - ${receiver}\n`).join('')}${more.replaceAll('TABLE', table)}`;
  await writeFile(path.join(cwd, 'edp.yaml'), text);
  const file = `${table}.csv`;
  await writeFile(path.join(cwd, file), 'id,value,at\n1,10,\n2,x,\n3,y,\n4,40,\n');
  return { cwd, table, file };
}

function noticesOf({ received }: Receiver): Notice[] {
  return received.map(({ body }) => noticeSchema.parse(JSON.parse(body)));
}

const HOOK = `{ webhook: "\${HOOK}", format: json }`;
const envOf = (receiver: { readonly url: string }) => ({
  DATABASE_URL: database.url,
  HOOK: `${receiver.url}/services/secret-of-hook`,
});

describe('what a notice says', () => {
  it('is that records were rejected, once', async () => {
    const receiver = await startReceiver();
    const { cwd, table, file } = await makeProject([HOOK]);
    const env = envOf(receiver);
    const { status, stderr } = await edp(['ingest', file], { cwd, env });
    expect(status, stderr).toBe(3);
    expect(stderr).not.toContain('warning');
    const [notice, ...others] = noticesOf(receiver);
    expect(others).toEqual([]);
    expect(notice).toMatchObject({
      event: 'rejects',
      events: ['rejects'],
      title: 'edp ingest: 2 records rejected',
      project: 'shop',
      command: 'ingest',
      exitStatus: 3,
      rows: { read: 4, loaded: 2, rejected: 2, duplicate: 0 },
      rejects: [{ file, table: `public.${table}`, rejected: 2 }],
      failures: [],
    });
    expect(Object.values(notice!.rejects[0]!.codes)).toEqual([2]);
    expect(notice!.next).toEqual([`edp rejects ${notice!.rejects[0]!.loadId}`]);
    expect(receiver.received[0]!.path).toBe('/services/secret-of-hook');
    // The file is known now, and its rejects are old news.
    expect((await edp(['ingest', file], { cwd, env })).status).toBe(0);
    expect(receiver.received).toHaveLength(1);
  });

  it('is that the server refuses, before a run has begun', async () => {
    const receiver = await startReceiver();
    const { cwd, file } = await makeProject([HOOK]);
    const env = { ...envOf(receiver), DATABASE_URL: 'postgresql://me:secret-word@127.0.0.1:1/x' };
    expect((await edp(['ingest', file], { cwd, env })).status).toBe(1);
    expect(noticesOf(receiver)).toMatchObject([
      {
        event: 'failed',
        title: 'edp ingest failed: database_unreachable',
        runId: null,
        failures: [{ code: 'database_unreachable', loadId: null }],
      },
    ]);
    expect(receiver.received[0]!.body).not.toContain('secret-word');
  });

  it('is that a file failed, and what was rejected in another', async () => {
    const receiver = await startReceiver();
    const { cwd, table, file } = await makeProject([HOOK]);
    await writeFile(path.join(cwd, `${table}-2.csv`), 'nothing,fits\n1,2\n');
    const args = ['ingest', file, `${table}-2.csv`] as const;
    expect((await edp(args, { cwd, env: envOf(receiver) })).status).toBe(1);
    const [notice, ...others] = noticesOf(receiver);
    expect(others).toEqual([]);
    expect(notice).toMatchObject({
      event: 'failed',
      events: expect.arrayContaining(['failed']),
      failures: [{ code: 'header_mismatch' }],
    });
    expect(notice!.next.at(-1)).toMatch(/^edp (status|rejects)/);
  });

  it('is that a check failed, and that a table is stale', async () => {
    const receiver = await startReceiver();
    const checks = `checks:
  TABLE:
    - range: { column: value, max: 20 }
    - fresh: { column: at, within: 1 hour }
`;
    const { cwd, table, file } = await makeProject([HOOK], checks);
    await writeFile(path.join(cwd, file), 'id,value,at\n1,10,2024-01-01T00:00:00Z\n4,40,\n');
    expect((await edp(['ingest', file], { cwd, env: envOf(receiver) })).status).toBe(0);
    expect(receiver.received).toEqual([]);
    expect((await edp(['check'], { cwd, env: envOf(receiver) })).status).toBe(3);
    const [notice, ...others] = noticesOf(receiver);
    expect(others).toEqual([]);
    expect(notice).toMatchObject({
      event: 'check_failed',
      events: ['check_failed', 'stale'],
      stale: [{ table: expect.stringContaining(table), limitSeconds: 3600 }],
    });
    expect(notice!.checks).toContainEqual({
      check: expect.stringContaining('value'),
      table: expect.stringContaining(table),
      severity: 'error',
      failures: 1,
    });
  });

  it('is the name of a file that has not come, and of one that has no table', async () => {
    const receiver = await startReceiver();
    const { cwd } = await makeProject([HOOK]);
    await writeFile(path.join(cwd, 'stray.csv'), 'id\n1\n');
    for (const name of ['landing/*.csv', 'stray.csv']) {
      expect((await edp(['ingest', name], { cwd, env: envOf(receiver) })).status).toBe(2);
    }
    const said = noticesOf(receiver).map(({ failures }) => failures[0]!.meaning);
    expect(said[0]).toContain('(landing/*.csv)');
    expect(said[1]).toContain('stray.csv)');
  });

  it('is nothing of an empty file, whose columns are not known', async () => {
    const receiver = await startReceiver();
    const { cwd, file } = await makeProject([HOOK]);
    await writeFile(path.join(cwd, file), '');
    const { status, stderr } = await edp(['ingest', file], { cwd, env: envOf(receiver) });
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`${file} has no header and no records`);
    expect(receiver.received).toEqual([]);
  });

  it('is that columns changed', async () => {
    const receiver = await startReceiver();
    const { cwd, table, file } = await makeProject([HOOK]);
    await writeFile(path.join(cwd, file), 'id,value,colour,peter@home.example\n1,10,red,x\n');
    const args = ['ingest', file, '--on-new-column', 'add'] as const;
    const { status, stderr } = await edp(args, { cwd, env: envOf(receiver) });
    expect(status, stderr).toBe(0);
    const [notice] = noticesOf(receiver);
    expect(notice).toMatchObject({
      event: 'schema_change',
      title: expect.stringMatching(new RegExp(`columns of (public\\.)?${table} changed`)),
    });
    expect(receiver.received[0]!.body).toContain('colour');
    expect(receiver.received[0]!.body).not.toContain('peter@home');
  });

  it('is only what the receiver is told', async () => {
    const receiver = await startReceiver();
    const { cwd, file } = await makeProject([HOOK.replace(' }', ', on: [failed, stale] }')]);
    expect((await edp(['ingest', file], { cwd, env: envOf(receiver) })).status).toBe(3);
    expect(receiver.received).toEqual([]);
  });
});

describe('no notice', () => {
  it('after Ctrl-C, which is a line of the log', async () => {
    const receiver = await startReceiver();
    const { cwd, file } = await makeProject([HOOK]);
    const env = { ...envOf(receiver), EDP_FAILPOINTS: 'run.planned=interrupt' };
    const { status, stderr } = await edp(['ingest', file, '--log', 'json'], { cwd, env });
    expect(status, stderr).toBe(130);
    expect(receiver.received).toEqual([]);
    expect(stderr.trimEnd().split('\n').at(-1)).toContain('ended with status 130');
  });

  const NONE: readonly [what: string, status: number, args: readonly string[]][] = [
    ['of a dry run', 3, ['ingest', 'FILE', '--dry-run']],
    ['of a mistake in the call', 2, ['ingest', 'FILE', '--process-count', '0']],
    ['of a load that is not there', 2, ['undo', '77', '--yes']],
    ['of a command that somebody looks at', 2, ['status', '77']],
  ];
  it.each(NONE)('%s', async (_, expected, args) => {
    const receiver = await startReceiver();
    const { cwd, file } = await makeProject([HOOK]);
    const given = args.map((word) => (word === 'FILE' ? file : word));
    const { status, stderr } = await edp(given, { cwd, env: envOf(receiver) });
    expect(status, stderr).toBe(expected);
    expect(receiver.received).toEqual([]);
  });
});

it('each format and the mail get the same run, and none a value or a secret', async () => {
  const receiver = await startReceiver((n) => ({ status: n === 0 ? 503 : 202 }));
  const mail = await startMailServer({
    login: { user: 'edp@company.example', password: 'pass:word' },
  });
  const { cwd, table, file } = await makeProject([
    `{ webhook: "\${HOOK}/slack", format: slack }`,
    `{ webhook: "\${HOOK}/teams", format: teams }`,
    `{ webhook: "\${HOOK}/json", format: json }`,
    `{ webhook: "\${HOOK}/pager", format: pagerduty, key: "\${PAGER_KEY}" }`,
    `{ smtp: "\${SMTP_URL}", to: [data@company.example, on-call@company.example] }`,
  ]);
  await writeFile(
    path.join(cwd, file),
    'id,value,at\n1,10,\n2,secret-in-value,\nsecret-in-key,3,\n',
  );
  const env = {
    ...envOf(receiver),
    PAGER_KEY: 'key-of-pager',
    SMTP_URL: `smtp://${encodeURIComponent('edp@company.example')}:pass%3Aword@127.0.0.1:${mail.port}`,
  };
  const { status, stderr } = await edp(['ingest', file], { cwd, env });
  expect(status, stderr).toBe(3);
  expect(stderr).not.toContain('warning');
  // The first was tried again.
  expect(receiver.received).toHaveLength(5);
  const bodyOf = (name: string) =>
    JSON.parse(receiver.received.findLast((one) => one.path.endsWith(name))!.body);
  expect(bodyOf('slack')).toMatchObject({ text: 'edp ingest: 2 records rejected (shop)' });
  expect(bodyOf('teams').attachments[0].contentType).toBe(
    'application/vnd.microsoft.card.adaptive',
  );
  expect(bodyOf('pager')).toMatchObject({
    routing_key: 'key-of-pager',
    event_action: 'trigger',
    dedup_key: 'edp/shop/ingest/rejects',
    payload: { severity: 'warning', source: 'edp/shop' },
  });
  expect(noticeSchema.parse(bodyOf('json')).event).toBe('rejects');
  expect(mail.mails).toMatchObject([
    {
      from: 'edp@company.example',
      to: ['data@company.example', 'on-call@company.example'],
      user: 'edp@company.example',
    },
  ]);
  expect(mail.mails[0]!.text).toContain('Subject: [shop] edp ingest: 2 records rejected');
  expect(mail.mails[0]!.text).toContain(`table public.${table}: 2 records`);
  const all = [...receiver.received.map(({ body }) => body), mail.mails[0]!.text].join('\n');
  for (const secret of ['secret-in-value', 'secret-in-key', 'secret-of-hook', 'pass:word']) {
    expect(all).not.toContain(secret);
  }
  expect(all).not.toContain(path.dirname(cwd));
});

it('edp notify test says of each receiver whether it takes notices', async () => {
  const receiver = await startReceiver();
  const gone = await startReceiver(() => ({ status: 404 }));
  const { cwd } = await makeProject([
    `{ webhook: "\${HOOK}", format: json }`,
    `{ webhook: "\${HOOK}/pager", format: pagerduty, key: abcdef }`,
  ]);
  const both = await edp(['notify', 'test'], { cwd, env: envOf(receiver) });
  expect(both.stdout).toBe('json by 127.0.0.1: delivered\npagerduty by 127.0.0.1: delivered\n');
  expect(both.status).toBe(0);
  const bodies = receiver.received.map(({ body }) => JSON.parse(body));
  const notice = bodies.find((body) => body.isTest === true);
  expect(noticeSchema.parse(notice)).toMatchObject({
    title: 'edp notify: this is a test',
    events: [],
  });
  expect(bodies.find((body) => body.routing_key === 'abcdef').payload.severity).toBe('info');
  const failed = await edp(['notify', 'test', '--json'], { cwd, env: envOf(gone) });
  expect(failed.status).toBe(1);
  expect(failed.json).toMatchObject({
    receivers: [{ delivered: false, fault: 'it answers 404 (tried once)' }, { delivered: false }],
  });
  expect(failed.stderr).not.toContain('secret');
});

describe('a receiver that is dead is a warning, and the load ends as it does without', () => {
  const fast = { EDP_FAILPOINTS: 'notify.total_ms:=1500' };
  const run = async (receiver: string, env: Readonly<Record<string, string>>) => {
    const good = await startReceiver();
    const { cwd, file } = await makeProject([receiver, `{ webhook: "\${GOOD}", format: json }`]);
    const startedAt = performance.now();
    const result = await edp(['ingest', file, '--json'], {
      cwd,
      env: { DATABASE_URL: database.url, GOOD: good.url, ...fast, ...env },
    });
    expect(result.status, result.stderr).toBe(3);
    expect(result.json).toMatchObject({ ok: true });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(good.received).toHaveLength(1);
    expect(result.stderr).not.toContain('secret');
    return result.stderr.split('\n').filter((line) => line.includes('notice'));
  };

  it('that refuses connections', async () => {
    const warnings = await run(HOOK, { HOOK: 'http://127.0.0.1:1/secret' });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^warning: the notice to json by 127\.0\.0\.1 was not delivered: ECONNREFUSED \(tried \d times\)$/,
      ),
    ]);
  });

  it('that never answers', async () => {
    const { url } = await startReceiver(() => undefined);
    const warnings = await run(HOOK, { HOOK: `${url}/secret` });
    expect(warnings).toEqual([expect.stringContaining('it does not answer in time')]);
  });

  it('that takes no connection to its end', async () => {
    const server = net.createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await run(HOOK, { HOOK: `https://127.0.0.1:${port}/secret` })).toHaveLength(1);
    const mail = `{ smtp: "\${HOOK}", to: data@company.example }`;
    expect(await run(mail, { HOOK: `smtp://u:secret@127.0.0.1:${port}` })).toHaveLength(1);
  });

  it('that never closes a connection does not hold the process up', async () => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {}).resume();
      onTestFinished(() => void socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { cwd } = await makeProject([`{ smtp: "\${HOOK}", to: data@company.example }`]);
    const startedAt = performance.now();
    const env = { HOOK: `smtp://127.0.0.1:${port}`, ...fast };
    const { status, stderr } = await edp(['notify', 'test'], { cwd, env });
    expect([status, stderr]).toEqual([1, expect.stringContaining('does not answer in time')]);
    expect(performance.now() - startedAt).toBeLessThan(1500 + 4500);
  });

  it('that answers 500 for ever', async () => {
    const dead = await startReceiver(() => ({ status: 500 }));
    const warnings = await run(HOOK, { HOOK: `${dead.url}/secret` });
    expect(warnings).toEqual([expect.stringMatching(/it answers 500 \(tried [2-6] times\)/)]);
    expect(dead.received.length).toBeGreaterThan(1);
  });

  it.each(['trickles', 'breaks'] as const)('whose answer %s has the notice, once', async (rest) => {
    const slow = await startReceiver(() => ({ status: 200, rest }));
    expect(await run(HOOK, { HOOK: `${slow.url}/secret` })).toEqual([]);
    expect(slow.received).toHaveLength(1);
  });

  it('that is in trouble until the time is over is not said to be silent', async () => {
    const dead = await startReceiver(() => ({ status: 503, headers: { 'retry-after': '0' } }));
    // The sixth try comes when all the time is over.
    const warnings = await run(HOOK, { HOOK: dead.url, EDP_FAILPOINTS: 'notify.total_ms:=4000' });
    expect(warnings).toEqual([expect.stringContaining('it answers 503')]);
  });

  it('whose password has a bare percent sign gets it as it is', async () => {
    const good = await startReceiver();
    expect(await run(HOOK, { HOOK: good.url.replace('//', '//me:50%@') })).toEqual([]);
    const login = Buffer.from('me:50%').toString('base64');
    expect(good.received[0]?.headers.authorization).toBe(`Basic ${login}`);
  });

  it('that refuses for good is asked once', async () => {
    const dead = await startReceiver(() => ({ status: 404 }));
    const warnings = await run(HOOK, { HOOK: `${dead.url}/secret` });
    expect(warnings).toEqual([expect.stringContaining('it answers 404 (tried once)')]);
    expect(dead.received).toHaveLength(1);
  });

  it('that redirects is not followed', async () => {
    const dead = await startReceiver(() => ({ status: 302, headers: { location: '/other' } }));
    const warnings = await run(HOOK, { HOOK: `${dead.url}/secret` });
    expect(warnings).toEqual([expect.stringContaining('it answers 302 (tried once)')]);
  });

  it('that asks to wait is asked again when it has been waited for, if that is soon', async () => {
    const busy = await startReceiver((n) =>
      n === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 },
    );
    const warnings = await run(HOOK, { HOOK: busy.url, EDP_FAILPOINTS: 'notify.total_ms:=8000' });
    expect(warnings).toEqual([]);
    expect(busy.received).toHaveLength(2);
    const longBusy = await startReceiver(() => ({ status: 429, headers: { 'retry-after': '60' } }));
    expect(await run(HOOK, { HOOK: longBusy.url })).toEqual([
      expect.stringContaining('it answers 429 and asks to wait for 60 s (tried once)'),
    ]);
  });

  it('that has no address', async () => {
    const warnings = await run(HOOK, { HOOK: 'https://nobody.invalid/secret' });
    expect(warnings).toEqual([
      expect.stringMatching(/json by nobody\.invalid .*(ENOTFOUND|EAI_AGAIN)/),
    ]);
  });

  it('behind a proxy that is dead', async () => {
    const env = { HTTPS_PROXY: 'http://user:secret@127.0.0.1:1', NO_PROXY: '127.0.0.1' };
    const warnings = await run(HOOK, { HOOK: 'https://hooks.company.example/secret', ...env });
    expect(warnings).toEqual([expect.stringContaining('hooks.company.example was not delivered')]);
  });
});

it('a proxy of the environment is used', async () => {
  const proxy = await startReceiver();
  const { cwd, file } = await makeProject([HOOK]);
  const env = { ...envOf({ url: 'http://hooks.company.example' }), HTTP_PROXY: proxy.url };
  expect((await edp(['ingest', file], { cwd, env })).status).toBe(3);
  expect(proxy.received).toMatchObject([
    { path: 'http://hooks.company.example/services/secret-of-hook' },
  ]);
});

describe('mail', () => {
  const MAIL = `{ smtp: "\${SMTP_URL}", to: data@company.example }`;
  const run = async (options: MailServerOptions, urlOf: (port: number) => string, env = {}) => {
    const server = await startMailServer(options);
    const { cwd, file } = await makeProject([MAIL]);
    const result = await edp(['ingest', file], {
      cwd,
      env: { DATABASE_URL: database.url, SMTP_URL: urlOf(server.port), ...env },
    });
    expect(result.status, result.stderr).toBe(3);
    expect(result.stderr).not.toMatch(/secret/);
    const warnings = result.stderr.split('\n').filter((line) => line.includes('notice'));
    return { ...server, warnings };
  };

  it('has a sender of the domain that it goes to', async () => {
    const { mails, warnings } = await run({}, (port) => `smtp://127.0.0.1:${port}`);
    expect(warnings).toEqual([]);
    expect(mails).toMatchObject([{ from: 'edp@company.example', isEncrypted: false }]);
    expect(mails[0]!.text).toMatch(/^Auto-Submitted: auto-generated/m);
  });

  it('is tried again where it is put off, and not where it is refused', async () => {
    const refuse = (n: number) => (n < 2 ? 451 : undefined);
    const put = await run({ refuse }, (port) => `smtp://127.0.0.1:${port}`);
    expect(put.warnings).toEqual([]);
    expect(put.mails).toHaveLength(1);
    const no = await run({ refuse: () => 550 }, (port) => `smtp://127.0.0.1:${port}`);
    expect(no.warnings).toEqual([
      expect.stringContaining('mail by 127.0.0.1 was not delivered: it answers 550 (tried once)'),
    ]);
    expect(no.mails).toEqual([]);
  });

  it('with a wrong password is a warning that does not have it', async () => {
    const login = { user: 'edp', password: 'right' };
    const { warnings } = await run({ login }, (port) => `smtp://edp:secret@127.0.0.1:${port}`);
    expect(warnings).toEqual([expect.stringContaining('it answers 535 (tried once)')]);
  });

  // Without openssl there is no certificate to serve.
  describe.skipIf(!hasOpenssl())('by TLS', () => {
    const certify = async () => {
      const directory = await makeDirectory();
      makeCertificates(directory);
      const read = (name: string) => readFile(path.join(directory, name), 'utf8');
      const tls = { key: await read('server.key'), cert: await read('server.crt') };
      return { tls, trust: { NODE_EXTRA_CA_CERTS: path.join(directory, 'ca.crt') } };
    };
    const login = { user: 'edp', password: 'right' };

    it.each([
      ['from the first byte', true, 'smtps'],
      ['by STARTTLS', false, 'smtp'],
    ])('%s', async (_, isSecure, scheme) => {
      const { tls, trust } = await certify();
      const urlOf = (port: number) => `${scheme}://edp:right@localhost:${port}`;
      const sent = await run({ tls, isSecure, login }, urlOf, trust);
      expect(sent.warnings).toEqual([]);
      expect(sent.mails).toMatchObject([{ isEncrypted: true, user: 'edp' }]);
      const untrusted = await run({ tls, isSecure, login }, urlOf);
      expect(untrusted.mails).toEqual([]);
      expect(untrusted.warnings).toEqual([
        expect.stringMatching(/not delivered: \w+ \(tried once\)/),
      ]);
      const unverified = await run({ tls, isSecure, login }, (port) => `${urlOf(port)}?verify=off`);
      expect(unverified.mails).toHaveLength(1);
    });

    it('a webhook with a certificate that nobody trusts is a warning', async () => {
      const { tls } = await certify();
      const receiver = await startReceiver(undefined, tls);
      const { cwd, file } = await makeProject([HOOK]);
      const { status, stderr } = await edp(['ingest', file], { cwd, env: envOf(receiver) });
      expect(status).toBe(3);
      expect(stderr).toMatch(/not delivered: \w*(CERT|VERIFY)\w* \(tried once\)/);
      expect(receiver.received).toEqual([]);
    });
  });
});
