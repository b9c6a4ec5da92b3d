/** Of a load with thousands of splits, the spans are bounded, and the load says how many have none. */
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import type { Happening } from '../../src/base/happenings.js';
import { traceWith } from '../../src/observe/traces/trace-happenings.js';

function spansOf(happenings: readonly Happening[]) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const take = traceWith(provider.getTracer('edp'));
  for (const happening of happenings) take(happening);
  return exporter.getFinishedSpans();
}

const rows = { read: 1, loaded: 1, rejected: 0, duplicate: 0 };
const of = { loadId: 1, path: 'a.csv', table: 'public.events' };
const time = { startedAt: 1_000_000, seconds: 1 };

const split = (startByte: number): Happening => ({
  kind: 'split_committed',
  ...of,
  ...time,
  startByte,
  endByte: startByte + 10,
  bytes: 10,
  rows,
  change: { inserted: 1, updated: 0, deleted: 0 },
  rejectCodes: {},
  steps: [
    { step: 'scan', seconds: 0.5 },
    { step: 'copy', seconds: 0.2 },
    { step: 'commit', seconds: 0.1 },
  ],
});

it('of 5,000 splits, 250 have spans, each within its parent', () => {
  const spans = spansOf([
    { kind: 'command_began', command: 'ingest', startedAt: 1_000_000 },
    { kind: 'load_began', ...of, startedAt: 1_000_000 },
    ...Array.from({ length: 5000 }, (_, i) => split(10 * i)),
    { kind: 'load_ended', ...of, ...time, status: 'loaded', bytes: 50_000, rows },
    { kind: 'command_ended', command: 'ingest', exitStatus: 0, ...time },
  ]);
  const named = (name: string) => spans.filter((span) => span.name === name);
  expect(named('split')).toHaveLength(250);
  expect(named('commit')).toHaveLength(250);
  expect(named('file')[0]?.attributes['edp.splits_left_out']).toBe(4750);
  expect(named('edp ingest')[0]?.attributes['edp.exit_status']).toBe(0);
  const seconds = ([whole, nanos]: [number, number]) => whole + nanos / 1e9;
  for (const { name, startTime, endTime } of spans) {
    expect(seconds(startTime), name).toBeGreaterThanOrEqual(1000);
    expect(seconds(endTime), name).toBeLessThanOrEqual(1001.000_001);
  }
});

it('of small files that were loaded together, a file lasts as long as its split', () => {
  const place = { ...of, path: 'https://me:hush@host.example/a.csv?p=hush&sig=hush' };
  const spans = spansOf([
    { kind: 'command_began', command: 'ingest', startedAt: 1_000_000 },
    { kind: 'load_began', ...place, startedAt: 1_000_000 },
    split(0),
    { kind: 'load_ended', ...place, ...time, seconds: 0.01, status: 'loaded', bytes: 10, rows },
    { kind: 'command_ended', command: 'ingest', exitStatus: 0, ...time },
  ]);
  const file = spans.find(({ name }) => name === 'file');
  expect(file?.endTime).toEqual([1001, 0]);
  expect(file?.attributes['edp.path']).toBe('https://host.example/a.csv');
});
