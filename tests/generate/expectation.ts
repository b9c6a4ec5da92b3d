/**
 * The expected outcome of loading generated records, by the rules of docs/model.md and csv-parse
 * alone: an oracle that knows nothing about how the records were made.
 */
import { parse } from 'csv-parse/sync';
import type { Dimensions } from '../../src/generate/dimensions.js';

export interface Expectation {
  records: number;
  expected: { loaded: number; rejected: number; duplicate: number };
  rejectCodes: Record<string, number>;
  unknownMetrics: Record<string, number>;
  metricSums: { metric_one: bigint; metric_two: bigint; metric_n: bigint };
}

export interface ParsedRecord {
  readonly raw: string;
  readonly fields: readonly string[];
}

/** @param text records without header */
export function parseRecords(text: string): ParsedRecord[] {
  const parsed = parse(text, { raw: true, relax_column_count: true }) as unknown as {
    raw: string;
    record: string[];
  }[];
  return parsed.map(({ raw, record }) => ({ raw, fields: record }));
}

const INT_LIMIT = 2n ** 31n;
const BIGINT_LIMIT = 2n ** 63n;

function rejectCodeOfInteger(text: string, limit: bigint): string | undefined {
  if (!/^[+-]?\d+(\.0+)?$/.test(text)) return 'bad_integer';
  const value = BigInt(text.split('.')[0] as string);
  return value >= -limit && value < limit ? undefined : 'out_of_range';
}

function isTimestamp(text: string): boolean {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (match === null) return false;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as number[];
  const date = new Date(Date.UTC(year!, month! - 1, day!, hour!, minute!, second!));
  return date.toISOString().startsWith(text.slice(0, 10)) && date.getUTCHours() === hour;
}

/** The metrics as texts, as written in the JSON; or a code where the record is to be rejected. */
function readMetrics(json: string): Map<string, string> | string {
  if (json === '') return new Map();
  try {
    JSON.parse(json);
  } catch {
    return 'bad_json';
  }
  // JSON.parse would round large integers and drop trailing zeros, so members are read as texts.
  const members = json.matchAll(/"(\w+)"\s*:\s*("[^"]*"|[^\s,{}]+)/g);
  const metrics = new Map([...members].map(([, name, value]) => [name as string, value as string]));
  for (const name of ['metric_one', 'metric_two', 'metric_n']) {
    if (!/^("-?\d+"|-?\d+)$/.test(metrics.get(name) ?? '0')) return 'bad_metric';
  }
  return metrics;
}

/** The code where the record itself is to be rejected, whatever else is in the file. */
export function rejectCodeOf(
  fields: readonly string[],
  dimensions: Dimensions,
): string | undefined {
  if (fields.length !== 6) return 'wrong_field_count';
  const [id, recorded, created, first, second, json] = fields as string[];
  if (id === '') return 'null_value';
  const code =
    rejectCodeOfInteger(id!, BIGINT_LIMIT) ??
    rejectCodeOfInteger(first!, INT_LIMIT) ??
    rejectCodeOfInteger(second!, INT_LIMIT);
  if (code !== undefined) return code;
  if (!isTimestamp(recorded!) || !isTimestamp(created!)) return 'bad_timestamp';
  const metrics = readMetrics(json!);
  if (typeof metrics === 'string') return metrics;
  const isKnown =
    dimensions.firstIds.includes(Number(first)) &&
    dimensions.second.some((member) => member.id === Number(second));
  return isKnown ? undefined : 'missing_dimension';
}

/** @param texts records of one file, or of several, without headers */
export function expectLoad(texts: readonly string[], dimensions: Dimensions): Expectation {
  const result: Expectation = {
    records: 0,
    expected: { loaded: 0, rejected: 0, duplicate: 0 },
    rejectCodes: {},
    unknownMetrics: {},
    metricSums: { metric_one: 0n, metric_two: 0n, metric_n: 0n },
  };
  const loaded = new Map<string, string>();
  for (const { raw, fields } of texts.flatMap(parseRecords)) {
    result.records++;
    const id = fields[0] as string;
    const earlier = loaded.get(id);
    const code =
      rejectCodeOf(fields, dimensions) ??
      (earlier === undefined || earlier === raw ? undefined : 'conflict');
    if (code !== undefined) {
      result.expected.rejected++;
      result.rejectCodes[code] = (result.rejectCodes[code] ?? 0) + 1;
    } else if (earlier === raw) {
      result.expected.duplicate++;
    } else {
      result.expected.loaded++;
      loaded.set(id, raw);
      for (const [name, value] of readMetrics(fields[5] as string) as Map<string, string>) {
        if (name in result.metricSums) {
          result.metricSums[name as 'metric_n'] += BigInt(value.replaceAll('"', ''));
        } else {
          result.unknownMetrics[name] = (result.unknownMetrics[name] ?? 0) + 1;
        }
      }
    }
  }
  return result;
}

/** The same, with metric sums as the numbers that edp reports. */
export function toReported({ metricSums, ...rest }: Expectation): object {
  const { metric_one, metric_two, metric_n } = metricSums;
  return {
    ...rest,
    metricSums: {
      metric_one: Number(metric_one),
      metric_two: Number(metric_two),
      metric_n: Number(metric_n),
    },
  };
}
