/** Loads splits one after the other in the caller's transaction, so that each record is judged for itself. */
import { createXXHash128, type IHasher } from 'hash-wasm';
import type pg from 'pg';
import { compileAssembly } from '../../base/assembly.js';
import { laneRemarks } from '../../lanes/corrected-fields.js';
import { LaneMemory } from '../../lanes/lane-memory.js';
import type { ChangedRows } from '../../ledger/changes.js';
import type { Receipt } from '../../ledger/counts.js';
import { insertReceipts } from '../../ledger/receipts.js';
import { RejectLog } from '../../ledger/reject-log.js';
import type { PlannedSplit } from '../dispatch.js';
import type { LoadTask, SplitPart, SplitTimes } from '../messages.js';
import { CarefulSink } from '../sinks/careful-sink.js';
import { stageFor } from '../sinks/stage-for.js';
import { SplitClock } from '../split-clock.js';
import { passOver } from '../split-pass.js';
import { DeferAgain } from './defer-again.js';

/** What became of a split. */
export interface CarefulSplit {
  readonly receipt: Receipt;
  readonly changed: ChangedRows;
  readonly times: SplitTimes;
}

export class CarefulSplits {
  readonly #client: pg.Client;
  readonly #deferral: DeferAgain;
  readonly #checked: string;
  readonly #assertGoing: () => void;
  #laneMemory: LaneMemory | undefined;
  #hasher: IHasher | undefined;

  /**
   * @param checked constraints that are checked after each split, as in SET CONSTRAINTS
   * @param assertGoing throws to end the load between two windows
   */
  constructor(client: pg.Client, checked: string, assertGoing: () => void) {
    this.#client = client;
    this.#checked = checked;
    this.#deferral = new DeferAgain(client);
    this.#assertGoing = assertGoing;
  }

  /**
   * Loads the splits of a file in their order.
   *
   * @param firstLine line of the file, from 1, at its first record
   * @param onLoaded gets the receipt of each
   */
  async load(
    splits: Iterable<PlannedSplit> | AsyncIterable<PlannedSplit>,
    firstLine: number,
    onLoaded: (split: PlannedSplit, loaded: CarefulSplit) => void,
  ): Promise<void> {
    let from: number | undefined;
    let line = firstLine;
    for await (const split of splits) {
      const { load, range, segment } = split;
      // Where the first record of a split begins is known after the previous split.
      const start = from === undefined || range.isExact ? range.from : from;
      if (start >= range.until) {
        split.release?.();
        continue;
      }
      const part = { load, range: { from: start, until: range.until, isExact: true }, segment };
      const loaded = await this.#run(part, line);
      const { receipt } = loaded;
      split.release?.();
      from = receipt.end;
      line += receipt.lineCount;
      onLoaded(split, loaded);
    }
  }

  async #run(part: SplitPart<LoadTask>, firstLine: number): Promise<CarefulSplit> {
    const clock = new SplitClock();
    this.#laneMemory ??= new LaneMemory(await compileAssembly('byte-lane'));
    this.#hasher ??= await createXXHash128();
    const { load } = part;
    const client = this.#client;
    const stage = stageFor(client, load, { checked: this.#checked });
    return passOver<CarefulSplit>(
      [part],
      {
        rejectsOf: (_, start) => new RejectLog(client, load.loadId, start),
        begin: async (pass) => {
          await this.#deferral.now();
          await stage.create();
          return new CarefulSink(stage, pass.rejects[0]!, laneRemarks(load.plan), (remarks) =>
            pass.uncount(remarks),
          );
        },
        conclude: async (pass, sink) => {
          clock.end('scan');
          const duplicate = await sink.settle((place) => pass.readRaw(place));
          await pass.rejects[0]!.flush();
          await stage.drop();
          const receipt = pass.receipts(duplicate)[0]!;
          const { changed } = stage;
          if (receipt.end > receipt.start) {
            await insertReceipts(client, [{ load, firstLine, receipt, changed }]);
          }
          clock.end('copy');
          return { receipt, changed, times: clock.times };
        },
      },
      { laneMemory: this.#laneMemory, hasher: this.#hasher, assertGoing: this.#assertGoing },
    );
  }
}
