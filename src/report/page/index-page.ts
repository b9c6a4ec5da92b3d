/** The page that leads to all reports of a folder. */
import { momentText } from './about-report.js';
import { escapeHtml } from './escape-html.js';
import { wholePage } from './page-style.js';

export interface IndexEntry {
  readonly title: string;
  readonly description: string;
  /** Name of the file beside the index. */
  readonly file: string;
  readonly rows: number;
  /** A small chart as SVG, if the report has one. */
  readonly chart: string | undefined;
}

/** A report that is not there, with the reason. */
export interface MissingEntry {
  readonly title: string;
  readonly reason: string;
}

export interface IndexParts {
  readonly madeAt: Date;
  readonly written: readonly IndexEntry[];
  readonly skipped: readonly MissingEntry[];
  readonly failed: readonly MissingEntry[];
}

export function indexPage({ madeAt, written, skipped, failed }: IndexParts): string {
  const day = momentText(madeAt).slice(0, 10);
  const count = `${written.length} ${written.length === 1 ? 'report' : 'reports'}`;
  return wholePage(
    `Reports of ${day}`,
    [
      `<header>
<h1>Reports of ${day}</h1>
<p class="quiet">${count}, made ${momentText(madeAt)}</p>
</header>`,
      missing('Failed', failed),
      `<ul class="cards">\n${written.map(cardOf).join('\n')}\n</ul>`,
      missing('Not written', skipped),
    ]
      .filter((part) => part !== '')
      .join('\n'),
  );
}

function cardOf({ title, description, file, rows, chart }: IndexEntry): string {
  const figure = chart === undefined ? '' : `\n<figure>${chart}</figure>`;
  return `<li>
<h2><a href="${escapeHtml(encodeURIComponent(file))}">${escapeHtml(title)}</a></h2>
<p>${escapeHtml(description)}</p>
<p class="count">${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}</p>${figure}
</li>`;
}

function missing(heading: string, entries: readonly MissingEntry[]): string {
  if (entries.length === 0) return '';
  const items = entries.map(
    ({ title, reason }) => `<li>${escapeHtml(title)}: ${escapeHtml(reason)}</li>`,
  );
  return `<h2>${heading}</h2>\n<ul class="quiet">\n${items.join('\n')}\n</ul>`;
}
