/** A real Prometheus reads edp's numbers, its rules fire, and the dashboard asks for what edp has. */
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen, tell } from '../../src/base/happenings.js';
import { countInto } from '../../src/observe/metrics/count-happenings.js';
import { addMachineFigures } from '../../src/observe/metrics/machine-figures.js';
import { METRICS } from '../../src/observe/metrics/metric-definitions.js';
import { MetricsRegistry } from '../../src/observe/metrics/metrics-registry.js';
import { openEndpoint } from '../../src/observe/metrics/prometheus-endpoint.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { MONITORING, NO_PROMETHEUS, promtool, startPrometheus } from '../support/prometheus.js';

const database = useTestDatabase();
const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';
const why = NO_PROMETHEUS === undefined ? '' : ` (skipped: ${NO_PROMETHEUS})`;

/** As node_exporter does: the file as it is now. */
async function serveFile(file: string): Promise<number> {
  const server = http.createServer((_, response) => {
    readFile(file, 'utf8').then(
      (text) => response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end(text),
      () => response.writeHead(200).end(''),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe.skipIf(NO_PROMETHEUS !== undefined)(`a real Prometheus${why}`, () => {
  it('reads a textfile, and the rules fire after rejects and a failure', async () => {
    const cwd = await makeDirectory();
    const lines = Array.from({ length: 100 }, (_, i) => `${i % 25 === 0 ? 'x' : i},,,,,`);
    await writeFile(path.join(cwd, 'events-1.csv'), `${HEADER}\n${lines.join('\n')}\n`);
    const file = path.join(cwd, 'edp.prom');
    const prometheus = await startPrometheus(cwd, `127.0.0.1:${await serveFile(file)}`);
    const args = ['ingest', 'events-1.csv', '--metrics', `textfile:${file}`];
    const env = { EDP_DATABASE_URL: database.url };
    expect((await edp(args, { cwd, env })).status).toBe(3);
    expect(await prometheus.firing('EdpRejectsShare')).not.toContain('EdpRunFailed');
    expect(
      await prometheus.query('sum by (result) (edp_rows_total{table="public.events"})'),
    ).toEqual(
      expect.arrayContaining([
        { metric: { result: 'loaded' }, value: 96 },
        { metric: { result: 'rejected' }, value: 4 },
      ]),
    );
    await writeFile(path.join(cwd, 'events-2.csv'), 'nothing,that,fits\n1,2,3\n');
    const failing = ['ingest', 'events-2.csv', '--metrics', `textfile:${file}`];
    expect((await edp(failing, { cwd, env })).status).toBe(1);
    await prometheus.firing('EdpRunFailed');
    const [failure] = await prometheus.query('edp_ingest_errors_total');
    expect(failure).toMatchObject({ metric: { code: 'header_mismatch' }, value: 1 });
  });

  it('scrapes a command that stays, and sees its numbers grow', async () => {
    const cwd = await makeDirectory();
    const registry = new MetricsRegistry();
    addMachineFigures(registry);
    // What comes later registers itself.
    const depth = { type: 'gauge', help: 'Jobs that wait', labels: ['queue'] } as const;
    registry.define('edp_queue_depth', depth);
    registry.addFigures(() => registry.put('edp_queue_depth', { queue: 'files' }, 5));
    const stop = listen(countInto(registry, 'worker'));
    const endpoint = await openEndpoint('127.0.0.1', 0, { registry });
    onTestFinished(async () => {
      stop();
      await endpoint.close();
    });
    const prometheus = await startPrometheus(cwd, `127.0.0.1:${endpoint.port}`);
    const split = (loaded: number) =>
      tell({
        kind: 'split_committed',
        loadId: 1,
        path: 'a.csv',
        table: 'public.events',
        startByte: 0,
        endByte: 10,
        bytes: 10,
        rows: { read: loaded, loaded, rejected: 0, duplicate: 0 },
        change: { inserted: loaded, updated: 0, deleted: 0 },
        rejectCodes: {},
        startedAt: Date.now(),
        seconds: 0.2,
        steps: [],
      });
    const loaded = () =>
      prometheus
        .query('sum(edp_rows_total{command="worker", result="loaded"})')
        .then(([sample]) => sample?.value);
    split(7);
    await expect.poll(loaded, { timeout: 20_000 }).toBe(7);
    split(5);
    await expect.poll(loaded, { timeout: 20_000 }).toBe(12);
    expect(await prometheus.query('edp_queue_depth{queue="files"}')).toHaveLength(1);
    const [cpu] = await prometheus.query('edp_process_cpu_seconds_total');
    expect(cpu!.value).toBeGreaterThan(0);
    tell({
      kind: 'check_ended',
      check: 'unique',
      table: 'silver.members',
      severity: 'error',
      isOk: false,
      failures: 3,
    });
    await prometheus.firing('EdpCheckFailed');
    const elsewhere = await fetch(`http://127.0.0.1:${endpoint.port}/edp.yaml`);
    expect(elsewhere.status).toBe(404);
  });

  it('promtool accepts the rules and what edp writes, and their tests pass', async () => {
    expect(promtool(['check', 'rules', 'edp.rules.yml']).status).toBe(0);
    const tested = promtool(['test', 'rules', 'edp.rules.test.yml']);
    expect(tested.status, tested.stdout + tested.stderr).toBe(0);
    const registry = new MetricsRegistry();
    for (const [name, { labels }] of Object.entries(METRICS)) {
      registry.put(name, Object.fromEntries(labels.map((label) => [label, 'a "b"\\\n'])), 1);
    }
    const written = promtool(['check', 'metrics'], await registry.toText());
    expect(written.status, written.stdout + written.stderr).toBe(0);
  });

  it('understands each expression of the dashboard', async () => {
    const cwd = await makeDirectory();
    const prometheus = await startPrometheus(cwd, '127.0.0.1:1');
    for (const expression of expressions()) {
      const concrete = expression
        .replaceAll('$instance', '.*')
        .replaceAll('$__rate_interval', '5m');
      await expect(prometheus.query(concrete), expression).resolves.toBeDefined();
    }
  });
});

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly id: null;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string }[];
  };
}

const dashboard = JSON.parse(
  readFileSync(path.join(MONITORING, 'edp-dashboard.json'), 'utf8'),
) as Dashboard;

function expressions(): string[] {
  return dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

describe('the dashboard', () => {
  it('has panels with ids of their own, that do not lie on each other', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
    for (const { type, targets, title } of panels) {
      expect(['row', 'stat', 'timeseries', 'table'], title).toContain(type);
      if (type === 'row') continue;
      expect(new Set(targets?.map(({ refId }) => refId)).size, title).toBe(targets?.length);
      expect(targets?.length, title).toBeGreaterThan(0);
    }
    expect(dashboard).toMatchObject({ id: null, uid: 'edp', title: 'edp' });
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance']);
  });

  it.each([
    ['the dashboard', expressions().join('\n')],
    ['the rules', readFileSync(path.join(MONITORING, 'edp.rules.yml'), 'utf8')],
  ])('%s asks for metrics that edp has, and for all that people watch', (_, text) => {
    const asked = new Set(
      text.match(/\bedp_\w+/g)?.map((name) => name.replace(/_(bucket|sum|count)$/, '')),
    );
    const known = Object.keys(METRICS);
    expect([...asked].filter((name) => !known.includes(name))).toEqual([]);
    expect(asked.size).toBeGreaterThan(6);
  });
});

describe('docs/monitoring.md', () => {
  it('has each metric as the code has it', () => {
    const page = readFileSync(path.join(MONITORING, '../monitoring.md'), 'utf8');
    const rows = page.match(/^\| `edp_\w+` \|.*$/gm);
    expect(rows).toEqual(
      Object.entries(METRICS).map(([name, { type, labels, help }]) => {
        const named = labels.map((label) => `\`${label}\` `).join('');
        return `| \`${name}\` | ${type} | ${named}| ${help} |`;
      }),
    );
  });
});
