/**
 * What all workloads share while the benchmark runs: a directory, a server, datasets and tables, each made
 * when the first workload asks for it. All of it is gone afterwards.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../src/base/alive.js';
import type { ContenderSettings } from './contenders/contender.js';
import type { Dataset } from './datasets/dataset.js';
import { cutEvents, EVENT_COLUMNS, makeEvents } from './datasets/events.js';
import { type MetricsForm, writeJsonLines } from './datasets/json-lines.js';
import { packDataset } from './datasets/packed.js';
import { addReference } from './datasets/reference.js';
import { makeReviews, REVIEWS_PROJECT, REVIEWS_TABLE } from './datasets/reviews.js';
import type { BenchOptions } from './options.js';
import { Server } from './server.js';
import {
  BARE_EVENTS,
  copyCsv,
  createTables,
  type LoadTarget,
  makeProject,
  NO_ROWS,
  readTotals,
} from './tables.js';

/** Rows of the dataset that most workloads load, at scale 1. */
const EVENT_ROWS = 4_000_000;

/** Text-heavy data, at scale 1. */
const REVIEW_BYTES = 1_000_000_000;

/** Ids of loaded events begin here, those of events that were there before at 1. */
const FIRST_LOADED_ID = 100_000_001;

/** Every dataset has a seed of its own. */
const SEED = { main: 1, existing: 2, sample: 3, small: 4, large: 5, reviews: 6 } as const;

const EVENTS = 'events';

export class Workbench {
  readonly server: Server;
  readonly settings: ContenderSettings;
  readonly #directory: string;
  readonly #scale: number;
  readonly #say: (text: string) => void;
  readonly #made = new Map<string, Promise<unknown>>();
  /** All that were made, for the report. */
  readonly datasets: Dataset[] = [];

  private constructor(
    server: Server,
    directory: string,
    options: BenchOptions,
    say: (text: string) => void,
  ) {
    this.server = server;
    this.#directory = directory;
    this.#scale = options.scale;
    this.#say = say;
    const { processCount, givenProcessCount, python } = options;
    const scratch = path.join(directory, 'scratch');
    this.settings = { processCount, givenProcessCount, python, scratch };
  }

  /** Runs `work` with a server and a directory that are gone afterwards, come what may. */
  static async with<T>(
    options: BenchOptions,
    say: (text: string) => void,
    work: (bench: Workbench) => Promise<T>,
  ): Promise<T> {
    await clearLeftovers(options.directory);
    const directory = path.join(options.directory, `bench-${process.pid}`);
    await mkdir(directory, { recursive: true });
    try {
      const server = await Server.start(directory);
      try {
        return await work(new Workbench(server, directory, options, say));
      } finally {
        await server.stop();
      }
    } finally {
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** `count` at scale 1. */
  scaled(count: number): number {
    return Math.max(1, Math.round(count * this.#scale));
  }

  /** The events of workload A: 4 million, one file. */
  events(): Promise<Dataset> {
    return this.dataset('events', 'events to load', async () =>
      this.#withReference(
        await makeEvents(this.data, {
          rows: this.scaled(EVENT_ROWS),
          firstId: FIRST_LOADED_ID,
          seed: SEED.main,
          hasFlatFile: true,
        }),
      ),
    );
  }

  /** As many events as those, with lower ids. */
  earlierEvents(): Promise<Dataset> {
    return makeEvents(this.data, {
      rows: this.scaled(EVENT_ROWS),
      firstId: 1,
      seed: SEED.existing,
      hasFlatFile: false,
    });
  }

  /** The same records in so many files. */
  eventsInFiles(count: number): Promise<Dataset> {
    return this.dataset(`events in ${count}`, `the events in ${count} files`, async () =>
      cutEvents(await this.events(), count),
    );
  }

  /** The same file, packed. */
  packedEvents(): Promise<Dataset> {
    return this.dataset('packed events', 'the events packed by gzip', async () =>
      packDataset(await this.events()),
    );
  }

  /** The same records as lines of JSON. */
  eventsAsJsonLines(form: MetricsForm): Promise<Dataset> {
    return this.dataset(`events as ${form}`, `the events as JSON, metrics as ${form}`, async () =>
      writeJsonLines(await this.events(), form),
    );
  }

  /** Fewer events, for contenders that would take minutes. @param share of those of workload A */
  sampleEvents(share: number): Promise<Dataset> {
    return this.dataset('sample', 'a sample for slow contenders', async () =>
      this.#withReference(
        await makeEvents(this.data, {
          rows: this.scaled(EVENT_ROWS * share),
          firstId: FIRST_LOADED_ID,
          seed: SEED.sample,
          hasFlatFile: true,
        }),
      ),
    );
  }

  /** As many events as asked for, nested only. */
  manyEvents(which: 'small' | 'large', rows: number): Promise<Dataset> {
    return this.dataset(which, `${this.scaled(rows).toLocaleString('en')} events`, () =>
      makeEvents(this.data, {
        rows: this.scaled(rows),
        firstId: FIRST_LOADED_ID,
        seed: SEED[which],
        hasFlatFile: false,
      }),
    );
  }

  /** The text-heavy file. */
  reviews(): Promise<Dataset> {
    return this.dataset('reviews', 'text-heavy records', async () =>
      addReference(
        this.server,
        await makeReviews(this.data, this.scaled(REVIEW_BYTES), SEED.reviews),
        await this.project('reviews', REVIEWS_PROJECT),
        REVIEWS_TABLE,
        this.settings.processCount,
      ),
    );
  }

  /** Events without key, index or reference. */
  bareTable(): Promise<LoadTarget> {
    return this.once('bare table', async () => {
      const project = await this.project('bare', BARE_EVENTS);
      await this.server.createTemplate('bench_bare', async (client) => {
        await createTables(client, project, EVENTS);
      });
      return { template: 'bench_bare', table: EVENTS, project, existing: NO_ROWS };
    });
  }

  /** The platform's own tables: key, index, foreign keys; dimensions are there, events are not. */
  modelTable(): Promise<LoadTarget> {
    return this.once('model table', async () => {
      const project = await this.project('model', undefined);
      await this.events();
      await this.server.createTemplate('bench_model', async (client) => {
        await createTables(client, project, EVENTS);
        for (const [table, columns] of Object.entries(DIMENSION_COLUMNS)) {
          await copyCsv(client, table, columns, path.join(this.data, `${table}.csv`));
        }
      });
      return { template: 'bench_model', table: EVENTS, project, existing: NO_ROWS };
    });
  }

  /** The same with as many events in it as will be loaded. */
  filledModelTable(): Promise<LoadTarget> {
    return this.once('filled model table', async () => {
      const { project } = await this.modelTable();
      this.#say('making a table that holds events already');
      const dataset = await makeEvents(this.data, {
        rows: this.scaled(EVENT_ROWS),
        firstId: 1,
        seed: SEED.existing,
        hasFlatFile: true,
      });
      let existing = NO_ROWS;
      await this.server.createTemplate('bench_filled', async (client) => {
        await createTables(client, project, EVENTS);
        for (const [table, columns] of Object.entries(DIMENSION_COLUMNS)) {
          await copyCsv(client, table, columns, path.join(this.data, `${table}.csv`));
        }
        // The dimensions are the generator's own, so that nothing is skipped that would be found.
        await client.query("SET session_replication_role = 'replica'");
        await copyCsv(client, EVENTS, EVENT_COLUMNS, dataset.flat!.path);
        await client.query('RESET session_replication_role');
        existing = await readTotals(client, EVENTS, dataset, true);
      });
      for (const file of [...dataset.files, dataset.flat!.path]) await rm(file);
      return { template: 'bench_filled', table: EVENTS, project, existing };
    });
  }

  /** A table for the text-heavy file, without constraints. */
  reviewsTable(): Promise<LoadTarget> {
    return this.once('reviews table', async () => {
      const project = await this.project('reviews', REVIEWS_PROJECT);
      await this.server.createTemplate('bench_reviews', async (client) => {
        await createTables(client, project, REVIEWS_TABLE);
      });
      return { template: 'bench_reviews', table: REVIEWS_TABLE, project, existing: NO_ROWS };
    });
  }

  /** For files of data, and what belongs to them. */
  get data(): string {
    return path.join(this.#directory, 'data');
  }

  /** A directory of a project. @param text of its edp.yaml; none for the built-in model */
  project(name: string, text: string | undefined): Promise<string> {
    return makeProject(path.join(this.#directory, 'projects', name), text);
  }

  async #withReference(dataset: Dataset): Promise<Dataset> {
    const project = await this.project('bare', BARE_EVENTS);
    return addReference(this.server, dataset, project, EVENTS, this.settings.processCount);
  }

  /** A dataset, made when it is asked for the first time. @param what for the terminal */
  dataset(key: string, what: string, make: () => Promise<Dataset>): Promise<Dataset> {
    return this.once(key, async () => {
      this.#say(`making ${what}`);
      const dataset = await make();
      this.datasets.push(dataset);
      return dataset;
    });
  }

  once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const made = (this.#made.get(key) as Promise<T> | undefined) ?? make();
    this.#made.set(key, made);
    return made;
  }
}

const DIMENSION_COLUMNS = {
  first_dimensions: ['id', 'name'],
  second_dimensions: ['id', 'name', 'first_dimension_id'],
} as const;

/** A benchmark that was killed leaves its directory, and its server running. */
async function clearLeftovers(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const pid = Number(/^bench-(\d+)$/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isAlive(pid)) continue;
    const directory = path.join(parent, name);
    await Server.stop(directory).catch(() => {});
    await rm(directory, { recursive: true, force: true });
  }
}
