/** One report as a page that needs nothing else: chart, table, all rows as a CSV, and where they come from. */
import type { ChartSpec } from '../chart/chart-line.js';
import type { Chart } from '../chart/draw-chart.js';
import { type AboutReport, momentText, type SourceRelation } from './about-report.js';
import { escapeHtml } from './escape-html.js';
import { figureOf } from './page-chart.js';
import { wholePage } from './page-style.js';
import { tableOf } from './page-table.js';

/** From so many columns on, paper takes a table across. */
const MANY_COLUMNS = 10;
/** So many do not fit, unless words are broken anywhere. */
const CROWD_OF_COLUMNS = 18;

export interface PageParts {
  readonly about: AboutReport;
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[];
  readonly rows: number;
  readonly firstRows: readonly (readonly (string | null)[])[];
  /** All rows, or the first ones. */
  readonly csv: { readonly bytes: Uint8Array; readonly rows: number };
  readonly chart?: { readonly drawn: Chart; readonly spec: ChartSpec } | undefined;
  readonly sources: readonly SourceRelation[];
}

export function reportPage(parts: PageParts): string {
  const { about, chart } = parts;
  const body = [
    `<header>
<h1>${escapeHtml(about.title)}</h1>
${about.description === '' ? '' : `<p>${escapeHtml(about.description)}</p>\n`}${facts(parts)}
</header>`,
    chart === undefined ? '' : figureOf(chart.drawn, captionOf(chart.spec)),
    rowsOf(parts),
    sourcesOf(parts.sources),
    `<footer class="quiet"><p>Made by edp generate-report ${escapeHtml(about.name)}. Times are in UTC unless a column says otherwise.</p></footer>`,
  ];
  return wholePage(escapeHtml(about.title), body.filter((part) => part !== '').join('\n'));
}

function facts({ about, rows }: PageParts): string {
  const entries: (readonly [string, string])[] = [
    ['rows', count(rows)],
    ['made', momentText(about.madeAt)],
    ...about.parameters.map(({ name, value }) => [name, value ?? 'not set'] as const),
  ];
  const items = entries.map(
    ([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="facts">${items.join('')}</dl>`;
}

function captionOf({ mark, x, y, by, panels, value, per }: ChartSpec): string {
  const what = mark === 'heatmap' ? value! : y.length === 0 ? 'Number of rows' : y.join(', ');
  const along = mark === 'heatmap' ? `${x} and ${y[0]}` : x!;
  const series = by === undefined ? '' : `, for each ${by}`;
  const each = panels === undefined ? '' : `, for each ${panels}, each with its own scale`;
  return `${what} by ${along}${per === undefined || per === 'fit' ? '' : `, per ${per}`}${series}${each}`;
}

function rowsOf({ about, columns, rows, firstRows, csv }: PageParts): string {
  if (rows === 0) return '<h2>Rows</h2>\n<p>The report has no rows.</p>';
  const shown =
    firstRows.length < rows
      ? `The first ${count(firstRows.length)} of ${count(rows)} rows`
      : 'All rows';
  const whole =
    csv.rows === rows
      ? rows === 1
        ? 'the row'
        : `all ${count(rows)} rows`
      : `the first ${count(csv.rows)} rows`;
  const encoded = Buffer.from(csv.bytes).toString('base64');
  const link = `<a download="${escapeHtml(about.name)}.csv" href="data:text/csv;charset=utf-8;base64,${encoded}">Save ${whole} as CSV</a>`;
  const more =
    csv.rows === rows
      ? 'they are inside this page, so nothing is loaded.'
      : `the page holds no more; <code>edp generate-report ${escapeHtml(about.name)}</code> writes them all.`;
  return `<section${widthClass(columns.length)}>
<h2>${shown}</h2>
<p class="quiet screen">${link}: ${more}</p>
${tableOf(columns, firstRows, shown)}
</section>`;
}

export function widthClass(columns: number): string {
  if (columns < MANY_COLUMNS) return '';
  return columns < CROWD_OF_COLUMNS ? ' class="many"' : ' class="many crowd"';
}

function sourcesOf(sources: readonly SourceRelation[]): string {
  if (sources.length === 0) return '';
  const rows = sources.map(({ name, kind, lastChange }) => {
    const by =
      lastChange === undefined
        ? unknownChange(name)
        : `${lastChange.by} ${lastChange.id}: ${lastChange.what}`;
    const at = lastChange?.at ?? (lastChange === undefined ? '' : 'not finished');
    return `<tr><th scope="row">${escapeHtml(name)}</th><td>${kind}</td><td>${escapeHtml(by)}</td><td class="t">${escapeHtml(at)}</td></tr>`;
  });
  return `<h2>Where the rows come from</h2>
<div class="scroll" role="region" aria-label="Where the rows come from" tabindex="0">
<table>
<thead><tr><th scope="col">relation</th><th scope="col">kind</th><th scope="col">last changed by</th><th scope="col">finished</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</div>`;
}

function unknownChange(relation: string): string {
  return relation.startsWith('edp.') ? 'edp itself' : 'not known';
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
