/** OTLP over HTTP: the numbers since the start of the process (cumulative), sent now and then and at the end. */
import { ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  describeOtlpFault,
  OTLP_LIMIT_MS,
  OtlpConnections,
  type OtlpReceiver,
  receiverOf,
  withinTime,
} from '../otlp-receiver.js';
import { METRICS, type MetricDefinition } from './metric-definitions.js';
import type { ReadMetric, ReadValue } from './metrics-registry.js';
import type { Target, TargetContext } from './target.js';

const PUSH_MS = 15_000;

export function openOtlpMetrics(url: string, { registry, warn }: TargetContext): Target {
  const receiver = receiverOf(url, 'metrics');
  const connections = new OtlpConnections(receiver);
  const exporter = new OTLPMetricExporter({
    url: receiver.url,
    headers: { ...receiver.headers },
    timeoutMillis: OTLP_LIMIT_MS,
    httpAgentOptions: connections.agentFor,
  });
  const startedAt = Date.now();
  const send = async (): Promise<Error | undefined> => {
    const metrics = toMetrics(await registry.toData(), startedAt);
    const scope = { name: 'edp', version: receiver.version };
    const resource = receiver.resource;
    const exported = new Promise<Error | undefined>((resolve) => {
      exporter.export({ resource, scopeMetrics: [{ scope, metrics }] }, ({ error }) =>
        resolve(error),
      );
    });
    return withinTime(OTLP_LIMIT_MS, exported);
  };
  // What is lost on the way comes with the next ones: they are sums.
  const timer = setInterval(() => void registry.refresh().then(send), PUSH_MS).unref();
  return {
    async close() {
      clearInterval(timer);
      const error = await send();
      if (error !== undefined) warnOf(receiver, error, warn);
      await connections.destroy();
      await exporter.shutdown().catch(() => {});
    },
  };
}

function warnOf({ shown }: OtlpReceiver, error: Error, warn: (text: string) => void): void {
  warn(`the metrics did not reach ${shown}: ${describeOtlpFault(error)}`);
}

function toMetrics(read: readonly ReadMetric[], startedAt: number): MetricData[] {
  const times = { startTime: toHrTime(startedAt), endTime: toHrTime(Date.now()) };
  return read.flatMap((metric): MetricData[] => {
    if (metric.values.length === 0) return [];
    const { unit = '', buckets = [] } =
      (METRICS as Readonly<Record<string, MetricDefinition>>)[metric.name] ?? {};
    const { name, help: description, type } = metric;
    const valueType = ValueType.DOUBLE;
    const base = {
      descriptor: { name, description, unit, valueType },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    if (type === 'histogram') {
      const dataPoints = toHistograms(metric.values, buckets, times);
      return [{ ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints }];
    }
    const dataPoints = metric.values.map(({ labels, value }) => ({
      ...times,
      attributes: labels,
      value,
    }));
    return type === 'counter'
      ? [{ ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }]
      : [{ ...base, dataPointType: DataPointType.GAUGE, dataPoints }];
  });
}

/** Prometheus counts what is up to each bound, and OTLP what is between two. */
function toHistograms(
  values: readonly ReadValue[],
  boundaries: readonly number[],
  times: Pick<DataPoint<Histogram>, 'startTime' | 'endTime'>,
): DataPoint<Histogram>[] {
  const of = (part: string) => values.filter(({ metricName = '' }) => metricName.endsWith(part));
  const upTo = of('_bucket').map(({ value }) => value);
  const [sum] = of('_sum');
  const [count] = of('_count');
  if (count === undefined || sum === undefined || count.value === 0) return [];
  const counts = upTo.map((value, i) => value - (upTo[i - 1] ?? 0));
  const buckets = { boundaries: [...boundaries], counts };
  return [
    { ...times, attributes: count.labels, value: { buckets, sum: sum.value, count: count.value } },
  ];
}

function toHrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
