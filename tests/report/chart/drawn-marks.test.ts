/** What a chart draws, measured: a mark for each value, its place by the scale, its colour by the series. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { isChartFault, parseChartLine } from '../../../src/report/chart/chart-line.js';
import { ChartPoints } from '../../../src/report/chart/chart-points.js';
import { drawChart } from '../../../src/report/chart/draw-chart.js';

type Row = readonly (string | null)[];

const COLUMNS = [
  { name: 'at', typeOid: 1114 },
  { name: 'name', typeOid: 25 },
  { name: 'n', typeOid: 701 },
  { name: 'm', typeOid: 701 },
];

function draw(line: string, rows: readonly Row[]) {
  const spec = parseChartLine(line, 1);
  if (isChartFault(spec)) throw new Error(spec.message);
  const points = new ChartPoints(COLUMNS, spec);
  points.add(rows);
  const { wide } = drawChart(points.finish())!.panels[0]!;
  const { document } = parseHTML(`<html><body>${wide}</body></html>`);
  const numbers = (selector: string, ...names: string[]) =>
    [...document.querySelectorAll(selector)].map((mark) =>
      names.map((name) => Number(mark.getAttribute(name))),
    );
  const fills = (selector: string) =>
    [...document.querySelectorAll(selector)].map(
      (mark) => mark.getAttribute('fill') ?? mark.parentElement?.getAttribute('fill'),
    );
  const paths = [...document.querySelectorAll('path[stroke^="var(--series"]')].map((path) => ({
    stroke: path.getAttribute('stroke'),
    places: [...path.getAttribute('d')!.matchAll(/([\d.]+),([\d.]+)/g)]
      .map(([, x, y]) => [Number(x), Number(y)])
      .sort(([a = 0], [b = 0]) => a - b),
  }));
  return { numbers, fills, paths, document };
}

/** Whether values lie on a straight line over the numbers that they stand for. */
function expectLinear(values: readonly number[], numbers: readonly number[]): void {
  const [first = 0, second = 0] = values;
  const step = (second - first) / (numbers[1]! - numbers[0]!);
  expect(Math.abs(step)).toBeGreaterThan(0);
  values.forEach((value, i) => {
    expect(value).toBeCloseTo(first + step * (numbers[i]! - numbers[0]!), 0);
  });
}

const day = (number: number) => `2024-01-${String(number).padStart(2, '0')} 00:00:00`;
const VALUES = [4, 10, 1, 7];
const DAYS: readonly Row[] = VALUES.map((n, i) => [day(1 + 2 * i), 'a', String(n), String(i * i)]);

describe('marks and scales', () => {
  it('line: a place for each moment, by time and by value, larger ones higher', () => {
    const { paths } = draw('line x=at y=n', DAYS);
    expect(paths).toHaveLength(1);
    const [{ places } = { places: [] }] = paths;
    expectLinear(
      places.map(([x]) => x!),
      [0, 2, 4, 6],
    );
    expectLinear(
      places.map(([, y]) => y!),
      VALUES,
    );
    expect(places[1]![1]).toBeLessThan(places[2]![1]!);
  });

  it('line by=: a path for each series, the largest in the first colour', () => {
    const rows = ['small', 'large'].flatMap((name, i) =>
      DAYS.map(([at, , n]): Row => [at!, name, String(Number(n) * (1 + 9 * i)), '0']),
    );
    const { paths } = draw('line x=at y=n by=name', rows);
    const heightOf = (stroke: string) =>
      Math.min(...paths.find((path) => path.stroke === stroke)!.places.map(([, y]) => y!));
    expect(paths.map(({ stroke }) => stroke).sort()).toEqual([
      'var(--series-1)',
      'var(--series-2)',
    ]);
    expect(heightOf('var(--series-1)')).toBeLessThan(heightOf('var(--series-2)'));
  });

  it('dot: one for each row, by the numbers of both columns', () => {
    const { numbers } = draw('dot x=m y=n', DAYS);
    const circles = numbers('circle', 'cx', 'cy');
    expect(circles).toHaveLength(4);
    expectLinear(
      circles.map(([x]) => x!),
      [0, 1, 4, 9],
    );
    expectLinear(
      circles.map(([, y]) => y!),
      VALUES,
    );
  });

  it('dot scale=log: equal steps for equal multiples', () => {
    const rows = ['1', '10', '100', '1000'].map((n, i): Row => [day(i + 1), 'a', n, '0']);
    expectLinear(
      draw('dot x=at y=n scale=log', rows)
        .numbers('circle', 'cy')
        .map(([y]) => y!),
      [0, 1, 2, 3],
    );
  });

  it('bar: as long as its value, the longest first, and stacks without a gap', () => {
    const rows = VALUES.map((n, i): Row => [null, 'abcd'[i]!, String(n), '0']);
    const { numbers } = draw('bar x=name y=n', rows);
    const bars = numbers('rect', 'width', 'y').sort(([, a = 0], [, b = 0]) => a - b);
    expectLinear(
      bars.map(([width]) => width!),
      [10, 7, 4, 1],
    );
    expect(bars[0]![0]! / bars[3]![0]!).toBeCloseTo(10, 1);
    const stacked = draw('bar x=name y=n,m', [[null, 'a', '6', '3']]);
    const parts = stacked.numbers('rect', 'x', 'width').sort(([a = 0], [b = 0]) => a - b);
    expect(parts[1]![0]! - parts[0]![0]! - parts[0]![1]!).toBeLessThan(2);
    expect(parts[0]![1]! / parts[1]![1]!).toBeCloseTo(2, 1);
    expect(stacked.fills('rect').sort()).toEqual(['var(--series-1)', 'var(--series-2)']);
  });

  it('bars over time: upright, by time and value', () => {
    const bars = draw('bar x=at y=n', DAYS).numbers('rect', 'x', 'height');
    expect(bars).toHaveLength(4);
    expectLinear(
      bars.map(([x]) => x!),
      [0, 2, 4, 6],
    );
    expectLinear(
      bars.map(([, height]) => height!),
      VALUES,
    );
  });

  it('heatmap: a cell for each pair, darker for more', () => {
    const rows = ['1', '2', '3'].map((m, i): Row => [null, 'abc'[i]!, String([0, 50, 90][i]), m]);
    const { numbers, fills } = draw('heatmap x=name y=m value=n', rows);
    const xs = numbers('rect', 'x', 'y');
    const cells = xs
      .map(([x = 0, y = 0], i) => ({ x, y, fill: fills('rect')[i] }))
      .sort((one, other) => one.x - other.x);
    expect(cells.map(({ fill }) => fill)).toEqual([
      'var(--heat-1)',
      'var(--heat-6)',
      'var(--heat-9)',
    ]);
    for (const places of [cells.map(({ x }) => x), cells.map(({ y }) => y)])
      expectLinear(places, [0, 1, 2]);
  });

  it('histogram: counted buckets side by side, others by how many values they hold', () => {
    const counted = ['0', '5', '10'].map((m, i): Row => [null, '', String([2, 8, 4][i]), m]);
    const bars = draw('histogram x=m y=n', counted).numbers('rect', 'x', 'width', 'height');
    expectLinear(
      bars.map(([x]) => x!),
      [0, 5, 10],
    );
    expectLinear(
      bars.map(([, , height]) => height!),
      [2, 8, 4],
    );
    expect(bars[0]![0]! + bars[0]![1]! + 1).toBeCloseTo(bars[1]![0]!, 0);
    const values = ['1', '1', '1', '9'].map((n): Row => [null, '', n, '0']);
    const heights = draw('histogram x=n', values)
      .numbers('rect', 'height')
      .map(([h]) => h!);
    expect(heights).toHaveLength(2);
    expect((heights[0]! + 1) / (heights[1]! + 1)).toBeCloseTo(3, 0);
  });

  it('area: one for each series, the stack as high as the sum', () => {
    const { document, numbers } = draw('area x=at y=n,m', DAYS);
    const areas = [...document.querySelectorAll('path[d*="Z"]')];
    expect(areas.map((area) => area.getAttribute('fill')).sort()).toEqual([
      'var(--series-1)',
      'var(--series-2)',
    ]);
    const tops = areas.map((area) =>
      Math.min(...[...area.getAttribute('d')!.matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y))),
    );
    expect(numbers('circle', 'cx')).toEqual([]);
    // At the last moment, 7 and 9 make 16; the lower one alone is less than two thirds of it.
    const [high = 0, low = 0] = tops.sort((a, b) => a - b);
    expect(low - high).toBeGreaterThan(100);
  });
});
