/** Numbers and names along x: no more of them than a chart has room for. Times are put into periods instead. */
import type { ChartData, Panel, X } from './chart-points.js';
import { largest, smallest } from './extremes.js';

type Series = Panel['series'];

/** Along x of a mark that draws something for each; other marks take fewer by themselves. */
const MAX_PLACES: Readonly<Record<string, number>> = {
  line: 1500,
  area: 400,
  heatmap: 400,
  histogram: 400,
};

/** @param notes gets a sentence where something is put together or left out */
export function fitPlaces(
  { spec, xKind, places: inOrder }: ChartData,
  series: Series,
  notes: string[],
): Series {
  const most = MAX_PLACES[spec.mark];
  const isOwn = xKind === 'time' || (xKind === 'number' && spec.mark === 'line');
  // What is only counted is put into few buckets anyway.
  const isCounted = spec.mark === 'histogram' && spec.y.length === 0;
  if (most === undefined || isOwn || isCounted) return series;
  const places = new Set<X>();
  for (const points of series.values()) for (const x of points.keys()) places.add(x);
  if (places.size <= most) return series;
  if (xKind === 'number') {
    const width = widthOfBuckets([...places].map(Number), most);
    notes.push(`The chart has a sum for each ${width} of ${spec.x}; the table has every value.`);
    return mapPlaces(series, (x) =>
      Number((Math.floor(Number(x) / width) * width).toPrecision(12)),
    );
  }
  const kept = new Set(inOrder.filter((x) => places.has(x)).slice(0, most));
  notes.push(
    `The chart shows the first ${most.toLocaleString('en-US')} of ${places.size.toLocaleString('en-US')} values of ${spec.x}; the others are in the table.`,
  );
  return mapPlaces(series, (x) => (kept.has(x) ? x : undefined));
}

/** 1, 2 or 5 times a power of ten. */
function widthOfBuckets(values: readonly number[], most: number): number {
  const least = (largest(values) - smallest(values)) / (most - 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((step) => step * power >= least) ?? 10;
  return Number((factor * power).toPrecision(1));
}

function mapPlaces(series: Series, toPlace: (x: X) => X | undefined): Series {
  const mapped = [...series].map(([name, points]) => {
    const sums = new Map<X, number>();
    for (const [x, y] of points) {
      const place = toPlace(x);
      if (place !== undefined) sums.set(place, (sums.get(place) ?? 0) + y);
    }
    return [name, sums] as const;
  });
  return new Map(mapped);
}
