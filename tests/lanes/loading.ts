/**
 * Loads a byte string as a worker loads a file, without a database: with the real reader over a
 * file in memory, whose reads are as short as a test wants, the real loader, and a sink that keeps
 * its rows.
 */
import type { FileHandle } from 'node:fs/promises';
import type pg from 'pg';
import type { RecordForm } from '../../src/formats/open-format.js';
import { bytesOf, PassedOverTally } from '../../src/formats/text/passed-over.js';
import type { RecordPlace } from '../../src/formats/text/ranges.js';
import { readWindows } from '../../src/formats/text/windows.js';
import { WINDOW_BYTES } from '../../src/lanes/assembly/layout.js';
import type { RowPlaces } from '../../src/lanes/byte-lane.js';
import { RecordLoader } from '../../src/lanes/record-loader.js';
import type { ReferenceValues } from '../../src/lanes/reference-values.js';
import type { RowSink } from '../../src/lanes/row-sink.js';
import { RejectLog } from '../../src/ledger/reject-log.js';
import { RemarkTally, type RowRemarks } from '../../src/ledger/remarks.js';
import { collectReferences, type ReferenceCollector } from '../../src/load/sinks/foreign-keys.js';
import type { TablePlan } from '../../src/mapping/table-plan.js';
import type { Fault } from '../../src/model/reject-codes.js';
import { SQL_TYPE } from '../../src/model/types.js';
import type { RowWriter } from '../../src/values/copy-binary.js';
import { laneMemory } from '../support/lane.js';

/** The plan and load that a file is loaded by. */
export interface Target {
  readonly plan: TablePlan;
  readonly recordForm: RecordForm;
  readonly loadId: number;
  /** Columns that refer to other tables. */
  readonly references: readonly string[];
}

/** How it is loaded, which must not affect the outcome. */
export interface Manner {
  readonly usesByteLane: boolean;
  readonly wantsOrdinals: boolean;
  readonly writeBatchSize: number;
  /** Size of a window, until a record does not fit. */
  readonly windowBytes: number;
  /** Bytes that each read of the file returns, over and over. */
  readonly readBytes: readonly number[];
  /** Written by a read behind its bytes, where the lanes must not look. */
  readonly litter: string;
  /** Whether the sink gives rows back after it has sent them. */
  readonly recycles: boolean;
  /** Ends of splits, ascending; the last split ends with the file. */
  readonly untils: readonly number[];
}

export const BY_CSV: Manner = {
  usesByteLane: false,
  wantsOrdinals: false,
  writeBatchSize: 10_000,
  windowBytes: WINDOW_BYTES,
  readBytes: [WINDOW_BYTES],
  litter: '',
  recycles: true,
  untils: [],
};
export const BY_LANE: Manner = { ...BY_CSV, usesByteLane: true };

/** Everything that either lane produces, in the order of the file. */
export interface Outcome {
  /** Place and bytes of each row, without the ordinal. */
  readonly rows: readonly string[];
  readonly rejects: readonly string[];
  readonly recordCount: number;
  readonly lineCount: number;
  /** Bytes of the records, line ends included. */
  readonly recordBytes: number;
  /** Lines and bytes between the records, by kind. */
  readonly passedOver: readonly string[];
  /** Metric → records that had it. */
  readonly unknown: readonly string[];
  /** Correction and column → records on which it acted. */
  readonly corrections: readonly string[];
  /** Values that rows refer to, by column. */
  readonly references: readonly string[];
}

export interface Loaded {
  readonly outcome: Outcome;
  /** Rows that the byte lane wrote. */
  readonly laneRows: number;
}

export async function load(bytes: Buffer, target: Target, manner: Manner): Promise<Loaded> {
  const found = new Found();
  const notes = new RemarkTally();
  const passedOver = new PassedOverTally();
  let recordBytes = 0;
  let recordCount = 0;
  let laneRows = 0;
  let start = 0;
  for (const until of [...manner.untils, bytes.length]) {
    if (until <= start && until < bytes.length) continue;
    const sink = new KeptRows(target, manner, found);
    const rejects = new KeptRejects(found);
    const loader = new RecordLoader(
      { ...target, ...manner, laneMemory: manner.usesByteLane ? laneMemory : undefined },
      sink,
      rejects,
    );
    const hashed: Buffer[] = [];
    const source = fileOf(bytes, manner);
    const range = { source, size: bytes.length, path: 'memory.csv', start, until };
    const window = laneMemory.window.subarray(0, manner.windowBytes + 1);
    const end = await readWindows(range, window, loader, {
      hasher: { update: (part: Buffer) => hashed.push(Buffer.from(part)) },
    });
    await loader.finish();
    await sink.pause();
    sink.settle();
    if (end < until || !Buffer.concat(hashed).equals(bytes.subarray(start, end))) {
      throw new Error(`the split [${start}, ${until}) ended at ${end} or was not hashed as read`);
    }
    if (loader.recordCount !== sink.rowCount + rejects.added) {
      throw new Error(`${loader.recordCount} records became ${sink.rowCount} + ${rejects.added}`);
    }
    const accounted = loader.recordBytes + bytesOf(loader.passedOver);
    if (accounted !== end - start) {
      throw new Error(`${accounted} bytes are accounted for, of [${start}, ${end})`);
    }
    recordBytes += loader.recordBytes;
    passedOver.addAll(loader.passedOver);
    notes.addCounts(loader.remarkCounts);
    const last = Math.max(sink.lastOffset, rejects.lastOffset);
    if (last >= until) throw new Error(`the record at ${last} is not of [${start}, ${until})`);
    recordCount += loader.recordCount;
    laneRows += sink.laneRows;
    found.lineCount += loader.lineCount;
    start = end;
  }
  const entries = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, value]) => `${name}: ${value}`)
      .sort();
  const { unknownMetrics, corrections } = notes.counts;
  return {
    outcome: {
      rows: found.rows,
      rejects: found.rejects,
      recordCount,
      lineCount: found.lineCount,
      recordBytes,
      passedOver: Object.entries(passedOver.counts)
        .map(([kind, { lines, bytes: length }]) => `${kind}: ${lines}, ${length} bytes`)
        .sort(),
      unknown: entries(unknownMetrics),
      corrections: entries(corrections),
      references: [...found.references].sort(),
    },
    laneRows,
  };
}

/** A file in which every read returns only a few bytes. */
function fileOf(bytes: Buffer, { readBytes, litter }: Manner): FileHandle {
  let reads = 0;
  const read = async (buffer: Buffer, offset: number, length: number, position: number) => {
    const bytesRead = Math.min(
      length,
      bytes.length - position,
      readBytes[reads % readBytes.length]!,
    );
    if (reads++ > 2 * bytes.length + 10) throw new Error('the reader reads on and on');
    bytes.copy(buffer, offset, position, position + bytesRead);
    // One byte further lies the lane's sentinel, if it has set one.
    if (litter !== '') {
      const end = Math.min(buffer.length, offset + bytesRead + 100);
      buffer.fill(litter, offset + bytesRead, end, 'latin1');
    }
    return { bytesRead, buffer };
  };
  return { read } as unknown as FileHandle;
}

/** The output of a file's splits so far. */
class Found {
  readonly rows: string[] = [];
  readonly rejects: string[] = [];
  readonly references = new Set<string>();
  /** Line ends of the splits before. */
  lineCount = 0;

  placeOf({ byteOffset, byteLength, lineInSplit }: RecordPlace): string {
    return `${byteOffset}+${byteLength} line ${this.lineCount + lineInSplit}`;
  }
}

class KeptRejects extends RejectLog {
  readonly #found: Found;
  added = 0;
  lastOffset = -1;

  constructor(found: Found) {
    super(undefined, 0, 0);
    this.#found = found;
  }

  override add(place: RecordPlace, { code, column, reason }: Fault, raw: Buffer): void {
    this.added++;
    this.lastOffset = Math.max(this.lastOffset, place.byteOffset);
    this.#found.rejects.push(
      `${this.#found.placeOf(place)}: ${code} in ${column}, ${reason}: ${raw.toString('latin1')}`,
    );
  }
}

interface KeptRow {
  readonly byteOffset: number;
  readonly place: string;
  readonly bytes: Buffer;
}

class KeptRows implements RowSink {
  readonly wantsOrdinals: boolean;
  readonly references: ReadonlyMap<string, ReferenceValues>;
  readonly #found: Found;
  readonly #collector: ReferenceCollector | undefined;
  readonly #rows: KeptRow[] = [];
  #places: RecordPlace[] = [];
  #ends: number[] = [];
  #lanePlaces: RecordPlace[] = [];
  #laneEnds: number[] = [];
  #portions: { bytes: Buffer; places: RecordPlace[]; ends: number[] }[] = [];
  readonly #recycles: boolean;
  #recycle: ((rows: Buffer) => void) | undefined;
  rowCount = 0;
  laneRows = 0;
  lastOffset = -1;

  constructor({ plan, references }: Target, { wantsOrdinals, recycles }: Manner, found: Found) {
    this.#found = found;
    this.#recycles = recycles;
    this.wantsOrdinals = wantsOrdinals;
    this.#collector = wantsOrdinals
      ? undefined
      : collectReferences(
          {
            foreignKeys: references.map((column) => ({
              constraint: 1,
              column,
              type: SQL_TYPE[plan.columns.find(({ name }) => name === column)?.type ?? 'int'],
              referredTable: column,
              referredRows: column,
              referredColumn: 'id',
              pair: {
                column,
                referredColumn: 'id',
                operator: 'OPERATOR(pg_catalog.=)',
                referredCast: '',
                cast: '',
                collation: '',
              },
              isOwn: false,
              mayLock: true,
            })),
            others: new Map(),
          },
          plan,
        );
    this.references = this.#collector?.values ?? new Map();
  }

  get nextOrdinal(): number {
    return this.wantsOrdinals ? this.rowCount : 0;
  }

  added(
    texts: readonly (string | null)[],
    place: RecordPlace,
    _: RowRemarks,
    rowEnd: number,
  ): void {
    this.rowCount++;
    this.#places.push(place);
    this.#ends.push(rowEnd);
    this.#collector?.add(texts);
  }

  addedByLane(places: RowPlaces, from: number, base: number): void {
    for (let index = from; index < places.count; index++) {
      const start = places.recordStart[index]!;
      this.rowCount++;
      this.laneRows++;
      this.#laneEnds.push(places.rowEnd[index]!);
      this.#lanePlaces.push({
        byteOffset: base + start,
        byteLength: places.recordEnd[index]! - start,
        lineInSplit: places.line[index]!,
      });
    }
  }

  take(writer: RowWriter): void {
    if (writer.rowCount === 0) return;
    this.#portions.push({ bytes: writer.takeRows(), places: this.#places, ends: this.#ends });
    this.#places = [];
    this.#ends = [];
  }

  takeFromLane(bytes: Buffer, recycle: (rows: Buffer) => void): void {
    this.#portions.push({ bytes, places: this.#lanePlaces, ends: this.#laneEnds });
    this.#lanePlaces = [];
    this.#laneEnds = [];
    this.#recycle = recycle;
  }

  async flush(): Promise<void> {
    for (const { bytes, places, ends } of this.#portions) {
      let start = 0;
      for (const [i, end] of ends.entries()) {
        const { byteOffset } = places[i]!;
        const row = Buffer.from(bytes.subarray(start, end));
        this.#rows.push({ byteOffset, place: this.#found.placeOf(places[i]!), bytes: row });
        start = end;
      }
      if (start !== bytes.length) throw new Error('rows do not end where they are said to');
      bytes.fill(0xee);
      if (this.#recycles) this.#recycle?.(bytes);
    }
    this.#portions = [];
  }

  async pause(): Promise<void> {
    await this.#collector?.lock({
      query: async (sql: string, [values]: [string[]]) => {
        const column = /FROM (\S+)/.exec(sql)![1]!;
        for (const value of values) this.#found.references.add(`${column}: ${value}`);
        return { rowCount: values.length };
      },
    } as unknown as pg.Client);
  }

  /** Hands the rows over in the order of the file, whichever lane they came from. */
  settle(): Promise<number> {
    if (this.#rows.length !== this.rowCount) throw new Error('not every row was flushed');
    this.#rows.sort((a, b) => a.byteOffset - b.byteOffset);
    for (const [ordinal, { byteOffset, place, bytes }] of this.#rows.entries()) {
      this.lastOffset = byteOffset;
      this.#found.rows.push(`${place}: ${this.#withoutOrdinal(bytes, ordinal).toString('hex')}`);
    }
    return Promise.resolve(0);
  }

  #withoutOrdinal(row: Buffer, ordinal: number): Buffer {
    if (!this.wantsOrdinals) return row;
    if (row.readInt32BE(2) !== 4 || row.readInt32BE(6) !== ordinal) {
      throw new Error(`row ${ordinal} has number ${row.readInt32BE(6)}`);
    }
    const rest = Buffer.from(row.subarray(8));
    rest.writeInt16BE(row.readInt16BE(0) - 1, 0);
    return rest;
  }
}
