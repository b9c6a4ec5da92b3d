/** Reports of errors from end to end: the built program against a receiver that speaks Sentry's protocol. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const database = useTestDatabase('empty');

interface SentEvent {
  readonly level: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly contexts: { readonly edp: { readonly run_id?: number } };
  readonly exception: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly stacktrace?: { readonly frames: readonly { readonly filename: string }[] };
    }[];
  };
}

async function makeProject(): Promise<string> {
  const cwd = await makeDirectory();
  const model = 'tables:\n  things: { columns: { id: int, name: text }, key: id }\n';
  await writeFile(path.join(cwd, 'edp.yaml'), model);
  await writeFile(path.join(cwd, 'things.csv'), 'id,name\n1,secret-name\nsecret-id,x\n');
  await mkdir(path.join(cwd, 'sql/reports'), { recursive: true });
  return cwd;
}

/** An envelope is a line of its own headers, and for each item a line of headers and its text. */
function eventsOf({ received }: Receiver): SentEvent[] {
  return received.map(({ path: url, headers, body }) => {
    expect(url).toMatch(/^\/api\/42\/envelope\/\?.*sentry_key=publickey/);
    expect(headers['content-type']).toBe('application/x-sentry-envelope');
    const [envelope, item, event, ...rest] = body.split('\n').map((line) => JSON.parse(line));
    expect(rest).toEqual([]);
    expect(item).toMatchObject({ type: 'event' });
    expect(envelope.event_id).toBe(event.event_id);
    return event;
  });
}

const dsnOf = ({ url }: Receiver) => `${url.replace('//', '//publickey@')}/42`;

it('an error inside edp is reported with where it happened', async () => {
  const sentry = await startReceiver();
  const cwd = await makeProject();
  const env = {
    DATABASE_URL: database.url,
    EDP_SENTRY_DSN: dsnOf(sentry),
    EDP_FAILPOINTS: 'run.planned=error',
    SECRET_OF_ENVIRONMENT: 'secret-of-environment',
  };
  const { status, stderr } = await edp(['ingest', 'things.csv'], { cwd, env });
  expect(status, stderr).toBe(1);
  const [event, ...others] = eventsOf(sentry);
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    tags: { command: 'ingest' },
    contexts: { edp: { run_id: expect.any(Number) } },
  });
  const frames = event!.exception.values.flatMap(({ stacktrace }) => stacktrace?.frames ?? []);
  expect(frames.length).toBeGreaterThan(2);
  for (const { filename } of frames)
    expect(filename).toMatch(/^(app:\/\/\/(dist|tests|node_modules)\/|node:|elsewhere$)/);
  expect(sentry.received[0]!.body).not.toMatch(/secret|things|publickey@/);
  expect(sentry.received[0]!.body).not.toContain(cwd);
});

it('what the server says stays here', async () => {
  const sentry = await startReceiver();
  const cwd = await makeProject();
  await writeFile(
    path.join(cwd, 'sql/reports/bad.sql'),
    "SELECT ('secret-' || 'value')::int AS n;\n",
  );
  const env = { DATABASE_URL: database.url, EDP_SENTRY_DSN: dsnOf(sentry) };
  const { status, stderr } = await edp(['generate-report', 'bad'], { cwd, env });
  expect(status, stderr).toBe(1);
  expect(eventsOf(sentry)).toHaveLength(1);
  expect(sentry.received[0]!.body).not.toMatch(/secret/);
});

it('a report of edp.yaml that cannot be delivered is a warning, and changes no status', async () => {
  const cwd = await makeProject();
  const model = `sentry-dsn: "\${DSN}"\ntables:\n  things: { columns: { id: int }, key: id }\n`;
  await writeFile(path.join(cwd, 'edp.yaml'), model);
  const env = {
    DATABASE_URL: 'postgresql://127.0.0.1:1/x',
    DSN: 'http://secretkey@127.0.0.1:1/42',
    EDP_FAILPOINTS: 'notify.total_ms:=1000',
  };
  const { status, stderr } = await edp(['ingest', 'things.csv'], { cwd, env });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /warning: the error was not reported to Sentry at 127\.0\.0\.1: ECONNREFUSED/,
  );
  expect(stderr).not.toContain('secretkey');
});

it.each([
  ['a mistake of the user', ['ingest', 'gone.csv'], 2],
  ['a mistake in the call', ['ingest', 'things.csv', '--process-count', '0'], 2],
  ['rejects', ['ingest', 'things.csv'], 3],
])('%s is no error of the program', async (_, args, expected) => {
  const sentry = await startReceiver();
  const cwd = await makeProject();
  const env = {
    DATABASE_URL: database.url,
    EDP_SENTRY_DSN: dsnOf(sentry),
    SENTRY_DSN: dsnOf(sentry),
  };
  const { status, stderr } = await edp(args, { cwd, env });
  expect(status, stderr).toBe(expected);
  expect(sentry.received).toEqual([]);
});

it('the variable of other programs is not read, and a DSN that is none is a mistake', async () => {
  const sentry = await startReceiver();
  const cwd = await makeProject();
  const env = { DATABASE_URL: 'postgresql://127.0.0.1:1/x' };
  const other = await edp(['ingest', 'things.csv'], {
    cwd,
    env: { ...env, SENTRY_DSN: dsnOf(sentry) },
  });
  expect(other.status).toBe(1);
  expect(sentry.received).toEqual([]);
  const wrong = await edp(['ingest', 'things.csv'], {
    cwd,
    env: { ...env, EDP_SENTRY_DSN: 'secret' },
  });
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('sentry-dsn is no DSN');
  expect(wrong.stderr).not.toContain('secret');
});
