/** `edp sample`: what views answer. */
import { EdpError, EXIT } from '../base/errors.js';
import { listNames, suggest } from '../base/nearest.js';
import type { ViewTask } from '../model/warehouse/task.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { withDatabase } from '../postgres/database.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { formatNumber, type Output, safeText } from '../terminal/output.js';
import { sampleView, type ViewSample } from '../warehouse/sample-view.js';
import type { Command } from './command.js';
import { DEFAULT_ROWS, OPTION_NAMES } from './sample.help.js';
import { exactJson } from './shared/check-lines.js';

export const command: Command = {
  async run({ given, project, output }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const limit = given.limit === undefined ? DEFAULT_ROWS : options.limit;
    const { warehouse, directory } = await loadWarehouse(project.directory);
    const all = warehouse.tasks.filter((task) => task.kind === 'view');
    const views = select(all, given.views as string[]);
    const where = { databaseUrl: options.databaseUrl, directory };
    const samples = await withDatabase(where, (database) =>
      withClient(database.client, 'sample', async (client) => {
        const found: { view: ViewTask; sample: ViewSample }[] = [];
        for (const view of views) {
          found.push({ view, sample: await sampleView(client, view, limit) });
        }
        return found;
      }),
    );
    if (all.length === 0) output.line('edp.yaml declares no views');
    for (const { view, sample } of samples) print(output, view, sample);
    output.result({
      command: 'sample',
      ok: true,
      views: samples.map(({ view, sample }) => ({
        view: view.name,
        title: view.title ?? null,
        question: view.question ?? null,
        columns: sample.columns,
        rows: sample.rows.map(exactJson),
      })),
    });
    return EXIT.done;
  },
};

function select(views: readonly ViewTask[], wanted: readonly string[]): readonly ViewTask[] {
  if (wanted.length === 0) return views;
  const bare = ({ name }: ViewTask) => name.slice(name.indexOf('.') + 1);
  for (const name of wanted) {
    if (views.some((view) => view.name === name || bare(view) === name)) continue;
    const names = views.map((view) => view.name);
    throw new EdpError('unknown_task', `edp.yaml declares no view ${JSON.stringify(name)}`, {
      hint: suggest(
        name,
        [...names, ...views.map(bare)],
        names.length === 0 ? 'it declares none' : `the views are ${listNames(names)}`,
      ),
    });
  }
  return views.filter((view) => wanted.includes(view.name) || wanted.includes(bare(view)));
}

function print(
  output: Output<never>,
  view: ViewTask,
  { columns, texts, hasMore }: ViewSample,
): void {
  const question = view.question ?? view.title;
  output.line(question === undefined ? view.name : `${view.name}: ${safeText(question)}`);
  if (texts.length === 0) output.line('no rows');
  else {
    output.table(
      columns.map(safeText),
      texts.map((row) => row.map((value) => safeText(value ?? ''))),
    );
  }
  if (hasMore) output.line(`the first ${formatNumber(texts.length, 'row')}; --limit shows more`);
  output.line();
}
