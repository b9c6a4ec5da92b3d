/** All tables that refer to others: who refers stands left of whom it refers to. */
import { boxOf, edgeOf } from './svg-parts.js';
import type { PageTable } from './table-graph.js';

const WIDTH = 200;
const HEIGHT = 22;
const GAP = 6;
/** Between the columns of one step, and between steps. */
const BESIDE = 20;
const BETWEEN = 70;
/** Boxes above each other. */
const MOST_ROWS = 32;

/** @returns nothing where no table refers to another one */
export function referenceMap(tables: readonly PageTable[]): string {
  const byName = new Map(tables.map((one) => [one.table.name, one]));
  const targetsOf = ({ table, refersTo }: PageTable) =>
    [...new Set(refersTo.map((link) => link.table))].filter(
      (name) => name !== table.name && byName.has(name),
    );
  const drawn = tables.filter((one) => targetsOf(one).length + one.referredBy.length > 0);
  if (drawn.length === 0) return '';
  const steps = stepsOf(drawn, targetsOf);
  const last = Math.max(...steps.values());
  const places = new Map<string, { x: number; y: number }>();
  const columnsOf = (step: number) => {
    const own = drawn.filter(({ table }) => steps.get(table.name) === step);
    return { own, columns: Math.ceil(own.length / MOST_ROWS) };
  };
  // Rightmost first, so that each table can stand near those that it refers to.
  let right = 0;
  const lefts: number[] = [];
  for (let step = 0; step <= last; step++) {
    const { columns } = columnsOf(step);
    right += columns * WIDTH + (columns - 1) * BESIDE;
    lefts[step] = right;
    right += BETWEEN;
  }
  const width = right - BETWEEN;
  let height = 0;
  for (let step = 0; step <= last; step++) {
    const { own, columns } = columnsOf(step);
    const heightOf = (one: PageTable) => {
      const ys = targetsOf(one).map((name) => places.get(name)?.y ?? 0);
      return ys.length === 0 ? 0 : ys.reduce((sum, y) => sum + y, 0) / ys.length;
    };
    const wanted = new Map(own.map((one) => [one, heightOf(one)]));
    const sorted = [...own].sort((a, b) => wanted.get(a)! - wanted.get(b)!);
    const rows = Math.ceil(own.length / columns);
    sorted.forEach((one, i) => {
      const x = width - lefts[step]! + (i % columns) * (WIDTH + BESIDE);
      const y = Math.floor(i / columns) * (HEIGHT + GAP);
      places.set(one.table.name, { x, y });
    });
    height = Math.max(height, rows * (HEIGHT + GAP) - GAP);
  }
  const numbers = new Map(drawn.map(({ table }, i) => [table.name, i]));
  const edges = drawn.flatMap((one) => {
    const { name } = one.table;
    const { x, y } = places.get(name)!;
    return targetsOf(one).map((target) => {
      const to = places.get(target)!;
      const ends = ` data-e="${numbers.get(name)} ${numbers.get(target)}"`;
      return edgeOf([x + WIDTH, y + HEIGHT / 2], [to.x, to.y + HEIGHT / 2], ends);
    });
  });
  const boxes = drawn.map(({ table, anchor }) =>
    boxOf({
      ...places.get(table.name)!,
      ...{ width: WIDTH, height: HEIGHT, name: table.name, anchor },
      number: numbers.get(table.name)!,
    }),
  );
  const others = tables.length - drawn.length;
  const alone =
    others === 0 ? '' : ` ${others} ${others === 1 ? 'table has' : 'tables have'} no references.`;
  return `<section id="_map"><h2>References</h2>
<p class="quiet">A table stands left of those that it refers to. Point at one, or move to it with Tab, to see its references.${alone}</p>
<div class="pic map" tabindex="0" role="group" aria-label="References of all tables"><svg viewBox="-1 -1 ${width + 2} ${height + 2}" width="${width + 2}" height="${height + 2}"><g class="edges">${edges.join('')}</g>${boxes.join('')}</svg></div></section>`;
}

/** How many references lead on from a table, at the most: 0 for one that refers to no other. */
function stepsOf(
  tables: readonly PageTable[],
  targetsOf: (one: PageTable) => readonly string[],
): ReadonlyMap<string, number> {
  const byName = new Map(tables.map((one) => [one.table.name, one]));
  const steps = new Map<string, number>();
  const visit = (one: PageTable): number => {
    const { name } = one.table;
    const known = steps.get(name);
    if (known !== undefined) return known;
    // The model has no circles; one would end here.
    steps.set(name, 0);
    const step = Math.max(0, ...targetsOf(one).map((target) => 1 + visit(byName.get(target)!)));
    steps.set(name, step);
    return step;
  };
  for (const one of tables) visit(one);
  return steps;
}
