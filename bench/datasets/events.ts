/** Event files as `edp generate-data` writes them, and the same events flattened. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { launchApart } from '../measure/launch.js';
import { CLI } from '../repository.js';
import type { Dataset, FlatFile } from './dataset.js';

export const EVENT_COLUMNS = [
  'id',
  'recorded_date',
  'created_date',
  'first_dimension_id',
  'second_dimension_id',
  'metric_one',
  'metric_two',
  'metric_n',
] as const;

const EVENT_SUMS = ['id', 'metric_one', 'metric_two', 'metric_n'] as const;

const CHUNK_BYTES = 4 * 1024 * 1024;

export interface EventsRequest {
  readonly rows: number;
  readonly firstId: number;
  /** Different for every dataset: the files are named by it. */
  readonly seed: number;
  readonly hasFlatFile: boolean;
}

interface GeneratedJson {
  readonly bytes: number;
  readonly rows: { readonly read: number };
  readonly expected: { readonly loaded: number };
  readonly metricSums: Readonly<Record<string, number>>;
  readonly files: readonly { readonly path: string }[];
}

/** @param directory for all datasets the same, so that all refer to the same dimensions */
export async function makeEvents(directory: string, request: EventsRequest): Promise<Dataset> {
  const { rows, firstId, seed } = request;
  const [output] = await launchApart({
    command: process.execPath,
    args: [
      ...[CLI, 'generate-data', '--json', '--files', '1', '--out', directory],
      ...['--count', String(rows), '--first-id', String(firstId), '--seed', String(seed)],
    ],
  });
  const generated = JSON.parse(output!) as GeneratedJson;
  const file = generated.files[0]!.path;
  const ids = BigInt(rows) * BigInt(2 * firstId + rows - 1);
  const sums = { id: String(ids / 2n), ...mapValues(generated.metricSums, String) };
  return {
    name: `events_${seed}`,
    title: `${rows.toLocaleString('en')} events from id ${firstId.toLocaleString('en')}, seed ${seed}`,
    rows,
    files: [file],
    bytes: generated.bytes,
    sha256: await hashFile(file),
    columns: EVENT_COLUMNS,
    sumColumns: EVENT_SUMS,
    flat: request.hasFlatFile ? await flatten(file, rows) : undefined,
    encoded: [],
    totals: { rows, sums },
  };
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk);
  }
  return hash.digest('hex');
}

/** The one form in which clean records come; a record that differs is not replaced, and counted missing. */
const METRICS =
  /,"\{""metrics"": \{""metric_one"": (\d+), ""metric_two"": (\d+), ""metric_n"": (\d+)\}\}"\n/g;

/** By pattern and not by edp, which is what is measured. */
async function flatten(file: string, rows: number): Promise<FlatFile> {
  const flat = `${file.slice(0, -'.csv'.length)}-flat.csv`;
  const header = `${EVENT_COLUMNS.join(',')}\n`;
  const boundaries: number[] = [header.length];
  const output = await open(flat, 'w');
  let flattened = 0;
  try {
    await output.write(header);
    let bytes = header.length;
    for await (const text of readLines(file)) {
      const records = text.replace(METRICS, (_, one: string, two: string, n: string) => {
        flattened++;
        return `,${one},${two},${n}\n`;
      });
      await output.write(records, null, 'latin1');
      bytes += records.length;
      boundaries.push(bytes);
    }
    if (flattened !== rows) {
      throw new Error(`${file}: ${flattened} of ${rows} events could be flattened`);
    }
    return { path: flat, bytes, headerBytes: header.length, boundaries };
  } finally {
    await output.close();
  }
}

/** Whole lines behind the header, many at a time. The file is ASCII. */
export async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  let hasHeader = false;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES / 4 })) {
    let text = rest + (chunk as Buffer).toString('latin1');
    if (!hasHeader) {
      text = text.slice(text.indexOf('\n') + 1);
      hasHeader = true;
    }
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    yield text.slice(0, end);
  }
  if (rest !== '') throw new Error(`${file} does not end with a line end`);
}

/** The very records of a dataset in many files, each with the header; the totals stay. */
export async function cutEvents(dataset: Dataset, count: number): Promise<Dataset> {
  const source = dataset.files[0]!;
  // A directory of its own, for a glob that means these files.
  const directory = path.join(path.dirname(source), `cut-${count}`);
  await mkdir(directory, { recursive: true });
  const input = await open(source, 'r');
  const files: string[] = [];
  let bytes = 0;
  try {
    const { size } = await input.stat();
    const header = await readHeader(input);
    let from = header.length;
    for (let index = 0; index < count; index++) {
      const wanted = header.length + Math.floor(((size - header.length) * (index + 1)) / count);
      const until = index === count - 1 ? size : await findLineEnd(input, wanted);
      const file = path.join(directory, `events-${count}-${index + 1}.csv`);
      const records = Buffer.allocUnsafe(until - from);
      await input.read(records, 0, records.length, from);
      const output = await open(file, 'w');
      try {
        await output.write(header);
        await output.write(records);
      } finally {
        await output.close();
      }
      files.push(file);
      bytes += header.length + records.length;
      from = until;
    }
  } finally {
    await input.close();
  }
  const { flat: _, ...rest } = dataset;
  return {
    ...rest,
    name: `${dataset.name}_in_${count}`,
    title: `${dataset.title}, in ${count} files`,
    files,
    bytes,
    flat: undefined,
    encoded: [],
  };
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function readHeader(file: OpenFile): Promise<Buffer> {
  const head = Buffer.alloc(1024);
  await file.read(head, 0, head.length, 0);
  return head.subarray(0, head.indexOf(10) + 1);
}

/** The first record start at or behind `position`. */
async function findLineEnd(file: OpenFile, position: number): Promise<number> {
  const bytes = Buffer.alloc(1024);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, position - 1);
  const end = bytes.subarray(0, bytesRead).indexOf(10);
  if (end < 0) throw new Error(`no line end near byte ${position}`);
  return position + end;
}
