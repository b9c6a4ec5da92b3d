/**
 * The bytes of one chunk: a run of consecutive records of one file.
 *
 * How it works, and what breaks if you change it:
 * - A chunk depends only on its settings and its number, so chunks can be made anywhere in any
 *   order, and the file is the same.
 * - Values, damage and unknown metrics are drawn from three streams of random numbers. So the
 *   records that stay undamaged under `--dirty` are byte for byte those of the clean file.
 * - Every record is first written clean, digits straight into the buffer: no string, no object. The
 *   few that are damaged or get an extra metric are then overwritten.
 */
import { ByteWriter } from './byte-writer.js';
import type { Dimensions } from './dimensions.js';
import { DIRT, NEW_DIRT } from './dirt.js';
import { type Draft, FIELD, formatRecord, parseFields } from './draft.js';
import { Random } from './random.js';
import { countOne, createTally, type Tally } from './tally.js';

export const HEADER =
  'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics\n';

/** Settings of all chunks of a run. Plain data: it crosses threads. */
export interface ChunkSettings {
  readonly seed: number;
  /** Share of the records to damage, 0 to 1. */
  readonly dirtyShare: number;
  /** Share of the undamaged records that get an undeclared metric, 0 to 1. */
  readonly unknownShare: number;
  readonly dimensions: Dimensions;
}

export interface Chunk {
  /** Position of the chunk in the run, from 0; with the seed it decides every value. */
  readonly number: number;
  readonly firstId: number;
  readonly records: number;
}

export interface ChunkBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tally: Tally;
}

/** Streams of random numbers, one for each purpose. */
const STREAM = { month: 1, values: 2, dirt: 3, unknown: 4 } as const;

/** No clean record is longer, including an extra metric; a damaged one asks for its own length. */
const MAX_CLEAN_RECORD_BYTES = 320;

const SECONDS_OF_HOUR = 3600;
const SECONDS_OF_DAY = 86_400;

/** The relative number of events in each hour of a day. */
const HOUR_WEIGHTS = [
  2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 10, 9, 8, 9, 10, 10, 9, 8, 7, 6, 6, 5, 4, 3,
] as const;
const HOURS = Uint8Array.from(
  HOUR_WEIGHTS.flatMap((weight, hour) => Array<number>(weight).fill(hour)),
);

const UNKNOWN_METRICS = ['metric_x', 'metric_y', 'latency_ms'] as const;

const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const METRIC_ONE = ascii(',"{""metrics"": {""metric_one"": ');
const METRIC_TWO = ascii(', ""metric_two"": ');
const METRIC_N = ascii(', ""metric_n"": ');
const END = ascii('}}"\n');
const UNKNOWN = UNKNOWN_METRICS.map((name) => ascii(`, ""${name}"": `));
const COMMA = 0x2c;
const COLON = 0x3a;
const POINT = 0x2e;

/** Length of `2024-01-31 `, with its space. */
const DAY_BYTES = 11;

/**
 * The month of all events of a seed. It does not depend on the clock, which would change the bytes.
 */
function chooseMonth(seed: number): { days: number; dayTexts: Uint8Array } {
  const months = new Random(seed, 0, STREAM.month).below(12 * 5);
  const start = Date.UTC(2020, months);
  const days = (Date.UTC(2020, months + 1) - start) / (SECONDS_OF_DAY * 1000);
  // A record may be created the day after it was recorded.
  const dayTexts = Array.from({ length: days + 1 }, (_, day) =>
    new Date(start + day * SECONDS_OF_DAY * 1000).toISOString().slice(0, 10),
  );
  return { days, dayTexts: ascii(dayTexts.map((text) => `${text} `).join('')) };
}

/**
 * Seconds between recording and creation. Most events arrive within seconds, one in a thousand
 * hours later. Computed with products only: `**` may differ in the last bit between machines, and
 * the bytes must not.
 */
function chooseDelay(random: Random): number {
  const lateness = random.share();
  if (lateness < 0.001) return Math.floor(lateness * 36_000_000);
  const squared = lateness * lateness;
  return Math.floor(300 * squared * squared * squared);
}

/**
 * Prepares the data that all chunks share, and returns the function that makes one chunk. The bytes
 * have no header. They are in an ArrayBuffer of their own, so that they can be transferred.
 */
export function prepareChunks(settings: ChunkSettings): (chunk: Chunk) => ChunkBytes {
  const { seed, dimensions } = settings;
  const { days, dayTexts } = chooseMonth(seed);
  const secondIds = Float64Array.from(dimensions.second, ({ id }) => id);
  const firstIds = Float64Array.from(dimensions.second, ({ firstId }) => firstId);
  const dirtyBelow = settings.dirtyShare * 2 ** 32;
  const unknownBelow = settings.unknownShare * 2 ** 32;
  const writer = new ByteWriter(1 << 20);

  function writeTimestamp(seconds: number, micros: number): void {
    const day = (seconds / SECONDS_OF_DAY) | 0;
    const second = seconds - day * SECONDS_OF_DAY;
    writer.ascii(dayTexts, day * DAY_BYTES, (day + 1) * DAY_BYTES);
    writer.digits((second / SECONDS_OF_HOUR) | 0, 2);
    writer.byte(COLON);
    writer.digits(((second / 60) | 0) % 60, 2);
    writer.byte(COLON);
    writer.digits(second % 60, 2);
    if (micros >= 0) {
      writer.byte(POINT);
      writer.digits(micros, 6);
    }
  }

  return function writeChunk(chunk: Chunk): ChunkBytes {
    const values = new Random(seed, chunk.number, STREAM.values);
    const dirt = new Random(seed, chunk.number, STREAM.dirt);
    const unknown = new Random(seed, chunk.number, STREAM.unknown);
    const tally = createTally();
    const { expected, metricSums } = tally;
    // Offset of an earlier undamaged record in the buffer, for records that repeat one.
    let earlierStart = 0;
    let earlierEnd = 0;

    for (let index = 0; index < chunk.records; index++) {
      writer.ensureRoom(MAX_CLEAN_RECORD_BYTES);
      const start = writer.position;

      // The cube makes the first members of the list many times as popular as the last.
      const popularity = values.share();
      const member = Math.floor(popularity * popularity * popularity * secondIds.length);
      const recorded =
        values.below(days) * SECONDS_OF_DAY +
        (HOURS[values.below(HOURS.length)] as number) * SECONDS_OF_HOUR +
        values.below(SECONDS_OF_HOUR);
      const created = recorded + 1 + chooseDelay(values);
      const hasFraction = values.next() % 8 === 0;
      const recordedMicros = hasFraction ? values.below(1_000_000) : -1;
      const createdMicros = hasFraction ? values.below(1_000_000) : -1;
      const one = values.below(100);
      const middle = values.share();
      const two = 100 + Math.floor(middle * middle * 9900);
      const large = values.share();
      const n = 1000 + Math.floor(large * large * 99_000);

      writer.integer(chunk.firstId + index);
      writer.byte(COMMA);
      writeTimestamp(recorded, recordedMicros);
      writer.byte(COMMA);
      writeTimestamp(created, createdMicros);
      writer.byte(COMMA);
      writer.integer(firstIds[member] as number);
      writer.byte(COMMA);
      writer.integer(secondIds[member] as number);
      writer.ascii(METRIC_ONE);
      writer.integer(one);
      writer.ascii(METRIC_TWO);
      writer.integer(two);
      writer.ascii(METRIC_N);
      writer.integer(n);
      writer.ascii(END);

      if (dirtyBelow > 0 && dirt.next() < dirtyBelow) {
        damageRecord(start, earlierStart, earlierEnd, dirt, tally);
        continue;
      }
      if (unknownBelow > 0 && unknown.next() < unknownBelow) addUnknownMetric(unknown, tally);
      expected.loaded++;
      metricSums.metric_one += one;
      metricSums.metric_two += two;
      metricSums.metric_n += n;
      if (earlierEnd === 0 || index % 64 === 0) {
        earlierStart = start;
        earlierEnd = writer.position;
      }
    }
    tally.records = chunk.records;
    return { bytes: writer.take(), tally };
  };

  function addUnknownMetric(random: Random, tally: Tally): void {
    const which = random.below(UNKNOWN_METRICS.length);
    writer.position -= END.length;
    writer.ascii(UNKNOWN[which] as Uint8Array);
    const shape = random.below(32);
    if (shape === 0) {
      // More than 2⁵³: a reader that converts it to a double changes it.
      writer.integer(9_007_199 + random.below(1_000_000));
      writer.digits(random.below(1e9), 9);
      writer.digits(random.below(1e3), 3);
    } else if (shape === 1) {
      // A decimal with a trailing zero, which must be kept.
      writer.integer(random.below(1000));
      writer.byte(POINT);
      writer.digits(random.below(10) * 10, 2);
    } else {
      writer.integer(random.below(10_000));
    }
    writer.ascii(END);
    countOne(tally.unknownMetrics, UNKNOWN_METRICS[which] as string);
  }

  /** Replaces the clean record at `start` by a damaged one, and counts it. */
  function damageRecord(
    start: number,
    earlierStart: number,
    earlierEnd: number,
    random: Random,
    tally: Tally,
  ): void {
    const hasEarlier = earlierEnd > 0;
    const kind = random.pick(hasEarlier ? DIRT : NEW_DIRT);
    const fields = parseFields(writer.bytes.toString('latin1', start, writer.position));
    const draft: Draft = {
      fields,
      metrics: Object.entries(
        JSON.parse(fields[FIELD.eventMetrics] as string).metrics,
      ) as Draft['metrics'],
      earlier: hasEarlier
        ? parseFields(writer.bytes.toString('latin1', earlierStart, earlierEnd))
        : [],
      dimensions,
      isQuoted: false,
    };
    kind.damage(draft, random);

    writer.position = start;
    const text = formatRecord(draft);
    writer.ensureRoom(text.length);
    writer.text(text);

    countOne(tally.dirt, kind.name);
    if (kind.outcome === 'loaded') {
      tally.expected.loaded++;
      for (const [name, value] of draft.metrics) tally.metricSums[name] += value;
    } else if (kind.outcome === 'duplicate') {
      tally.expected.duplicate++;
    } else {
      tally.expected.rejected++;
      countOne(tally.rejectCodes, kind.outcome);
    }
  }
}
