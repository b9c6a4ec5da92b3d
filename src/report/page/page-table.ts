/** The first rows of a report as a table of HTML. */
import { BOOL_OID, kindOf } from '../chart/column-kinds.js';
import { escapeHtml } from './escape-html.js';

/** What somebody scrolls through; who wants more wants a file. */
export const SHOWN_ROWS = 300;
const SHOWN_CHARACTERS = 400;

interface Column {
  readonly name: string;
  readonly typeOid: number;
}

/** Its digits are a name, not a quantity. */
const IDENTIFIER = /(^|_)(id|oid|year|zip|code|load|run)$/i;
const LONG_NUMBER = /^(-?)(\d{5,})(\.\d+)?$/;

export function tableOf(
  columns: readonly Column[],
  rows: readonly (readonly (string | null)[])[],
  label: string,
): string {
  const kinds = columns.map(({ typeOid }) => kindOf(typeOid));
  const classes = kinds.map((kind) => ({ number: 'n', time: 't', category: '' })[kind]);
  const isGrouped = columns.map(({ name }, i) => kinds[i] === 'number' && !IDENTIFIER.test(name));
  const attribute = (names: string) => (names.trim() === '' ? '' : ` class="${names.trim()}"`);
  const head = columns
    .map(
      ({ name }, i) =>
        `<th scope="col"${attribute(classes[i]!)}>${breakable(escapeHtml(name))}</th>`,
    )
    .join('');
  const show = (value: string, i: number) => {
    if (columns[i]!.typeOid === BOOL_OID) return value === 't' ? 'true' : 'false';
    return isGrouped[i] ? groupDigits(value) : cut(value);
  };
  const cell = (value: string | null, i: number) =>
    value === null
      ? `<td${attribute(`${classes[i]} null`)}></td>`
      : `<td${attribute(classes[i]!)}>${escapeHtml(show(value, i))}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<div class="scroll" role="region" aria-label="${escapeHtml(label)}" tabindex="0">
<table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody>
</table>
</div>`;
}

/** Paper is narrow, and names of columns are long: `rows_<wbr>duplicate`. */
function breakable(name: string): string {
  return name.replace(/_(?=\w)/g, '_<wbr>');
}

/** `1234567.5` → `1,234,567.5`; shorter numbers may be years. */
function groupDigits(text: string): string {
  const [, sign, whole, fraction = ''] = LONG_NUMBER.exec(text) ?? [];
  if (whole === undefined) return text;
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction}`;
}

function cut(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text;
  // No half of a character of two units.
  const start = [...text.slice(0, SHOWN_CHARACTERS)].slice(0, -1).join('');
  return `${start}… (${text.length.toLocaleString('en-US')} characters)`;
}
