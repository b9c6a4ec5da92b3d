/** The one registry of numbers: what happens is counted into it, and every target reads from it. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  type Labels,
  METRICS,
  type MetricDefinition,
  type MetricName,
} from './metric-definitions.js';

/** Takes each number as it comes: a counter's increment, a gauge's value, a histogram's observation. */
export interface NumberWriter {
  write(type: MetricDefinition['type'], name: string, labels: Labels, value: number): void;
}

/** A series, or one part of a histogram. */
export interface ReadValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

export interface ReadMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricDefinition['type'];
  readonly values: readonly ReadValue[];
}

type Instrument = Counter | Gauge | Histogram;

export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #definitions = new Map<string, MetricDefinition>();
  readonly #instruments = new Map<string, Instrument>();
  readonly #writers: NumberWriter[] = [];
  readonly #figures: (() => void | Promise<void>)[] = [];

  readonly #labels: Labels;

  /** @param labels of all numbers, beside those of each metric */
  constructor(labels: Labels = {}) {
    this.#labels = labels;
    this.#registry.setDefaultLabels(labels);
    for (const [name, definition] of Object.entries(METRICS)) this.define(name, definition);
  }

  /** A metric beside those of {@link METRICS}, such as the depth of a queue. */
  define(name: string, definition: MetricDefinition): void {
    this.#definitions.set(name, definition);
    // A counter begins at zero, while a gauge that was never set has no value.
    if (definition.type !== 'gauge') this.#instrumentOf(name);
  }

  #instrumentOf(name: string): Instrument {
    const there = this.#instruments.get(name);
    if (there !== undefined) return there;
    const definition = this.#definitions.get(name);
    if (definition === undefined) throw new TypeError(`no metric ${name}`);
    const made = makeInstrument(name, definition, this.#registry);
    this.#instruments.set(name, made);
    return made;
  }

  addWriter(writer: NumberWriter): void {
    this.#writers.push(writer);
  }

  /** @param ask sets gauges to what is now; called before each reading */
  addFigures(ask: () => void | Promise<void>): void {
    this.#figures.push(ask);
  }

  /** Adds to a counter, sets a gauge, or observes a value of a histogram. */
  put(name: MetricName | (string & {}), labels: Labels, value: number): void {
    const instrument = this.#instrumentOf(name);
    if (instrument instanceof Counter) instrument.inc(labels, value);
    else if (instrument instanceof Gauge) instrument.set(labels, value);
    else instrument.observe(labels, value);
    const { type } = this.#definitions.get(name)!;
    const all = { ...labels, ...this.#labels };
    for (const writer of this.#writers) writer.write(type, name, all, value);
  }

  /** Asks for the figures of now. One that cannot be had is left out. */
  async refresh(): Promise<void> {
    await Promise.all(this.#figures.map(async (ask) => ask())).catch(() => {});
  }

  /** The text that Prometheus reads. */
  toText(): Promise<string> {
    return this.#registry.metrics();
  }

  async toData(): Promise<readonly ReadMetric[]> {
    return (await this.#registry.getMetricsAsJSON()) as unknown as ReadMetric[];
  }
}

function makeInstrument(
  name: string,
  { type, help, labels, buckets }: MetricDefinition,
  registry: Registry,
): Instrument {
  const of = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case 'counter':
      return new Counter(of);
    case 'gauge':
      return new Gauge(of);
    case 'histogram':
      return new Histogram({ ...of, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
  }
}
