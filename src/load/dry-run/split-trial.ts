/** Loads splits the careful way, in a transaction that will be rolled back. */
import type pg from 'pg';
import { compileAssembly } from '../../base/assembly.js';
import { laneRemarks } from '../../lanes/corrected-fields.js';
import { LaneMemory } from '../../lanes/lane-memory.js';
import type { RowSink } from '../../lanes/row-sink.js';
import type { Receipt } from '../../ledger/counts.js';
import type { LoadRules, SplitPart } from '../messages.js';
import { DeferAgain } from '../replace/defer-again.js';
import { CarefulSink } from '../sinks/careful-sink.js';
import { stageFor } from '../sinks/stage-for.js';
import type { StagingTable } from '../sinks/staging-table.js';
import { passOver, type SplitPass } from '../split-pass.js';
import { type RejectSummary, TriedRejects } from './dry-run-rejects.js';

export class SplitTrial {
  readonly #client: pg.Client;
  readonly #deferral: DeferAgain;
  readonly #summary: RejectSummary;
  readonly #assertGoing: () => void;
  #laneMemory: LaneMemory | undefined;
  /** The existing staging table, and what it was created for. */
  #staged: { readonly stage: StagingTable; readonly signature: string } | undefined;

  /** Constraints that are checked after each split, as in SET CONSTRAINTS. */
  checked = 'ALL';

  /** @param assertGoing throws to end the trial between two windows */
  constructor(client: pg.Client, summary: RejectSummary, assertGoing: () => void) {
    this.#client = client;
    this.#deferral = new DeferAgain(client);
    this.#summary = summary;
    this.#assertGoing = assertGoing;
  }

  /**
   * @param name name of the file, for its rejects
   * @param firstLine line of the file, from 1, at the start of the split
   */
  async run(part: SplitPart<LoadRules>, name: string, firstLine: number): Promise<Receipt> {
    this.#laneMemory ??= new LaneMemory(await compileAssembly('byte-lane'));
    const { load } = part;
    const rejects = new TriedRejects(this.#client, this.#summary);
    const begin = async (pass: SplitPass): Promise<RowSink> => {
      const stage = await this.#prepareStage(load);
      return new CarefulSink(stage, rejects, laneRemarks(load.plan), (remarks) =>
        pass.uncount(remarks),
      );
    };
    const conclude = async (pass: SplitPass, sink: RowSink): Promise<Receipt> => {
      const isShown = this.#summary.room > 0;
      const duplicate = await sink.settle(async (place) =>
        isShown ? pass.readRaw(place) : Buffer.alloc(0),
      );
      await rejects.finish(name, firstLine);
      await this.#deferral.now();
      return pass.receipts(duplicate)[0]!;
    };
    return passOver(
      [part],
      { rejectsOf: () => rejects, begin, conclude },
      { laneMemory: this.#laneMemory, assertGoing: this.#assertGoing },
    );
  }

  /** Reuses the staging table, because each new table of a transaction is locked until its end. */
  async #prepareStage(load: LoadRules): Promise<StagingTable> {
    const stage = stageFor(this.#client, load, { checked: this.checked });
    const signature = JSON.stringify([load.target.table, load.plan.columns]);
    if (this.#staged?.signature === signature) {
      await stage.clear();
    } else {
      await this.#staged?.stage.drop();
      await stage.create();
    }
    this.#staged = { stage, signature };
    return stage;
  }
}
