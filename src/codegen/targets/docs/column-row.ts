/** A column as a row of its table: what it is, where it comes from, and what is made of it. */

import type { CapturedColumn } from '../../../model/capture.js';
import type { Corrections } from '../../../model/corrections.js';
import { escapeHtml } from '../../../report/page/escape-html.js';
import type { CatalogueTable } from '../../catalogue.js';
import type { PageTable } from './table-graph.js';

type Column = CatalogueTable['columns'][number];

/** Link to a table, where the page has it. */
export type LinkTo = (table: string) => string;

export function columnRow({ table, columnAnchors }: PageTable, column: Column, linkTo: LinkTo) {
  const { name, type, nullable, references, description, owner, tags } = column;
  const anchor = columnAnchors.get(name)!;
  const isKey = table.key.includes(name);
  const marks = [
    ...(isKey ? ['<span class="mark key">key</span>'] : []),
    ...(nullable || isKey ? [] : ['<span class="mark">not null</span>']),
  ];
  const about = [
    ...(description === undefined ? [] : [`<p>${linesOf(description)}</p>`]),
    ...(references === undefined
      ? []
      : [`<p>→ ${linkTo(references.table)} <code>${escapeHtml(references.column)}</code></p>`]),
    ...notesOf({ owner, tags }),
    ...correctionsOf(column.corrections),
  ];
  return `<tr id="${anchor}"><th scope="row"><a href="#${anchor}">${escapeHtml(name)}</a> ${marks.join(' ')}</th><td><code>${type}</code></td><td>${about.join('')}</td><td>${originOf(table, column, linkTo)}</td><td>${madeOf(table, name)}</td></tr>`;
}

export function notesOf({
  owner,
  tags,
}: {
  readonly owner?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}): string[] {
  const all = [
    ...(owner === undefined ? [] : [`<span class="mark">owner: ${escapeHtml(owner)}</span>`]),
    ...(tags ?? []).map((tag) => `<span class="mark">#${escapeHtml(tag)}</span>`),
  ];
  return all.length === 0 ? [] : [`<p>${all.join(' ')}</p>`];
}

export function linesOf(text: string): string {
  return escapeHtml(text).replaceAll(/\r\n|[\n\r\u2028\u2029]/g, '<br>');
}

function correctionsOf(corrections: Corrections | undefined): string[] {
  if (corrections === undefined) return [];
  const { values, ...others } = corrections;
  const list = Object.entries(values ?? {}).map(([value, spellings]) => {
    const also = spellings.map((one) => `<code>${escapeHtml(one)}</code>`).join(', ');
    return `<li><code>${escapeHtml(value)}</code>${also === '' ? '' : ` also written ${also}`}</li>`;
  });
  const rules = Object.entries(others).map(([rule, value]) => {
    const word = rule.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const shown =
      value === true
        ? ''
        : `: ${[value]
            .flat()
            .map((one) => JSON.stringify(one))
            .join(', ')}`;
    return `<code>${escapeHtml(`${word}${shown}`)}</code>`;
  });
  return [
    ...(list.length === 0
      ? []
      : [`<p class="quiet">Values</p><ul class="values">${list.join('')}</ul>`]),
    ...(rules.length === 0 ? [] : [`<p class="quiet">Corrected by ${rules.join(', ')}</p>`]),
  ];
}

/** Where its value comes from, as `capture:` says. */
function originOf({ captured }: CatalogueTable, { name }: Column, linkTo: LinkTo): string {
  if (captured === undefined) return '';
  const declared: CapturedColumn = captured.columns[name] ?? { kind: 'column', column: name };
  const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
  const place = (column: string) => code(`${captured.from}.${column}`);
  switch (declared.kind) {
    case 'column':
      return place(declared.column);
    case 'sql':
      return code(declared.sql);
    case 'reference':
      return `key of ${linkTo(declared.table)} by ${place(declared.column)}`;
    case 'calculation':
      return `<span class="mark">calculated</span> ${code(declared.sql)}${alsoOn(declared)}`;
    case 'method':
      return `<span class="mark">method</span> ${code(declared.method)}${alsoOn(declared)}`;
  }
}

function alsoOn({ alsoOn: tables }: { readonly alsoOn: Readonly<Record<string, string>> }): string {
  const list = Object.entries(tables).map(
    ([table, column]) => `<code>${escapeHtml(`${table}.${column}`)}</code>`,
  );
  return list.length === 0 ? '' : `<p class="quiet">also on ${list.join(', ')}</p>`;
}

/** What tasks make of it. */
function madeOf({ readers = [] }: CatalogueTable, name: string): string {
  return readers
    .flatMap(({ task, columns }) => (columns.get(name) ?? []).map((column) => `${task}.${column}`))
    .map((place) => `<p><code>${escapeHtml(place)}</code></p>`)
    .join('');
}
