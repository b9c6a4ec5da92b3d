/** All that the page says of one table. */
import { schemaPath } from '../../../events/change-event.js';
import { addedColumns, SEQUENCE_COLUMN } from '../../../model/event-columns.js';
import { historyName } from '../../../model/realized-model.js';
import { escapeHtml } from '../../../report/page/escape-html.js';
import type { CatalogueTable } from '../../catalogue.js';
import { columnRow, type LinkTo, linesOf, notesOf } from './column-row.js';
import { neighbourPicture } from './neighbour-picture.js';
import type { Link, PageTable } from './table-graph.js';

export function tableSection(
  own: PageTable,
  linkTo: LinkTo,
  anchorOf: (table: string) => string | undefined,
): string {
  const { table, anchor } = own;
  const { name, description, owner, tags, version } = table;
  const rows = table.columns.map((column) => columnRow(own, column, linkTo));
  return `<section id="${anchor}" class="t"><h2><a href="#${anchor}">${escapeHtml(name)}</a> <span class="mark">v${version}</span></h2>
${description === undefined ? '' : `<p class="about">${linesOf(description)}</p>`}${notesOf({ owner, tags }).join('')}
<dl>${factsOf(own, linkTo).join('')}</dl>
${neighbourPicture(own, anchorOf)}
<div class="scroll" tabindex="0" role="group" aria-label="Columns of ${escapeHtml(name)}"><table><thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">About</th><th scope="col">Comes from</th><th scope="col">Feeds</th></tr></thead><tbody>
${[...rows, ...addedRows(table)].join('\n')}
</tbody></table></div></section>`;
}

/** Columns that edp fills itself. */
function addedRows(table: CatalogueTable): string[] {
  const [created, updated] = table.timestamps ?? [];
  const about = new Map<string | false | undefined, string>([
    [created, 'Time of the create.'],
    [updated, 'Time of the last event.'],
    [table.softDelete, 'Time of the delete; empty while the row is there.'],
    [SEQUENCE_COLUMN, 'Sequence of the last event.'],
  ]);
  return addedColumns(table).map(
    ({ name, type }) =>
      `<tr class="added"><th scope="row">${escapeHtml(name)}</th><td><code>${type}</code></td><td>${about.get(name)!}</td><td>edp realize</td><td></td></tr>`,
  );
}

function factsOf({ table, refersTo, referredBy }: PageTable, linkTo: LinkTo): string[] {
  const { captured, readers, softDelete, hasHistory, indexes, published } = table;
  const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
  const fact = (word: string, html: string) =>
    html === '' ? [] : [`<div><dt>${word}</dt><dd>${html}</dd></div>`];
  const links = (list: readonly Link[]) =>
    [...new Set(list.map((link) => link.table))].map(linkTo).join(', ');
  return [
    ...fact('Key', table.key.map(code).join(', ')),
    ...fact(
      'Source',
      captured === undefined
        ? ''
        : `${escapeHtml(captured.source)}: ${code(captured.from)}${captured.where === undefined ? '' : ` where ${code(captured.where)}`}`,
    ),
    ...fact('Refers to', links(refersTo)),
    ...fact('Referred to by', links(referredBy)),
    ...fact(
      'Read by',
      (readers ?? []).map(({ task, kind }) => `${code(task)} (${escapeHtml(kind)})`).join(', '),
    ),
    ...fact('Deleted rows', softDelete === false ? 'go' : `have ${code(softDelete)}`),
    ...fact('History', hasHistory ? code(historyName(table.name)) : ''),
    ...fact('Indexes', indexes.map((columns) => code(columns.join(', '))).join('; ')),
    ...fact('Versions', versionsOf(table)),
    ...fact(
      'Published',
      published.map((version) => code(schemaPath(table.name, version))).join(', '),
    ),
  ];
}

/** What lifts events of older versions. */
function versionsOf({ version, migrations }: CatalogueTable): string {
  const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
  const steps = Object.entries(migrations).map(
    ([to, { rename = {}, default: added = {}, drop = [] }]) => {
      const parts = [
        ...Object.entries(rename).map(([old, name]) => `${code(old)} becomes ${code(name)}`),
        ...Object.entries(added).map(
          ([name, value]) => `${code(name)} is ${code(JSON.stringify(value))} before`,
        ),
        ...drop.map((name) => `${code(name)} goes`),
      ];
      return `<li>v${to}: ${parts.join('; ')}</li>`;
    },
  );
  return steps.length === 0 ? `v${version}` : `v${version}<ul>${steps.join('')}</ul>`;
}
