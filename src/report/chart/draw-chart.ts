/** The points of a report → its chart, in the sizes that a page needs. */
import { limitInWords } from './chart-limit.js';
import type { ChartData, Panel } from './chart-points.js';
import { arrange, type Drawing } from './chart-series.js';
import { colourOf, heatOf, OTHERS_COLOUR, type Size } from './chart-shape.js';
import { drawSvg } from './chart-svg.js';
import { axisNumber, shorten } from './chart-words.js';
import { largest, smallest } from './extremes.js';

const WIDE: Size = { width: 860, height: 340 };
const NARROW: Size = { width: 350, height: 280 };
const PANEL: Size = { width: 400, height: 230 };
const MAX_PANELS = 12;

export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
}

export interface Chart {
  readonly panels: readonly {
    /** Empty for a chart without panels. */
    readonly title: string;
    /** SVG for a screen and for paper. */
    readonly wide: string;
    /** SVG for a phone; undefined where the other one does. */
    readonly narrow?: string | undefined;
  }[];
  readonly legend: readonly LegendEntry[];
  /** What it leaves out or puts together, in sentences. */
  readonly notes: readonly string[];
}

/** @returns undefined where nothing can be drawn */
export function drawChart(data: ChartData): Chart | undefined {
  const drawn = drawnPanels(data);
  if (drawn.length === 0) return undefined;
  const shown = drawn.slice(0, MAX_PANELS);
  const hasPanels = data.spec.panels !== undefined;
  const panels = shown.map(({ panel, drawing }) => {
    const label = describe(data, drawing, panel.name);
    const draw = (size: Size) => drawSvg(data.spec, data.xKind, drawing, size, label);
    return hasPanels
      ? { title: shorten(panel.name, 60), wide: draw(PANEL) }
      : { title: '', wide: draw(WIDE), narrow: draw(NARROW) };
  });
  return { panels, legend: legendOf(data, shown), notes: notesOf(data, drawn) };
}

/** A picture of the first panel for a list of reports; undefined where nothing can be drawn. */
export function drawSmallChart(data: ChartData): string | undefined {
  const [first] = drawnPanels(data);
  if (first === undefined) return undefined;
  const size = { width: 320, height: 150, isSmall: true };
  return drawSvg(data.spec, data.xKind, first.drawing, size, describe(data, first.drawing, ''));
}

interface DrawnPanel {
  readonly panel: Panel;
  readonly drawing: Drawing;
}

function drawnPanels(data: ChartData): DrawnPanel[] {
  return data.panels
    .map((panel) => ({ panel, drawing: arrange(data, panel) }))
    .filter(({ drawing }) => drawing.points.length > 0);
}

function legendOf({ spec }: ChartData, shown: readonly DrawnPanel[]): LegendEntry[] {
  const drawing = shown[0]!.drawing;
  if (spec.mark === 'heatmap') return heatLegend(drawing);
  const names = drawing.series.map((label, i) => ({
    label: shorten(label, 40),
    colour: colourOf(i),
  }));
  const rest = drawing.others ?? (drawing.context.length > 0 ? 'the others' : undefined);
  const legend = rest === undefined ? names : [...names, { label: rest, colour: OTHERS_COLOUR }];
  return legend.length > 1 ? legend : [];
}

function heatLegend(drawing: Drawing): LegendEntry[] {
  const { low, high } = heatOf(drawing);
  return [1, 3, 5, 7, 9].map((step) => ({
    label: axisNumber(Number((low + ((high - low) * (step - 1)) / 8).toPrecision(3))),
    colour: `var(--heat-${step})`,
  }));
}

function notesOf(data: ChartData, drawn: readonly DrawnPanel[]): string[] {
  const count = (rows: number) => `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`;
  const notes = new Set(drawn.flatMap(({ drawing }) => drawing.notes));
  if (drawn.length > MAX_PANELS) {
    notes.add(
      `The first ${MAX_PANELS} of ${drawn.length} values of ${data.spec.panels} have a chart.`,
    );
  }
  const values = drawn.flatMap(({ drawing }) => drawing.points.map(({ y }) => y));
  if (values.every((y) => y === 0) && data.spec.mark !== 'histogram') {
    notes.add(values.length === 1 ? 'The value is 0.' : 'All values are 0.');
  }
  const limit = limitInWords(data.spec, values);
  if (limit !== undefined) notes.add(limit);
  if (data.rowsWithoutValue > 0) {
    const isOne = data.rowsWithoutValue === 1;
    notes.add(
      `${count(data.rowsWithoutValue)} without a value ${isOne ? 'is' : 'are'} not in the chart.`,
    );
  }
  if (data.rowsLeftOut > 0) {
    notes.add(
      data.spec.mark === 'dot'
        ? `The chart shows a random sample: ${count(data.rowsLeftOut)} of ${data.rows.toLocaleString('en-US')} are not in it.`
        : `${count(data.rowsLeftOut)} of ${data.rows.toLocaleString('en-US')} are not in the chart: it has too many different values.`,
    );
  }
  return [...notes];
}

/** What somebody hears who does not see the chart. */
function describe({ spec }: ChartData, { series, points }: Drawing, panel: string): string {
  const kinds = {
    line: 'Line chart',
    area: 'Stacked areas',
    bar: 'Bar chart',
    dot: 'Dots',
    heatmap: 'Heat map',
    histogram: 'Histogram',
    none: '',
  };
  const values = points.map(({ y }) => y);
  const low = axisNumber(smallest(values));
  const high = axisNumber(largest(values));
  const what = spec.mark === 'heatmap' ? spec.value : spec.y.join(', ') || 'rows';
  const many = series.length > 1 ? `, ${series.length} series` : '';
  const of = panel === '' ? '' : ` of ${shorten(panel, 60)}`;
  return `${kinds[spec.mark]}${of}: ${what} by ${spec.x}${many}, from ${low} to ${high}. The table below has the values.`;
}
