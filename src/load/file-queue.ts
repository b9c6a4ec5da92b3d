/** The queue of files to claim: in waves, each claimed together. */
import { loadKey } from '../ledger/load-key.js';
import { type Claim, claimLoads } from '../ledger/loads.js';
import { hasLaterLoad } from '../ledger/member-ends.js';
import type { Session } from '../postgres/session.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import { type InputFile, sizeOf } from '../source/discover.js';
import { isFileFault } from './file-results.js';
import { inWaves } from './groups.js';
import {
  fitToTable,
  type PreparedFile,
  prepareTarget,
  type Target,
  type TargetOptions,
} from './prepare-files.js';
import type { RunBook } from './run-book.js';
import type { TargetTables } from './target-tables.js';

/** A file that can be claimed, because its table exists. */
export interface ReadyFile extends PreparedFile {
  readonly tableInCatalog: TableInCatalog;
}

export interface ClaimedLoad {
  readonly prepared: ReadyFile;
  readonly claim: Extract<Claim, { kind: 'claimed' }>;
}

/** The result of a wave. All other files have their result in the run's book. */
export interface ClaimedWave {
  readonly claimed: readonly ClaimedLoad[];
  /** Being loaded by another run, or by this one. */
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
  /** Contents that this run is loading: its own lock would not prevent a second claim. */
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
   * Claims files in their order, a wave at a time: while the caller dispatches one wave, the next
   * is claimed.
   *
   * @param isStopped whether to claim no more files
   */
  async *claim(targets: readonly Target[], isStopped: () => boolean): AsyncGenerator<ClaimedWave> {
    const waves = inWaves(targets, (target) => this.sizeOf(target), this.#options.processCount);
    const claimNext = (index: number) => {
      const wave = waves[index];
      const next = wave === undefined || isStopped() ? undefined : this.#claimWave(wave);
      // The caller gets the error when it requests the wave.
      next?.catch(() => {});
      return next;
    };
    let next = claimNext(0);
    for (let i = 1; next !== undefined; i++) {
      const { unclaimed, ...wave }: Wave = await next;
      next = claimNext(i);
      for (const { file, claim } of unclaimed) {
        this.#book.settleUnclaimed(file, claim, await this.#isLastVersion(file, claim.loadId));
      }
      yield wave;
    }
  }

  /** The caller must call this when a claimed load has ended. */
  release({ prepared }: ClaimedLoad): void {
    this.#inHand.delete(loadKey(prepared.identity));
  }

  async #claimWave(targets: readonly Target[]): Promise<Wave> {
    const prepared = (
      await Promise.all(targets.map((target) => this.#prepareUnlessFaulty(target)))
    ).filter((file) => file !== undefined);
    // If a wave has the same content twice, or content that is being loaded, the files are claimed
    // one by one.
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

  /** Of a table with versions: whether no other load came behind one that is known. */
  async #isLastVersion({ tableInCatalog }: ReadyFile, loadId: number): Promise<boolean> {
    if (!tableInCatalog.hasVersions) return true;
    return !(await this.#session.run((client) => hasLaterLoad(client, loadId)));
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
      const located = await this.#tables.locate(target.table);
      this.#book.locate(target.table, located);
      const prepared = await prepareTarget(target, this.#options, located.place);
      const tableInCatalog = await this.#tables.prepare(target.table);
      return { ...fitToTable(prepared, tableInCatalog), tableInCatalog };
    } catch (error) {
      // A fault of one file must not stop the others; any other error must.
      if (!isFileFault(error)) throw error;
      this.#book.settleFault(target, error);
      return undefined;
    }
  }
}
