/** The whole page: what it holds is all that it needs. */
import { createHash } from 'node:crypto';
import { GENERATED } from '../../../events/event-schema.js';
import { escapeHtml } from '../../../report/page/escape-html.js';
import type { Catalogue } from '../../catalogue.js';
import { PAGE_SCRIPT } from './page-script.js';
import { referenceMap } from './reference-map.js';
import { type PageTable, toPageTables } from './table-graph.js';
import { tableSection } from './table-section.js';
import { PAGE_STYLE } from './tables-style.js';

export function tablesPage(catalogue: Catalogue): string {
  const tables = toPageTables(catalogue);
  const anchors = new Map(tables.map(({ table, anchor }) => [table.name, anchor]));
  const anchorOf = (name: string) => anchors.get(name);
  const linkTo = (name: string) => {
    const anchor = anchorOf(name);
    const text = escapeHtml(name);
    return anchor === undefined ? `<code>${text}</code>` : `<a href="#${anchor}">${text}</a>`;
  };
  const sections = tables.map((one) => tableSection(one, linkTo, anchorOf));
  return `<!doctype html>
<!-- ${GENERATED} -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="edp">
<title>Tables</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<a class="skip" href="#_tables">To the tables</a>
<aside>
<header><strong>Tables</strong><button id="_theme" type="button" hidden>Dark</button></header>
<div id="_search" hidden><input id="_q" type="search" placeholder="Search (press /)" aria-label="Search tables, columns, comments, owners" autocomplete="off" spellcheck="false"><output id="_found" for="_q"></output></div>
<nav aria-label="Tables"><ul id="_nav">
${tables.map(navEntry).join('\n')}
</ul></nav>
</aside>
<main id="_tables">
<header id="_top"><h1>Tables</h1><p class="quiet">${summaryOf(tables)}</p>${ownersOf(tables)}</header>
${referenceMap(tables)}
${sections.join('\n')}
${othersOf(catalogue)}
</main>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');

/** Nothing is loaded or sent. */
const POLICY = `default-src 'none'; style-src 'sha256-${hashOf(PAGE_STYLE)}'; script-src 'sha256-${hashOf(PAGE_SCRIPT)}'; base-uri 'none'; form-action 'none'`;

function navEntry({ table, anchor }: PageTable): string {
  return `<li><a href="#${anchor}">${escapeHtml(table.name)}</a></li>`;
}

function summaryOf(tables: readonly PageTable[]): string {
  const count = (number: number, word: string) =>
    `${number.toLocaleString('en-US')} ${word}${number === 1 ? '' : 's'}`;
  const columns = tables.reduce((sum, { table }) => sum + table.columns.length, 0);
  const references = tables.reduce((sum, { refersTo }) => sum + refersTo.length, 0);
  return [
    count(tables.length, 'table'),
    count(columns, 'column'),
    count(references, 'reference'),
  ].join(', ');
}

/** Who owns tables, or columns of them: a click searches. */
function ownersOf(tables: readonly PageTable[]): string {
  const owned = new Map<string, number>();
  for (const { table } of tables) {
    const own = new Set([table.owner, ...table.columns.map(({ owner }) => owner)]);
    for (const owner of own) {
      if (owner !== undefined) owned.set(owner, (owned.get(owner) ?? 0) + 1);
    }
  }
  if (owned.size === 0) return '';
  const items = [...owned]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([owner, count]) =>
        `<button type="button" class="mark" data-q="${escapeHtml(`owner: ${owner}`)}">${escapeHtml(owner)} ${count}</button>`,
    );
  return `<p class="owners"><span class="quiet">Owners</span> ${items.join(' ')}</p>`;
}

function othersOf({ others }: Catalogue): string {
  if (others.length === 0) return '';
  const items = others.map(
    ({ table, why }) => `<li><code>${escapeHtml(table)}</code>: ${escapeHtml(why)}</li>`,
  );
  return `<section id="_others"><h2>Not on this page</h2><p class="quiet">Tables of edp.yaml that no change event can be about.</p><ul>${items.join('')}</ul></section>`;
}
