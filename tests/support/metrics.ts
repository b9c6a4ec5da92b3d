/** What a text of Prometheus says, and receivers of numbers for tests. */
import { createSocket } from 'node:dgram';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return {
        name,
        labels: Object.fromEntries(
          [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text = '']) => [
            key,
            text.replace(/\\(.)/g, '$1'),
          ]),
        ),
        value: Number(value),
      };
    });
}

/** The sum of the series of a name whose labels are these, among others. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

/** The labels of a metric, one of them → the sums of its series. */
export function sumsBy(
  samples: readonly Sample[],
  name: string,
  label: string,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of samples.filter((sample) => sample.name === name)) {
    const key = labels[label] ?? '';
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

export interface StatsdReceiver {
  readonly port: number;
  /** Sums of increments, last values of gauges, each observation of a histogram added. */
  samples(): Sample[];
  readonly packetSizes: readonly number[];
  readonly lines: readonly string[];
}

export async function receiveStatsd(): Promise<StatsdReceiver> {
  const socket = createSocket('udp4');
  const lines: string[] = [];
  const packetSizes: number[] = [];
  socket.on('message', (packet) => {
    packetSizes.push(packet.length);
    lines.push(...packet.toString('utf8').split('\n').filter(Boolean));
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void socket.close());
  return {
    port: socket.address().port,
    packetSizes,
    lines,
    samples: () =>
      lines.map((line) => {
        const [, name = '', value = '', , tags = ''] =
          /^([\w.]+):([^|]+)\|(\w+)(?:\|#(.*))?$/.exec(line) ?? [];
        const labels = Object.fromEntries(
          tags
            .split(',')
            .filter(Boolean)
            .map((tag) => [tag.slice(0, tag.indexOf(':')), tag.slice(tag.indexOf(':') + 1)]),
        );
        return { name, labels, value: Number(value) };
      }),
  };
}

export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: unknown;
}

export interface HttpReceiver {
  readonly port: number;
  readonly received: readonly Received[];
}

/** @param answer how it answers; `never` for one that does not */
export async function receiveHttp(answer: number | 'never' = 200): Promise<HttpReceiver> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const { url = '', headers } = request;
      received.push({ path: url, headers, body: text === '' ? undefined : JSON.parse(text) });
      if (answer !== 'never') response.writeHead(answer).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, received };
}

interface OtlpPoint {
  readonly attributes?: readonly {
    readonly key: string;
    readonly value: { stringValue?: string };
  }[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly sum?: number;
  readonly count?: number | string;
}

/** The samples of the last delivery: OTLP's sums are cumulative. */
export function samplesOfOtlp(received: readonly Received[]): Sample[] {
  const last = received.filter(({ path }) => path.endsWith('/v1/metrics')).at(-1);
  const body = last?.body as {
    resourceMetrics: {
      scopeMetrics: {
        metrics: {
          name: string;
          sum?: { dataPoints: OtlpPoint[] };
          gauge?: { dataPoints: OtlpPoint[] };
          histogram?: { dataPoints: OtlpPoint[] };
        }[];
      }[];
    }[];
  };
  return body.resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ name, sum, gauge, histogram }) =>
      (sum ?? gauge ?? histogram)!.dataPoints.flatMap((point): Sample[] => {
        const labels = Object.fromEntries(
          (point.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? '']),
        );
        if (histogram === undefined) {
          return [{ name, labels, value: Number(point.asDouble ?? point.asInt) }];
        }
        return [
          { name: `${name}_sum`, labels, value: point.sum! },
          { name: `${name}_count`, labels, value: Number(point.count) },
        ];
      }),
    );
}

export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
}

export function spansOf(received: readonly Received[]): OtlpSpan[] {
  return received
    .filter(({ path: at }) => at.endsWith('/v1/traces'))
    .flatMap(
      ({ body }) =>
        (body as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }).resourceSpans,
    )
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}
