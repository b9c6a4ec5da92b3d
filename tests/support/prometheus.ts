/** A real Prometheus for a test, on loopback, with the rules of docs/monitoring. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export const MONITORING = path.join(import.meta.dirname, '../../docs/monitoring');

/** Why tests with them are skipped; undefined where they are installed. */
export const NO_PROMETHEUS = ['prometheus', 'promtool'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
)
  ? undefined
  : 'prometheus and promtool are not installed';

export function promtool(args: readonly string[], input = '') {
  return spawnSync('promtool', args, { cwd: MONITORING, encoding: 'utf8', input });
}

export interface Prometheus {
  /** @returns the vector of an instant query */
  query(expression: string): Promise<readonly { metric: Record<string, string>; value: number }[]>;
  /** Waits until alerts of these names fire. */
  firing(...names: readonly string[]): Promise<readonly string[]>;
}

/** @param target `host:port` that it scrapes @param metricsPath of the scrape */
export async function startPrometheus(
  directory: string,
  target: string,
  metricsPath = '/metrics',
): Promise<Prometheus> {
  const port = await findPort();
  const config = {
    global: { scrape_interval: '200ms', evaluation_interval: '200ms' },
    rule_files: [path.join(MONITORING, 'edp.rules.yml')],
    scrape_configs: [
      { job_name: 'edp', metrics_path: metricsPath, static_configs: [{ targets: [target] }] },
    ],
  };
  // JSON is YAML.
  const file = path.join(directory, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${path.join(directory, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  onTestFinished(() => stop(child));
  const ask = async (place: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${port}${place}`)).json();
  await until(() =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    async query(expression) {
      const answer = (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
        status: string;
        error?: string;
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
      const { result } = answer.data;
      if (!Array.isArray(result)) return [];
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async firing(...names) {
      let firing: string[] = [];
      await until(async () => {
        const { data } = (await ask('/api/v1/alerts')) as {
          data: { alerts: { state: string; labels: { alertname: string } }[] };
        };
        firing = data.alerts
          .filter(({ state }) => state === 'firing')
          .map(({ labels }) => labels.alertname);
        return names.every((name) => firing.includes(name));
      });
      return firing;
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await isSo()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error('Prometheus did not come to it in 30 seconds');
  }
}

async function findPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
