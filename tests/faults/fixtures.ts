/** Files in which the bytes and the outcome of every record are known. */
import type { ExpectedReject, Row } from './scenario.js';

export type Fate =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'reject'; readonly code: string }
  | { readonly kind: 'duplicate' };

export interface WrittenFile {
  readonly bytes: Buffer;
  readonly dataStart: number;
  readonly rows: readonly Row[];
  readonly rejects: readonly ExpectedReject[];
  readonly counts: readonly [number, number, number, number];
}

/** Puts records behind a header, each with its line end. */
export class FileWriter {
  readonly #parts: Buffer[] = [];
  readonly #rows: Row[] = [];
  readonly #rejects: ExpectedReject[] = [];
  readonly #counts: [number, number, number, number] = [0, 0, 0, 0];
  readonly #dataStart: number;
  #bytes = 0;
  #line = 1;

  constructor(header: string) {
    this.#append(Buffer.from(`${header}\n`));
    this.#dataStart = this.#bytes;
  }

  add(text: string | Buffer, fate: Fate): void {
    const raw = Buffer.from(text);
    this.#counts[0]++;
    if (fate.kind === 'row') {
      this.#counts[1]++;
      this.#rows.push(fate.row);
    } else if (fate.kind === 'reject') {
      this.#counts[2]++;
      this.#rejects.push({ line: this.#line, byteOffset: this.#bytes, code: fate.code, raw });
    } else this.#counts[3]++;
    this.#append(Buffer.concat([raw, Buffer.from('\n')]));
  }

  #append(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    for (const byte of bytes) if (byte === 0x0a) this.#line++;
  }

  end(): WrittenFile {
    return {
      bytes: Buffer.concat(this.#parts),
      dataStart: this.#dataStart,
      rows: this.#rows,
      rejects: this.#rejects,
      counts: this.#counts,
    };
  }
}

export const LOG_MODEL = `tables:
  log:
    columns: { n: int, at: timestamp, note: text }
`;
/** 84 days, and the index that lets it be loaded in bulk. */
export const DIVIDED_LOG_MODEL = `${LOG_MODEL}    partition-by: { column: at, every: day }
    partition-range: { to: 2024-12-01 }
    indexes: [n]
`;
export const LOG_COLUMNS = 'n::text, at::text, note';

const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
const two = (n: number) => String(n).padStart(2, '0');

/**
 * Notes of all kinds: none, empty, quoted, or with several lines that look like records themselves.
 */
const NOTES: readonly ((n: number) => readonly [field: string, value: string | null])[] = [
  (n) => [`note ${n}`, `note ${n}`],
  () => ['', null],
  () => ['""', ''],
  (n) => [quote(`a "quoted", one ${n}`), `a "quoted", one ${n}`],
  (n) => [quote(`two\nlines ${n}`), `two\nlines ${n}`],
  (n) => [
    quote(`${n},2024-01-01 00:00:00,x\n${n + 1},2024-01-01 00:00:00,y\n${n},,`),
    `${n},2024-01-01 00:00:00,x\n${n + 1},2024-01-01 00:00:00,y\n${n},,`,
  ],
  (n) => [`Zürich – ${n}`, `Zürich – ${n}`],
];

function addLogRecord(writer: FileWriter, n: number): void {
  const at = `2024-${two(1 + (n % 12))}-${two(1 + (n % 28))} 10:${two(n % 60)}:00`;
  const [field, value] = NOTES[n % NOTES.length]!(n);
  writer.add(`${n},${at},${field}`, { kind: 'row', row: [String(n), at, value] });
}

/** A file for a table without a key, in which every tenth record occurs twice. */
export function writeLog(from: number, count: number, spoils = false): WrittenFile {
  const writer = new FileWriter('n,at,note');
  for (let n = from; n < from + count; n++) {
    addLogRecord(writer, n);
    if (n % 10 === 0) addLogRecord(writer, n);
    if (!spoils) continue;
    if (n % 97 === 0) writer.add(`x${n},2024-01-01 00:00:00,z`, reject('bad_integer'));
    if (n % 101 === 0) writer.add(`${n},2024-02-30 00:00:00,z`, reject('bad_timestamp'));
    if (n % 103 === 0) writer.add(`${n},2024-02-20 00:00:00`, reject('wrong_field_count'));
    if (n % 107 === 0) {
      writer.add(
        Buffer.concat([Buffer.from(`${n},,`), Buffer.from([0xff, 0xfe])]),
        reject('invalid_utf8'),
      );
    }
    if (n % 109 === 0) writer.add(`${n},,a\0b`, reject('nul_byte'));
  }
  return writer.end();
}

function reject(code: string): Fate {
  return { kind: 'reject', code };
}

export const EVENT_HEADER =
  'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';
export const EVENT_COLUMNS =
  'id::text, recorded_date::text, created_date::text, first_dimension_id::text, second_dimension_id::text, metric_one::text, metric_two::text, metric_n::text, extra_metrics::text';

export interface EventOptions {
  readonly from: number;
  readonly count: number;
  /** Adds records that the server and the program refuse, conflicts and duplicates. */
  readonly spoils?: boolean;
  /** Adds only records that the program itself refuses. */
  readonly spoilsLightly?: boolean;
}

/** Events of the built-in model. Dimensions 1 to 20 exist; metric_n is never 666 (a check). */
export function writeEvents({ from, count, spoils, spoilsLightly }: EventOptions): WrittenFile {
  const writer = new FileWriter(EVENT_HEADER);
  for (let id = from; id < from + count; id++) {
    const recorded = `2024-03-${two(1 + (id % 28))} 11:${two(id % 60)}:07`;
    const created = `2024-04-${two(1 + (id % 28))} 12:00:00`;
    const first = String(1 + (id % 20));
    const second = String(1 + ((id * 7) % 20));
    const metrics: string[] = [`"metric_one": ${id}`];
    if (id % 3 !== 0) metrics.push(`"metric_two": "${id * 2}"`);
    if (id % 5 !== 0) metrics.push(`"metric_n": ${id + 1_000_000}`);
    const extra =
      id % 11 === 0 ? `{"metric_x": ${id}}` : id % 13 === 0 ? '{"metric_x": "much"}' : null;
    if (extra !== null) metrics.push(extra.slice(1, -1));
    const json = `{"metrics": {${metrics.join(id % 17 === 0 ? ',\n ' : ', ')}}}`;
    const line = [id, recorded, created, first, second, quote(json)].join(',');
    writer.add(line, {
      kind: 'row',
      row: [
        String(id),
        recorded,
        created,
        first,
        second,
        String(id),
        id % 3 === 0 ? null : String(id * 2),
        id % 5 === 0 ? null : String(id + 1_000_000),
        extra,
      ],
    });
    const other = (change: Partial<Record<'id' | 'recorded' | 'first' | 'json', string>>) =>
      [
        change.id ?? id,
        change.recorded ?? recorded,
        created,
        change.first ?? first,
        second,
        quote(change.json ?? json),
      ].join(',');
    if (spoils || spoilsLightly) {
      if (id % 89 === 0) writer.add(other({ id: `${id}x` }), reject('bad_integer'));
      if (id % 97 === 0) writer.add(other({ json: '{"metrics":' }), reject('bad_json'));
      if (id % 101 === 0)
        writer.add(other({ json: '{"metrics": {"metric_one": "a"}}' }), reject('bad_metric'));
    }
    if (spoils) {
      if (id % 53 === 0) writer.add(line, { kind: 'duplicate' });
      if (id % 59 === 0) writer.add(other({ recorded: created }), reject('conflict'));
      if (id % 61 === 0) {
        writer.add(other({ id: String(-id), first: '999' }), reject('missing_dimension'));
      }
      if (id % 67 === 0) {
        const refused = '{"metrics": {"metric_n": 666}}';
        writer.add(other({ id: String(-id), json: refused }), reject('refused_by_server'));
      }
    }
  }
  return writer.end();
}

export const MEMBER_MODEL = `tables:
  members:
    columns: { code: text, name: text, size: int }
    key: code
`;
/** Fifty values; a row that is replaced moves from one to another. */
export const DIVIDED_MEMBER_MODEL = `${MEMBER_MODEL}    key-guard: true
    partition-by: { column: name, list: true }
`;
export const MEMBER_COLUMNS = 'code, name, size::text';

/** Keys that occur repeatedly, with the same values or others; the order decides which remain. */
export function writeMembers(
  count: number,
  onConflict: 'update' | 'skip',
): WrittenFile & { readonly remaining: readonly Row[] } {
  const writer = new FileWriter('code,name,size');
  const remaining = new Map<string, Row>();
  for (let n = 0; n < count; n++) {
    const code = `c${(n * 37) % 300}`;
    const before = remaining.get(code);
    // New names come with each split.
    const name = `name ${Math.floor(n / 50)}`;
    const row: Row = before !== undefined && n % 4 === 0 ? before : [code, name, String(n)];
    const line = row.join(',');
    const isSame = before !== undefined && before.join(',') === line;
    if (before !== undefined && (isSame || onConflict === 'skip')) {
      writer.add(line, { kind: 'duplicate' });
    } else {
      writer.add(line, { kind: 'row', row });
      remaining.set(code, row);
    }
    if (n % 151 === 0) writer.add(`c${n},name,big`, reject('bad_integer'));
  }
  return { ...writer.end(), remaining: [...remaining.values()] };
}

export const VISIT_MODEL = `tables:
  places:
    columns: { id: int, name: text }
    key: id
    lineage: false
  visits:
    columns: { n: int, place: { type: int, references: places } }
`;
export const VISIT_COLUMNS = 'n::text, place::text';

/** A table without a key, whose records refer to places; those above `known` are missing. */
export function writeVisits(from: number, count: number, known: number): WrittenFile {
  const writer = new FileWriter('n,place');
  for (let n = from; n < from + count; n++) {
    const place = 1 + (n % 40);
    const fate: Fate =
      place > known
        ? reject('missing_dimension')
        : { kind: 'row', row: [String(n), String(place)] };
    writer.add(`${n},${place}`, fate);
    if (n % 10 === 0) writer.add(`${n},${place}`, fate);
    if (n % 83 === 0) writer.add(`${n},nowhere`, reject('bad_integer'));
  }
  return writer.end();
}
