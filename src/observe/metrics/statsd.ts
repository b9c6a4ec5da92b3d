/**
 * StatsD over UDP, with the tags of DogStatsD: increments of counters, values of gauges, and each observation of a
 * histogram. Nobody answers, so it is rarely known whether somebody listens.
 */
import StatsD from 'hot-shots';
import type { NumberWriter } from './metrics-registry.js';
import type { Target, TargetContext } from './target.js';

/** What fits a packet of Ethernet. */
const PACKET_BYTES = 1432;
const FLUSH_MS = 200;
const CLOSE_MS = 2000;

export function openStatsd(host: string, port: number, { registry, warn }: TargetContext): Target {
  let fault: Error | undefined;
  const client = new StatsD({
    host,
    port,
    protocol: 'udp',
    maxBufferSize: PACKET_BYTES,
    bufferFlushInterval: FLUSH_MS,
    cacheDns: true,
    // Its environment variables are for programs of Datadog, and so is the container that it looks up.
    datadog: false,
    includeDataDogTags: false,
    includeDatadogTelemetry: false,
    ...(host.includes(':') ? { udpSocketOptions: { type: 'udp6' as const } } : {}),
    errorHandler(error) {
      fault ??= error;
    },
  });
  client.socket?.unref?.();
  registry.addWriter(writeTo(client));
  return {
    async close() {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        client.close((error) => {
          fault ??= error;
          clearTimeout(timer);
          resolve();
        });
      });
      if (fault !== undefined) {
        const { code } = fault as NodeJS.ErrnoException;
        const why = code === undefined ? fault.message : code;
        warn(`the metrics did not all reach statsd://${host}:${port}: ${why}`);
      }
    },
  };
}

function writeTo(client: InstanceType<typeof StatsD>): NumberWriter {
  return {
    write(type, name, labels, value) {
      const tags = { ...labels };
      if (type === 'counter') {
        if (value !== 0) client.increment(name, value, tags);
      } else if (type === 'gauge') client.gauge(name, value, tags);
      else client.histogram(name, value, tags);
    },
  };
}
