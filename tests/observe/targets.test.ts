/** Where numbers go: each target gets those of --json, and none of them can fail a command or hold it up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CLI,
  type CliResult,
  cleanEnvironment,
  edp,
  followEdp,
  makeDirectory,
  startEdp,
} from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import {
  parseSamples,
  receiveHttp,
  receiveStatsd,
  type Sample,
  samplesOfOtlp,
  spansOf,
  sumOf,
} from '../support/metrics.js';
import { startReceiver } from '../support/receiver.js';

const database = useTestDatabase();

const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';

/** A file of 200 records, four of which are rejects. */
async function project(): Promise<string> {
  await database.query('TRUNCATE events; TRUNCATE edp.loads CASCADE');
  const cwd = await makeDirectory();
  const lines = Array.from({ length: 200 }, (_, i) => `${i % 50 === 0 ? 'x' : i},,,,,`);
  await writeFile(path.join(cwd, 'events-1.csv'), `${HEADER}\n${lines.join('\n')}\n`);
  return cwd;
}

const INGEST = ['ingest', 'events-1.csv', '--json', '--read-batch-size', '60'] as const;

function ingest(cwd: string, metrics: string, env: Record<string, string> = {}) {
  const own = { EDP_DATABASE_URL: database.url, ...env };
  return edp([...INGEST, '--metrics', metrics], { cwd, env: own });
}

function expectNumbers(samples: readonly Sample[], { json }: CliResult<'ingest'>): void {
  const { rows, bytes } = json.thisRun;
  expect(rows).toEqual({ read: 200, loaded: 196, rejected: 4, duplicate: 0 });
  const of = (result: string) => sumOf(samples, 'edp_rows_total', { result, command: 'ingest' });
  expect([of('loaded'), of('rejected'), of('duplicate'), of('inserted')]).toEqual([196, 4, 0, 196]);
  expect(sumOf(samples, 'edp_bytes_total')).toBe(bytes);
  expect(sumOf(samples, 'edp_ingest_errors_total', { code: 'bad_integer' })).toBe(4);
  expect(sumOf(samples, 'edp_database_bytes')).toBeGreaterThan(1_000_000);
  expect(sumOf(samples, 'edp_process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
}

const PRIVATE = ['--mount', '--propagation', 'private', 'sh', '-c'] as const;

function mayMount(): boolean {
  return spawnSync('unshare', [...PRIVATE, 'mount -t tmpfs none /mnt']).status === 0;
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
  // The handlers of signals are there from the start, and the load is what it waits for now.
  await sleep(300);
}

/** Not longer than the stated limits allow, on a machine that is busy. */
const LONGEST_MS = 20_000;

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await work;
  return { result, ms: performance.now() - startedAt };
}

describe('a textfile', () => {
  it('has the numbers, is readable by others, and nothing else is left beside it', async () => {
    const cwd = await project();
    const result = await ingest(cwd, 'textfile:edp.prom');
    expect(result.status).toBe(3);
    expectNumbers(parseSamples(await readFile(path.join(cwd, 'edp.prom'), 'utf8')), result);
    expect((await readdir(cwd)).sort()).toEqual(['edp.prom', 'events-1.csv']);
  });

  it('is written after a failure, too', async () => {
    const cwd = await project();
    const file = path.join(cwd, 'edp.prom');
    const args = [...INGEST, '--max-rejects', '1', '--metrics', `textfile:${file}`];
    const { status } = await edp(args, { cwd, env: { EDP_DATABASE_URL: database.url } });
    expect(status).toBe(1);
    const samples = parseSamples(await readFile(file, 'utf8'));
    expect(sumOf(samples, 'edp_ingest_errors_total', { code: 'too_many_rejects' })).toBe(1);
    expect(sumOf(samples, 'edp_run_exit_status', { command: 'ingest' })).toBe(1);
    expect(sumOf(samples, 'edp_last_success_timestamp_seconds')).toBe(0);
  });

  it('is written where the database cannot be reached', async () => {
    const cwd = await project();
    const url = 'postgresql://nobody@127.0.0.1:1/nowhere';
    const { status } = await ingest(cwd, 'textfile:edp.prom', { EDP_DATABASE_URL: url });
    expect(status).toBe(1);
    const samples = parseSamples(await readFile(path.join(cwd, 'edp.prom'), 'utf8'));
    expect(sumOf(samples, 'edp_ingest_errors_total', { code: 'database_unreachable' })).toBe(1);
    expect(samples.filter(({ name }) => name.startsWith('edp_database'))).toEqual([]);
  });

  it('is written after Ctrl-C of a command that stops in order', async () => {
    const cwd = await project();
    const file = path.join(cwd, 'edp.prom');
    const args = ['ingest', '-', '--table', 'events', '--metrics', `textfile:${file}`];
    await database.query('TRUNCATE edp.runs CASCADE');
    const child = startEdp(args, { cwd, env: { EDP_DATABASE_URL: database.url } });
    const ended = followEdp(child, args);
    // It reads standard input, to which nothing comes.
    const isRunning = async () => (await database.query('SELECT FROM edp.runs')).length > 0;
    child.stdin?.write(`${HEADER}\n`);
    await Promise.race([sleep(8000), waitFor(isRunning)]);
    child.kill('SIGINT');
    const { status } = await ended;
    expect(status).toBe(130);
    const samples = parseSamples(await readFile(file, 'utf8'));
    expect(sumOf(samples, 'edp_run_exit_status')).toBe(130);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'is written after %s of a command that ends at once',
    async (signal) => {
      const cwd = await project();
      const file = path.join(cwd, 'edp.prom');
      const silent = net.createServer();
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void silent.close());
      const { port } = silent.address() as net.AddressInfo;
      const came = new Promise((resolve) => silent.once('connection', resolve));
      const args = ['status', '--metrics', `textfile:${file}`];
      const env = { EDP_DATABASE_URL: `postgresql://me@127.0.0.1:${port}/nothing` };
      const child = startEdp(args, { cwd, env });
      const ended = followEdp(child, args);
      await came;
      child.kill(signal);
      const { status } = await ended;
      expect(status).toBe(130);
      const samples = parseSamples(await readFile(file, 'utf8'));
      expect(sumOf(samples, 'edp_run_exit_status')).toBe(130);
    },
  );

  it.each<[string, file: string, warning: RegExp]>([
    ['the directory is missing', 'nowhere/edp.prom', /its directory does not exist/],
    ['it is a directory', '.', /metrics were not written/],
    ['it is a pipe', 'pipe', /it is no file/],
  ])('%s: a warning, and the status of the command', async (_, file, warning) => {
    const cwd = await project();
    execFileSync('mkfifo', [path.join(cwd, 'pipe')]);
    const { status, stderr, json } = await ingest(cwd, `textfile:${file}`);
    expect(status).toBe(3);
    expect(json.ok).toBe(true);
    expect(stderr).toMatch(warning);
  });

  it.skipIf(!mayMount())(
    'the disk is full: a warning, and the status of the command (needs the right to mount)',
    async () => {
      const cwd = await project();
      await mkdir(path.join(cwd, 'small'));
      const edpLine = `"${process.execPath}" "${CLI}" ${INGEST.join(' ')} --metrics textfile:small/edp.prom`;
      // A mount of its own, which nobody else sees, and which goes with it.
      const { status, stderr } = spawnSync(
        'unshare',
        [
          ...PRIVATE,
          `mount -t tmpfs -o size=4k none small && head -c 4096 /dev/zero > small/filler; ${edpLine}; s=$?; ls -A small >&2; exit $s`,
        ],
        {
          cwd,
          env: { ...cleanEnvironment(), EDP_DATABASE_URL: database.url },
          encoding: 'utf8',
        },
      );
      expect(status).toBe(3);
      expect(stderr).toMatch(/were not written to small\/edp\.prom: the disk is full/);
      // Nothing is left of the try.
      expect(stderr).not.toMatch(/\.tmp/);
    },
  );

  it('follows a link, and leaves it a link', async () => {
    const cwd = await project();
    await writeFile(path.join(cwd, 'real.prom'), '');
    await symlink('real.prom', path.join(cwd, 'edp.prom'));
    await ingest(cwd, 'textfile:edp.prom');
    expect((await lstat(path.join(cwd, 'edp.prom'))).isSymbolicLink()).toBe(true);
    expect(await readFile(path.join(cwd, 'real.prom'), 'utf8')).toContain('edp_rows_total');
  });

  it('stays whole where the process is killed', async () => {
    const cwd = await project();
    const file = path.join(cwd, 'edp.prom');
    await writeFile(file, 'edp_bytes_total 7\n');
    await chmod(file, 0o644);
    const env = { EDP_FAILPOINTS: 'split.committed=kill' };
    await ingest(cwd, `textfile:${file}`, env);
    expect(await readFile(file, 'utf8')).toBe('edp_bytes_total 7\n');
  });
});

describe('StatsD', () => {
  it('gets increments, gauges and observations, in packets that fit', async () => {
    const receiver = await receiveStatsd();
    const cwd = await project();
    const result = await ingest(cwd, `statsd://127.0.0.1:${receiver.port}`);
    expect(result.status).toBe(3);
    const samples = receiver.samples();
    expectNumbers(samples, result);
    expect(samples.filter(({ name }) => name === 'edp_split_seconds').length).toBeGreaterThan(0);
    expect(Math.max(...receiver.packetSizes)).toBeLessThanOrEqual(1432);
    expect(sumOf(samples, 'edp_rows_total', { table: 'public.events' })).toBe(396);
  });

  it.each([
    ['nobody listens', 'statsd://127.0.0.1:9', false],
    ['the host is unknown', 'statsd://no-such-host.invalid:8125', true],
  ])('%s: the load is as it is', async (_, target, isKnown) => {
    const cwd = await project();
    const { result, ms } = await timed(ingest(cwd, target));
    expect(result.status).toBe(3);
    expect(result.json.ok).toBe(true);
    expect(ms).toBeLessThan(LONGEST_MS);
    if (isKnown) expect(result.stderr).toMatch(/metrics did not all reach statsd:/);
  });
});

it('StatsD: what is meant for programs of Datadog leaves nothing, and says nothing', async () => {
  const receiver = await receiveStatsd();
  const cwd = await project();
  const { stderr } = await ingest(cwd, `statsd://127.0.0.1:${receiver.port}`, {
    DD_EXTERNAL_ENV: 'cn-hush',
    DD_CARDINALITY: 'hush',
    DD_TAGS: 'team:hush',
    DD_ENTITY_ID: 'hush',
    DD_DOGSTATSD_URL: 'tcp://hush',
  });
  expect(stderr).not.toMatch(/hot-shots|hush/);
  expect(receiver.samples().length).toBeGreaterThan(10);
  expect(receiver.lines.join('\n')).not.toMatch(/hush|\|[ce]:/);
});

describe('OTLP', () => {
  it('gets the numbers, and the command as a trace', async () => {
    const { port, received } = await receiveHttp();
    const cwd = await project();
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=abc', OTEL_SERVICE_NAME: 'nightly' };
    const result = await ingest(cwd, `otlp:http://me:secret@127.0.0.1:${port}/otel`, env);
    expect(result.status).toBe(3);
    expectNumbers(samplesOfOtlp(received), result);
    expect(new Set(received.map(({ path: at }) => at))).toEqual(
      new Set(['/otel/v1/metrics', '/otel/v1/traces']),
    );
    const { headers } = received[0]!;
    expect(headers['api-key']).toBe('abc');
    // Not all servers take a body in chunks.
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(Number(headers['content-length'])).toBeGreaterThan(100);
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
    expect(JSON.stringify(received)).toContain('nightly');
    const spans = spansOf(received);
    const [root] = spans.filter(({ name }) => name === 'edp ingest');
    const files = spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId);
    expect(files.map(({ name }) => name)).toEqual(['file']);
    const splits = spans.filter(({ parentSpanId }) => parentSpanId === files[0]?.spanId);
    expect(new Set(splits.map(({ name }) => name))).toEqual(new Set(['split']));
    const steps = spans.filter(({ parentSpanId }) => parentSpanId === splits[0]?.spanId);
    expect(steps.map(({ name }) => name).sort()).toEqual(['commit', 'copy', 'scan']);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const rows = splits.map(({ attributes }) =>
      Number(attributes.find(({ key }) => key === 'edp.rows_read')?.value.intValue),
    );
    expect(rows.reduce((sum, one) => sum + one, 0)).toBe(200);
  });

  it.each<[string, answer: number | 'never' | 'closed']>([
    ['refuses', 'closed'],
    ['never answers', 'never'],
    ['is in trouble', 503],
    ['has a fault', 500],
    ['knows nobody', 401],
  ])('a receiver that %s: a warning, and the load is as it is', async (_, answer) => {
    const port = answer === 'closed' ? 1 : (await receiveHttp(answer)).port;
    const cwd = await project();
    const { result, ms } = await timed(
      ingest(cwd, `otlp:http://me:hunter2@127.0.0.1:${port}/?who=hunter2`),
    );
    expect(result.status).toBe(3);
    expect(result.json.ok).toBe(true);
    expect(result.stderr).toMatch(/warning: the metrics did not reach http:\/\/127\.0\.0\.1/);
    expect(result.stderr).toMatch(/warning: the traces did not reach http:\/\/127\.0\.0\.1/);
    expect(result.stderr).not.toContain('hunter2');
    expect(ms).toBeLessThan(LONGEST_MS);
  });
});

describe('OTLP by a proxy of the environment', () => {
  it('http: the proxy gets the deliveries, whole, with its own password', async () => {
    const { port, received } = await receiveHttp();
    const cwd = await project();
    const result = await ingest(cwd, 'otlp:http://me:secret@collector.company.example:4318', {
      HTTP_PROXY: `http://via:word@127.0.0.1:${port}`,
    });
    expect([result.status, result.stderr]).toEqual([
      3,
      expect.not.stringContaining('did not reach'),
    ]);
    expectNumbers(samplesOfOtlp(received), result);
    expect(new Set(received.map(({ path: at }) => at))).toEqual(
      new Set(
        ['metrics', 'traces'].map((one) => `http://collector.company.example:4318/v1/${one}`),
      ),
    );
    for (const { headers } of received) {
      expect(headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
      expect(headers['proxy-authorization']).toBe(
        `Basic ${Buffer.from('via:word').toString('base64')}`,
      );
      expect(headers['transfer-encoding']).toBeUndefined();
    }
  });

  it('https: the proxy is asked for a connection; one that never makes it does not hold up', async () => {
    const asked: string[] = [];
    const proxy = http.createServer().on('connect', ({ url = '' }) => asked.push(url));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close().closeAllConnections());
    const { port } = proxy.address() as net.AddressInfo;
    const cwd = await project();
    const { result, ms } = await timed(
      ingest(cwd, 'otlp:https://collector.company.example', {
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
      }),
    );
    expect(result.status).toBe(3);
    expect(new Set(asked)).toEqual(new Set(['collector.company.example:443']));
    expect(result.stderr).toMatch(
      /the metrics did not reach https:\/\/collector\.company\.example/,
    );
    expect(ms).toBeLessThan(LONGEST_MS);
  });

  it('NO_PROXY: not where it says so', async () => {
    const { port, received } = await receiveHttp();
    const cwd = await project();
    const result = await ingest(cwd, `otlp:http://127.0.0.1:${port}`, {
      HTTP_PROXY: 'http://127.0.0.1:1',
      NO_PROXY: '127.0.0.1',
    });
    expectNumbers(samplesOfOtlp(received), result);
  });

  it('a proxy that is none is a warning', async () => {
    const cwd = await project();
    const result = await ingest(cwd, 'otlp:http://collector.company.example', {
      HTTP_PROXY: 'http://[secret',
    });
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/the metrics did not reach http:\/\/collector\.company\.example/);
    expect(result.stderr).not.toContain('secret');
  });
});

it('OTLP: a receiver that answers byte by byte does not hold the command up', async () => {
  const slow = await startReceiver(() => ({ status: 200, rest: 'trickles' }));
  const cwd = await project();
  const { result, ms } = await timed(ingest(cwd, `otlp:${slow.url}`));
  expect(result.status).toBe(3);
  expect(result.stderr).toMatch(/the metrics did not reach .*: no answer within 3 s/);
  expect(result.stderr).toMatch(/the traces did not reach .*: no answer within 3 s/);
  expect(ms).toBeLessThan(LONGEST_MS);
});

it('OTLP: a password with a bare percent sign is sent as it is', async () => {
  const { port, received } = await receiveHttp();
  const { status, stderr } = await ingest(await project(), `otlp:http://me:50%@127.0.0.1:${port}`);
  expect(status, stderr).toBe(3);
  const login = Buffer.from('me:50%').toString('base64');
  expect(received[0]?.headers.authorization).toBe(`Basic ${login}`);
});

describe('labels of all numbers', () => {
  const LABELS = { pipeline: 'web "shop"', team: 'x' };

  it('reach every target', async () => {
    const cwd = await project();
    const statsd = await receiveStatsd();
    const otlp = await receiveHttp();
    const targets = `textfile:edp.prom,statsd://127.0.0.1:${statsd.port},otlp:http://127.0.0.1:${otlp.port}`;
    await writeFile(path.join(cwd, 'edp.yaml'), `metrics-labels: ${JSON.stringify(LABELS)}\n`);
    const result = await ingest(cwd, targets);
    const file = await readFile(path.join(cwd, 'edp.prom'), 'utf8');
    for (const samples of [parseSamples(file), statsd.samples(), samplesOfOtlp(otlp.received)]) {
      expectNumbers(samples, result);
      const labels = samples.map(({ labels: { pipeline, team } }) => ({ pipeline, team }));
      expect(labels).toEqual(samples.map(() => LABELS));
    }
  });

  it('tell files of a directory apart, of which node_exporter shows equal numbers once', async () => {
    const cwd = await project();
    const env = { EDP_DATABASE_URL: database.url };
    const write = async (...args: string[]) => {
      const { status, stderr } = await edp(['status', '--metrics', ...args], { cwd, env });
      expect(status).toBe(0);
      return stderr;
    };
    expect(await write('textfile:a.prom')).toBe('');
    expect(await write('textfile:a.prom')).toBe('');
    const warned = await write('textfile:b.prom');
    expect(warned).toMatch(/warning: node_exporter shows only one of b\.prom and a\.prom/);
    expect(await write('textfile:b.prom', '--metrics-labels', 'pipeline=b')).toBe('');
    await writeFile(path.join(cwd, 'other.prom'), 'up 1\n');
    expect(await write('textfile:a.prom', '--metrics-labels', 'pipeline=a,team=x')).toBe('');
  });

  it.each([
    ['without a value', 'pipeline', /expected name=value/],
    ['of edp', 'pipeline=a,table=b', /table is a label that edp sets itself/],
    ['that Prometheus does not have', 'a-b=c', /letters, digits and underscores/],
    ['of Prometheus', '__name__=c', /letters, digits and underscores/],
  ])('one %s: status 2', async (_, labels, message) => {
    const args = ['status', '--metrics-labels', labels, '--metrics', 'textfile:a.prom'];
    const { status, stderr } = await edp(args, { cwd: await makeDirectory() });
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('several targets', () => {
  it('get the same numbers: from edp.yaml, the variable, the option', async () => {
    const cwd = await project();
    const receiver = await receiveStatsd();
    const targets = `textfile:one.prom,statsd://127.0.0.1:${receiver.port}`;
    const result = await ingest(cwd, targets);
    const samples = parseSamples(await readFile(path.join(cwd, 'one.prom'), 'utf8'));
    expectNumbers(samples, result);
    expectNumbers(receiver.samples(), result);
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'metrics:\n  - textfile:two.prom\n  - textfile:three.prom\n',
    );
    const env = { EDP_DATABASE_URL: database.url };
    await edp(['ingest', 'events-1.csv'], { cwd, env });
    const other = { ...env, EDP_METRICS: 'textfile:four.prom' };
    await edp(['ingest', 'events-1.csv'], { cwd, env: other });
    await edp(['status', '--metrics', 'textfile:5.prom', '--metrics', 'textfile:6.prom'], {
      cwd,
      env,
    });
    expect((await readdir(cwd)).filter((name) => name.endsWith('.prom')).sort()).toEqual([
      '5.prom',
      '6.prom',
      'four.prom',
      'one.prom',
      'three.prom',
      'two.prom',
    ]);
  });

  it('are not stored with the run', async () => {
    const cwd = await project();
    await ingest(cwd, 'textfile:secret.prom');
    const [[options]] = (await database.query(
      'SELECT options::text FROM edp.runs ORDER BY run_id DESC LIMIT 1',
    )) as [[string]];
    expect(options).not.toContain('secret');
  });
});

describe('a target that cannot be', () => {
  it.each<[string, target: string, message: RegExp]>([
    ['of no kind', 'edp.prom', /expected textfile:/],
    ['with a secret', 'otlp:https//me:hunter2@host', /what stands behind otlp:: expected/],
    ['without a port', 'statsd://127.0.0.1:0', /what stands behind statsd:/],
    ['that is to be scraped', 'prometheus://127.0.0.1:0', /ends before Prometheus comes to read/],
  ])('%s: status 2 with the remedy, and nothing secret', async (_, target, message) => {
    const cwd = await project();
    const { status, stderr } = await ingest(cwd, target);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('hunter2');
  });
});
