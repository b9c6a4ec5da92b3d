/** One table between those that refer to it and those that it refers to. */
import { escapeHtml } from '../../../report/page/escape-html.js';
import { boxOf, edgeOf } from './svg-parts.js';
import type { Link, PageTable } from './table-graph.js';

const WIDTH = 230;
const HEIGHT = 40;
const GAP = 10;
const BETWEEN = 90;
/** More of them on one side make a picture that nobody takes in; the text beside it has all. */
const MOST = 8;

/** @returns nothing for a table that is alone */
export function neighbourPicture(
  { table, refersTo, referredBy }: PageTable,
  anchorOf: (table: string) => string | undefined,
): string {
  const to = sideOf(refersTo.filter((link) => link.table !== table.name));
  const from = sideOf(referredBy);
  if (to.length + from.length === 0) return '';
  const itself = refersTo.filter((link) => link.table === table.name);
  const shown = [from, to].map(
    (side) => Math.min(side.length, MOST) + (side.length > MOST ? 1 : 0),
  );
  const height = Math.max(...shown, 1) * (HEIGHT + GAP) - GAP;
  const places = [0, WIDTH + BETWEEN, 2 * (WIDTH + BETWEEN)] as const;
  const own = boxOf({
    ...{ x: places[1], y: (height - HEIGHT) / 2, width: WIDTH, height: HEIGHT },
    name: table.name,
    detail:
      itself.length === 0
        ? `${table.columns.length} columns`
        : `itself by ${itself.map(({ column }) => column).join(', ')}`,
    isOwn: true,
  });
  const draw = (side: readonly Neighbour[], x: number, isLeft: boolean) => {
    const rows = Math.min(side.length, MOST) + (side.length > MOST ? 1 : 0);
    const top = (height - (rows * (HEIGHT + GAP) - GAP)) / 2;
    const parts = side.slice(0, MOST).map(({ name, detail }, i) => {
      const y = top + i * (HEIGHT + GAP);
      const anchor = anchorOf(name);
      const box = boxOf({
        ...{ x, y, width: WIDTH, height: HEIGHT, name, detail },
        ...(anchor === undefined ? {} : { anchor }),
      });
      const middle = y + HEIGHT / 2;
      const edge = isLeft
        ? edgeOf([x + WIDTH, middle], [places[1], height / 2])
        : edgeOf([places[1] + WIDTH, height / 2], [x, middle]);
      return edge + box;
    });
    if (side.length > MOST) {
      const y = top + MOST * (HEIGHT + GAP) + HEIGHT / 2;
      parts.push(`<text class="q" x="${x + 10}" y="${y}">and ${side.length - MOST} more</text>`);
    }
    return parts.join('');
  };
  const width = places[2] + WIDTH;
  const label = `${table.name}: referred to by ${from.length}, refers to ${to.length}`;
  return `<div class="pic" tabindex="0" role="group" aria-label="${escapeHtml(label)}"><svg viewBox="-1 -1 ${width + 2} ${height + 2}" width="${width + 2}" height="${height + 2}">${draw(from, places[0], true)}${draw(to, places[2], false)}${own}</svg></div>`;
}

interface Neighbour {
  readonly name: string;
  readonly detail: string;
}

/** One of each table, with all columns between the two. */
function sideOf(links: readonly Link[]): Neighbour[] {
  const columns = new Map<string, string[]>();
  for (const { table, column } of links) {
    columns.set(table, [...(columns.get(table) ?? []), column]);
  }
  return [...columns].map(([name, own]) => ({ name, detail: own.join(', ') }));
}
