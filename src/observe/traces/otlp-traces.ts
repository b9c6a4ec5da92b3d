/** Spans, sent by OTLP over HTTP in batches. */
import type { ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { listen } from '../../base/happenings.js';
import type { Target, TargetContext } from '../metrics/target.js';
import {
  describeOtlpFault,
  OTLP_LIMIT_MS,
  OtlpConnections,
  receiverOf,
  withinTime,
} from '../otlp-receiver.js';
import { traceWith } from './trace-happenings.js';

/** More spans than a command may have are dropped where they cannot be sent. */
const QUEUED = 16_384;

export function openOtlpTraces(url: string, { warn }: Pick<TargetContext, 'warn'>): Target {
  const receiver = receiverOf(url, 'traces');
  const connections = new OtlpConnections(receiver);
  const exporter = new NotedExporter(
    new OTLPTraceExporter({
      url: receiver.url,
      headers: { ...receiver.headers },
      timeoutMillis: OTLP_LIMIT_MS,
      httpAgentOptions: connections.agentFor,
    }),
  );
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: QUEUED,
    exportTimeoutMillis: OTLP_LIMIT_MS,
  });
  const provider = new TracerProvider({
    resource: receiver.resource,
    sampler: new AlwaysOnSampler(),
    spanProcessors: [processor],
  });
  const stop = listen(traceWith(provider.getTracer('edp', receiver.version)));
  return {
    async close() {
      stop();
      const ended = provider.shutdown().then(
        () => undefined,
        (error: Error) => error,
      );
      const fault = await withinTime(2 * OTLP_LIMIT_MS, ended);
      if (fault !== undefined) exporter.note(fault);
      await connections.destroy();
      if (exporter.fault !== undefined) {
        warn(`the traces did not reach ${receiver.shown}: ${describeOtlpFault(exporter.fault)}`);
      }
    },
  };
}

/** Keeps the first fault, which the processor would only log. */
class NotedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  fault: Error | undefined;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  note(error: Error): void {
    this.fault ??= error;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    // A receiver that has failed once gets no more: each batch would wait for it anew.
    if (this.fault !== undefined) {
      done({ code: 1, error: this.fault });
      return;
    }
    this.#exporter.export(spans, (result) => {
      if (result.error !== undefined) this.note(result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
