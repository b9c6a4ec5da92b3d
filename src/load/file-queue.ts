/** The files of a run on their way to being claimed: in waves, each claimed in one go. */
import { type Claim, claimLoads, loadKey } from '../ledger/loads.js';
import type { Session } from '../postgres/session.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import { type InputFile, sizeOf } from '../source/discover.js';
import { isFileFault } from './file-results.js';
import { inWaves } from './groups.js';
import {
  type PreparedFile,
  prepareTarget,
  type Target,
  type TargetOptions,
} from './prepare-files.js';
import type { RunBook } from './run-book.js';
import type { TargetTables } from './target-tables.js';

/** A file that can be claimed: its table is there. */
export interface ReadyFile extends PreparedFile {
  readonly tableInCatalog: TableInCatalog;
}

export interface ClaimedLoad {
  readonly prepared: ReadyFile;
  readonly claim: Extract<Claim, { kind: 'claimed' }>;
}

/** What became of a wave. Files that are neither were settled in the run's book. */
export interface ClaimedWave {
  readonly claimed: readonly ClaimedLoad[];
  /** In the hands of another run, or of this one. */
  readonly busy: readonly Target[];
}

interface Wave extends ClaimedWave {
  readonly unclaimed: readonly {
    readonly file: ReadyFile;
    readonly claim: Exclude<Claim, { kind: 'busy' | 'claimed' }>;
  }[];
}

export interface QueueOptions extends TargetOptions {
  readonly processCount: number;
  readonly force: boolean;
}

export class FileQueue {
  readonly #session: Session;
  readonly #tables: TargetTables;
  readonly #book: RunBook;
  readonly #options: QueueOptions;
  /** Contents this run is loading now: its own lock would not keep it from claiming one twice. */
  readonly #inHand = new Set<string>();
  readonly #sizes = new Map<InputFile, number>();

  constructor(session: Session, tables: TargetTables, book: RunBook, options: QueueOptions) {
    this.#session = session;
    this.#tables = tables;
    this.#book = book;
    this.#options = options;
  }

  /** Looks up how large files are. @returns bytes of all of them */
  async measure(targets: readonly Target[]): Promise<number> {
    const sizes = await Promise.all(targets.map(async ({ file }) => await sizeOf(file)));
    for (const [i, { file }] of targets.entries()) this.#sizes.set(file, sizes[i]!);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Bytes of a file that was measured. */
  sizeOf({ file }: Target): number {
    return this.#sizes.get(file) ?? 0;
  }

  /**
   * Claims files in their order, a wave at a time: while the caller sends one wave on its way, the next is
   * claimed.
   *
   * @param isStopped whether nothing more is to be claimed
   */
  async *claim(targets: readonly Target[], isStopped: () => boolean): AsyncGenerator<ClaimedWave> {
    const waves = inWaves(targets, (target) => this.sizeOf(target), this.#options.processCount);
    const claimNext = (index: number) => {
      const wave = waves[index];
      const next = wave === undefined || isStopped() ? undefined : this.#claimWave(wave);
      // The caller meets its failure when it asks for the wave.
      next?.catch(() => {});
      return next;
    };
    let next = claimNext(0);
    for (let i = 1; next !== undefined; i++) {
      const { unclaimed, ...wave }: Wave = await next;
      next = claimNext(i);
      for (const { file, claim } of unclaimed) this.#book.settleUnclaimed(file, claim);
      yield wave;
    }
  }

  /** To be called once a load that was claimed has ended. */
  release({ prepared }: ClaimedLoad): void {
    this.#inHand.delete(loadKey(prepared.identity));
  }

  async #claimWave(targets: readonly Target[]): Promise<Wave> {
    const prepared = (
      await Promise.all(targets.map((target) => this.#prepareUnlessFaulty(target)))
    ).filter((file) => file !== undefined);
    // One after the other where a wave has the same content twice; so is one that is still in hand.
    const chosen = new Map<string, ReadyFile>();
    for (const file of prepared) {
      const key = loadKey(file.identity);
      if (!this.#inHand.has(key) && !chosen.has(key)) chosen.set(key, file);
    }
    for (const key of chosen.keys()) this.#inHand.add(key);
    const claims = await this.#claimContents([...chosen.values()]);
    const claimed: ClaimedLoad[] = [];
    const busy: Target[] = [];
    const unclaimed: Wave['unclaimed'][number][] = [];
    for (const file of prepared) {
      const claim = claims.get(file) ?? { kind: 'busy' };
      if (claim.kind === 'claimed') claimed.push({ prepared: file, claim });
      else if (claim.kind === 'busy') busy.push(file.target);
      else unclaimed.push({ file, claim });
    }
    return { claimed, busy, unclaimed };
  }

  async #claimContents(files: readonly ReadyFile[]): Promise<Map<ReadyFile, Claim>> {
    if (files.length === 0) return new Map();
    const identities = files.map(({ identity }) => identity);
    const claims = await this.#session.run((client) =>
      claimLoads(client, identities, this.#options.force),
    );
    for (const [i, { identity }] of files.entries()) {
      if (claims[i]!.kind !== 'claimed') this.#inHand.delete(loadKey(identity));
    }
    return new Map(files.map((file, i) => [file, claims[i]!]));
  }

  async #prepareUnlessFaulty(target: Target): Promise<ReadyFile | undefined> {
    try {
      const prepared = await prepareTarget(target, this.#options);
      return { ...prepared, tableInCatalog: await this.#tables.prepare(target.table) };
    } catch (error) {
      // One file's fault is no reason to give up the others; anything else is.
      if (!isFileFault(error)) throw error;
      this.#book.settleFault(target, error);
      return undefined;
    }
  }
}
