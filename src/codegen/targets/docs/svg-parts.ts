/** Parts of the pictures of references. */
import { escapeHtml } from '../../../report/page/escape-html.js';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly name: string;
  /** Below the name. */
  readonly detail?: string;
  /** Last part of a link; undefined for a table that the page does not have. */
  readonly anchor?: string;
  readonly isOwn?: boolean;
  /** For the script that shows its references. */
  readonly number?: number;
}

/** Widths of letters at the size of the pictures: such of other scripts may be wider. */
const LETTER = 6.5;
const PADDING = 10;

export function boxOf(box: Box): string {
  const { x, y, width, height, name, detail, anchor, isOwn, number } = box;
  const room = Math.floor((width - 2 * PADDING) / LETTER);
  const middle = y + height / 2;
  const line = (text: string, at: number, kind: string) =>
    `<text x="${x + PADDING}" y="${round(at)}"${kind}>${escapeHtml(shorten(text, room))}</text>`;
  const texts =
    detail === undefined
      ? line(name, middle + 4, '')
      : `${line(name, middle - 3, '')}${line(detail, middle + 12, ' class="q"')}`;
  const whole = detail === undefined ? name : `${name}: ${detail}`;
  const rect = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5"/>`;
  const inside = `<title>${escapeHtml(whole)}</title>${rect}${texts}`;
  const kind = isOwn === true ? ' class="own"' : anchor === undefined ? ' class="off"' : '';
  if (anchor === undefined || isOwn === true) return `<g${kind}>${inside}</g>`;
  const told = number === undefined ? '' : ` data-n="${number}"`;
  return `<a href="#${anchor}"${told}>${inside}</a>`;
}

/** From the right edge of one box to the left edge of another one. */
export function edgeOf(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  more = '',
): string {
  const bend = Math.max(24, Math.abs(x2 - x1) / 2);
  const [left, right] = [`${round(x1)} ${round(y1)}`, `${round(x2)} ${round(y2)}`];
  const curve = `M${left}C${round(x1 + bend)} ${round(y1)} ${round(x2 - bend)} ${round(y2)} ${right}`;
  return `<path d="${curve}m-5 -3l5 3l-5 3"${more}/>`;
}

/** Letters, not halves of them. */
function shorten(text: string, room: number): string {
  const letters = [...text];
  return letters.length <= room ? text : `${letters.slice(0, room - 1).join('')}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
