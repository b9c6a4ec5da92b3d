/**
 * One pass over a split, or over several small ones. It opens the file, reads the records through
 * both lanes into a sink, and collects the rejects. The committer decides what happens then: a load
 * commits, a dry run rolls back, a bulk load hands the rows to the thread that copies them.
 */
import type { IHasher } from 'hash-wasm';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { openFormat } from '../formats/open-format.js';
import type { RecordPlace, ScannedRange } from '../formats/text/ranges.js';
import { type OpenSplit, openSplit, readSplit } from '../formats/text/read-split.js';
import type { LaneMemory } from '../lanes/lane-memory.js';
import { RecordLoader } from '../lanes/record-loader.js';
import type { RowSink } from '../lanes/row-sink.js';
import type { Receipt } from '../ledger/counts.js';
import { MAX_PENDING_REJECT_BYTES, type RejectLog } from '../ledger/reject-log.js';
import type { RowRemarks } from '../ledger/remarks.js';
import { assertUnchanged, type OpenFile, withFiles } from '../source/open-file.js';
import type { LoadRules, SplitPart } from './messages.js';

export interface Committer<Outcome> {
  /** @param start offset of the part's first record */
  rejectsOf(part: SplitPart<LoadRules>, start: number): RejectLog;
  /** Called once, before anything is read. @returns a sink that is ready to take rows */
  begin(pass: SplitPass): Promise<RowSink>;
  /** Called once all records are in the sink or among the rejects. */
  conclude(pass: SplitPass, sink: RowSink): Promise<Outcome>;
}

export interface PassContext {
  /** Memory of the byte lane; used by one pass at a time. */
  readonly laneMemory: LaneMemory;
  /** Hashes the bytes that are read; without it, receipts have an empty hash. */
  readonly hasher?: IHasher | undefined;
  /** @throws to end the pass between two windows */
  assertGoing(): void;
  /** For the failpoints. */
  readonly client?: pg.Client | undefined;
}

/** @throws EdpError `file_changed`; errors of the sink and the committer; {@link LostSplit} */
export function passOver<Outcome>(
  parts: readonly SplitPart<LoadRules>[],
  committer: Committer<Outcome>,
  context: PassContext,
): Promise<Outcome> {
  return withFiles(
    parts.map(({ load }) => load.file),
    async (files) => {
      const open: OpenPart[] = [];
      for (const [i, part] of parts.entries()) {
        const { load } = part;
        const file = files[i]!;
        const format = openFormat(load.recordForm);
        const split = await openSplit(file, load.file, format, part, context.laneMemory.window);
        open.push({ ...part, file, split, rejects: committer.rejectsOf(part, split.start) });
      }
      const pass = new SplitPass(open, context);
      const sink = await committer.begin(pass);
      await pass.read(sink);
      return committer.conclude(pass, sink);
    },
  );
}

/** A split whose file is open. */
interface OpenPart extends SplitPart<LoadRules> {
  readonly file: OpenFile;
  readonly split: OpenSplit;
  readonly rejects: RejectLog;
}

/** The result of reading a part. */
interface ReadPart extends ScannedRange {
  readonly contentHash: string;
  readonly loader: RecordLoader;
}

/** If this many records are all rejects, the split likely began inside of a longer record. */
const LOST_RECORDS = 200;

/**
 * Thrown to wait for the previous split, whose end is where this one begins. This is not a failure.
 */
export class LostSplit extends EdpError {
  constructor() {
    super('interrupted', 'the first record of a split was not found');
  }
}

export class SplitPass {
  readonly #parts: readonly OpenPart[];
  readonly #context: PassContext;
  readonly #loaders: RecordLoader[] = [];
  readonly #read: ReadPart[] = [];

  constructor(parts: readonly OpenPart[], context: PassContext) {
    this.#parts = parts;
    this.#context = context;
  }

  /** The actual range of the records of each part. */
  get ranges(): readonly ScannedRange[] {
    return this.#read.map(({ start, end, lineCount }) => ({ start, end, lineCount }));
  }

  get rejects(): readonly RejectLog[] {
    return this.#parts.map(({ rejects }) => rejects);
  }

  /** @param duplicate records of a pass of one part that were in the table already */
  receipts(duplicate: number): Receipt[] {
    return this.#read.map(({ loader, ...range }, i) => {
      const read = loader.recordCount;
      const { count: rejected, codes } = this.#parts[i]!.rejects;
      return {
        ...range,
        rows: { read, loaded: read - rejected - duplicate, rejected, duplicate },
        rejectCodes: codes,
        remarks: loader.remarkCounts,
        recordBytes: loader.recordBytes,
        passedOver: loader.passedOver,
      };
    });
  }

  /** Reverts the counts of a record that is not loaded after all, in a pass of one part. */
  uncount(remarks: RowRemarks): void {
    this.#loaders[0]!.uncount(remarks);
  }

  /** The bytes of a record of a pass of one part. */
  async readRaw({ byteOffset, byteLength }: RecordPlace): Promise<Buffer> {
    const raw = Buffer.allocUnsafeSlow(byteLength);
    const { source } = this.#parts[0]!.split;
    const { bytesRead } = await source.read(raw, 0, byteLength, byteOffset);
    return raw.subarray(0, bytesRead);
  }

  /** Reads all parts one after the other, because they share the memory of the byte lane. */
  async read(sink: RowSink): Promise<void> {
    for (const part of this.#parts) {
      this.#read.push(await this.#readPart(part, sink));
      const pendingBytes = this.#parts.reduce((sum, { rejects }) => sum + rejects.pendingBytes, 0);
      if (pendingBytes > MAX_PENDING_REJECT_BYTES) {
        await sink.pause();
        for (const { rejects } of this.#parts) await rejects.flush();
      }
    }
  }

  async #readPart(part: OpenPart, sink: RowSink): Promise<ReadPart> {
    const { load, file, split, rejects, range } = part;
    const { laneMemory, hasher, client } = this.#context;
    const loader = new RecordLoader({ ...load, laneMemory }, sink, rejects);
    this.#loaders.push(loader);
    hasher?.init();
    const end = await readSplit(split, laneMemory.window, loader, {
      hasher,
      before: async () => {
        this.#context.assertGoing();
        await failpoint('split.read', client);
      },
      after: () => {
        const { recordCount } = loader;
        if (range.isExact || recordCount <= LOST_RECORDS) return;
        if (recordCount === rejects.count) throw new LostSplit();
      },
    });
    await failpoint('split.hashed', client);
    await loader.finish();
    await failpoint('split.copied', client);
    await assertUnchanged(file, load.file);
    await failpoint('split.unchanged', client);
    const contentHash = split.longRecord?.contentHash ?? hasher?.digest('hex') ?? '';
    return { start: split.start, end, lineCount: loader.lineCount, contentHash, loader };
  }
}
