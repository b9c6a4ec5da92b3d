/** Databases in which a warehouse is made: with raw tables alone, made, and made before more rows came. */
import type pg from 'pg';
import type { Contender } from '../contenders/contender.js';
import type { Dataset } from '../datasets/dataset.js';
import { launchApart } from '../measure/launch.js';
import { CLI } from '../repository.js';
import { type LoadTarget, type Making, NO_ROWS } from '../tables.js';
import type { Workbench } from '../workbench.js';
import { describeRows, type Story, type StoryFiles, writeFiles } from './story.js';

/** Where a contender makes each step, and of which rows. */
export type Steps = Readonly<
  Record<Making['step'], { readonly target: LoadTarget; readonly dataset: Dataset }>
>;

export class StoryTargets {
  readonly #bench: Workbench;
  readonly #story: Story;
  readonly #files: StoryFiles;
  readonly #project: string;
  readonly #rows: { readonly first: Dataset; readonly change: Dataset };
  /** What the raw tables of a template give. */
  readonly #expected = new Map<string, string>();

  private constructor(
    bench: Workbench,
    story: Story,
    files: StoryFiles,
    project: string,
    rows: { readonly first: Dataset; readonly change: Dataset },
  ) {
    this.#bench = bench;
    this.#story = story;
    this.#files = files;
    this.#project = project;
    this.#rows = rows;
  }

  /** Writes the files of the story, and loads the first of them. */
  static async prepare(bench: Workbench, story: Story): Promise<StoryTargets> {
    const { name, title, rows, changedRows } = story;
    const project = await bench.project(name, story.project);
    const files = await bench.once(`files of ${name}`, () =>
      writeFiles(bench.server, bench.data, story),
    );
    const first = await bench.dataset(name, title, () =>
      describeRows(name, title, rows, files.first.at(-1)!.file),
    );
    const more = `${title}: ${story.changeTitle}`;
    const change = await bench.dataset(`${name} changed`, more, () =>
      describeRows(`${name}_changed`, more, changedRows, files.change.file),
    );
    const targets = new StoryTargets(bench, story, files, project, { first, change });
    await bench.once(`raw tables of ${name}`, () => targets.#makeRaw());
    return targets;
  }

  /** @param maker makes what is there before a change, and before a run with nothing to do */
  of(maker: Contender): Steps {
    const { from, until, untilChanged } = this.#story;
    const raw = `bench_${this.#story.name}`;
    const made = `${raw}_${maker.name.replaceAll('-', '_')}`;
    const changed = `${made}_changed`;
    const target = (template: string, making: Omit<Making, 'assertMade'>): LoadTarget => ({
      template,
      table: this.#story.name,
      project: this.#project,
      existing: NO_ROWS,
      making: {
        ...making,
        assertMade: (client) =>
          this.#assertMade(client, making.step === 'change' ? 'change' : 'first'),
      },
    });
    const { first, change } = this.#rows;
    const build = target(raw, { step: 'build', from, until, ready: async () => {} });
    const beMade = () => this.#bench.once(made, () => this.#keepMade(maker, build, made));
    const beChanged = () => this.#bench.once(changed, () => this.#keepChanged(made, changed));
    return {
      build: { dataset: first, target: build },
      nothing: {
        dataset: { ...first, rows: 0 },
        target: target(made, { step: 'nothing', from, until, ready: beMade }),
      },
      change: {
        dataset: change,
        target: target(changed, {
          step: 'change',
          from: until,
          until: untilChanged,
          async ready() {
            await beMade();
            await beChanged();
          },
        }),
      },
    };
  }

  async #makeRaw(): Promise<void> {
    const { server } = this.#bench;
    const name = `bench_${this.#story.name}`;
    await server.createTemplate(name, async () => {
      const { url } = server.describe(name);
      for (const { table, file } of this.#files.first) await this.#ingest(url, table, file);
    });
  }

  async #keepMade(maker: Contender, { template, ...target }: LoadTarget, made: string) {
    const { server, settings } = this.#bench;
    const database = await server.createRunDatabase(template);
    await maker.load({
      dataset: this.#rows.first,
      target: { template, ...target },
      database,
      settings,
      launch: launchApart,
    });
    await server.keepRunDatabase(made);
  }

  async #keepChanged(made: string, changed: string): Promise<void> {
    const { server } = this.#bench;
    const { url } = await server.createRunDatabase(made);
    await this.#ingest(url, this.#files.change.table, this.#files.change.file);
    await server.keepRunDatabase(changed);
  }

  /** By edp for all contenders, so that the rows have loads. */
  async #ingest(url: string, table: string, file: string): Promise<void> {
    await launchApart({
      command: process.execPath,
      args: [CLI, 'ingest', file, '--table', table, '--json'],
      cwd: this.#project,
      environment: { DATABASE_URL: url },
    });
  }

  /** @param state which rows the raw tables have */
  async #assertMade(client: pg.Client, state: string): Promise<void> {
    const read = async (sql: string) =>
      JSON.stringify((await client.query({ text: sql, rowMode: 'array' })).rows);
    const expected = this.#expected.get(state) ?? (await read(this.#story.expected));
    this.#expected.set(state, expected);
    const made = await read(this.#story.made);
    if (made !== expected) {
      throw new Error(`${this.#story.name}: there is ${made}, and should be ${expected}`);
    }
  }
}
