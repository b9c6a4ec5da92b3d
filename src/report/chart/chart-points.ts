/**
 * Takes the points of a chart out of the rows of a report, while they pass by.
 *
 * Rows of the same x and series are added up, so that most reports leave few points, however many rows they have.
 * Memory is bounded: beyond {@link MAX_POINTS}, times are put together in longer periods where the chart adds up
 * anyway; else only points that are there already grow, and the rows that are not drawn are counted. Dots are not added up; of many, a sample is kept in which each row is as likely.
 */
import { type ChartSpec, PERIODS, type Period } from './chart-line.js';
import { NO_VALUE } from './chart-words.js';
import type { ChartColumn } from './choose-chart.js';
import { BOOL_OID, type ColumnKind, kindOf, toMilliseconds } from './column-kinds.js';
import { coarsen, startOfPeriod } from './time-periods.js';

const MAX_POINTS = 200_000;
const MAX_DOTS = 2000;
/** Marks of quantities that add up. */
const ADDING: ReadonlySet<string> = new Set(['area', 'bar', 'heatmap']);

export type X = number | string;

export interface Dot {
  /** The row that it stands for, from 0. */
  readonly row: number;
  readonly x: X;
  readonly y: number;
  readonly series: string;
}

export interface Panel {
  readonly name: string;
  /** Series → x → sum. */
  readonly series: ReadonlyMap<string, ReadonlyMap<X, number>>;
  readonly dots: readonly Dot[];
}

export interface ChartData {
  readonly spec: ChartSpec;
  readonly xKind: ColumnKind;
  readonly panels: readonly Panel[];
  /** Names along x, and numbers that are bars, in the order in which the report has them; else empty. */
  readonly places: readonly X[];
  readonly rows: number;
  /** Rows without a value that can be drawn: NULL, NaN, infinity. */
  readonly rowsWithoutValue: number;
  /** Rows beyond the bound of the memory, or of the sample. */
  readonly rowsLeftOut: number;
  /** The series in a fixed order, where they mean the same in each report. */
  readonly seriesOrder?: readonly string[] | undefined;
}

type Row = readonly (string | null)[];

interface GrowingPanel {
  readonly name: string;
  series: Map<string, Map<X, number>>;
  readonly dots: Dot[];
  dotsSeen: number;
}

export class ChartPoints {
  readonly #spec: ChartSpec;
  readonly #xKind: ColumnKind;
  readonly #x: number;
  readonly #by: number;
  readonly #panel: number;
  /** Columns of quantities, with the name of the series of each; -1 for a row that counts as one. */
  readonly #quantities: readonly { readonly column: number; readonly name: string }[];
  readonly #places = new Set<X>();
  readonly #panels = new Map<string, GrowingPanel>();
  readonly #columns: readonly ChartColumn[];
  /** What the moments of x are put into; undefined where they are kept. */
  #period: Period | undefined;
  #points = 0;
  #rows = 0;
  #rowsWithoutValue = 0;
  #rowsLeftOut = 0;
  #random = 1;

  /** @param spec whose columns are all there */
  constructor(columns: readonly ChartColumn[], spec: ChartSpec) {
    const indexOf = (name: string | undefined) =>
      name === undefined ? -1 : columns.findIndex((column) => column.name === name);
    this.#spec = spec;
    this.#columns = columns;
    this.#period = spec.per === 'fit' ? undefined : spec.per;
    this.#x = indexOf(spec.x);
    this.#xKind = this.#x < 0 ? 'category' : kindOf(columns[this.#x]!.typeOid);
    this.#by = indexOf(spec.mark === 'heatmap' ? spec.y[0] : spec.by);
    this.#panel = indexOf(spec.panels);
    const names = spec.mark === 'heatmap' ? [spec.value!] : spec.y;
    this.#quantities =
      names.length === 0
        ? [{ column: -1, name: 'rows' }]
        : names.map((name) => ({ column: indexOf(name), name }));
  }

  add(batch: readonly Row[]): void {
    for (const row of batch) this.#addRow(row);
  }

  finish(): ChartData {
    return {
      spec: this.#spec,
      xKind: this.#xKind,
      panels: [...this.#panels.values()],
      places: this.#allPlaces(),
      rows: this.#rows,
      rowsWithoutValue: this.#rowsWithoutValue,
      rowsLeftOut: this.#rowsLeftOut,
      seriesOrder: this.#seriesOrder(),
    };
  }

  /** Of more names than are kept, those of the dots that are drawn stand behind the others. */
  #allPlaces(): readonly X[] {
    const dots = [...this.#panels.values()].flatMap((panel) => panel.dots);
    if (this.#xKind !== 'category' || dots.length === 0) return [...this.#places];
    dots.sort((a, b) => a.row - b.row);
    return [...new Set([...this.#places, ...dots.map(({ x }) => x)])];
  }

  #seriesOrder(): readonly string[] | undefined {
    const column = this.#spec.mark === 'heatmap' ? undefined : this.#columns[this.#by];
    if (column?.typeOid !== BOOL_OID) return undefined;
    return [`not ${column.name}`, column.name, NO_VALUE];
  }

  /** A boolean is told by its column, so that a legend of it can be read. */
  #seriesOf(row: Row): string {
    const value = row[this.#by] ?? null;
    const column = this.#columns[this.#by]!;
    if (column.typeOid !== BOOL_OID || value === null) return labelOf(value);
    if (this.#spec.mark === 'heatmap') return booleanOf(value);
    return value === 't' ? column.name : `not ${column.name}`;
  }

  #nameOf(row: Row, index: number): string {
    const value = row[index] ?? null;
    return value !== null && this.#columns[index]!.typeOid === BOOL_OID
      ? booleanOf(value)
      : labelOf(value);
  }

  #addRow(row: Row): void {
    this.#rows++;
    const x = this.#xOf(row);
    let isDrawn = false;
    if (x !== undefined) {
      for (const { column, name } of this.#quantities) {
        const text = column < 0 ? '1' : row[column];
        const y = text == null ? undefined : toDrawn(text);
        if (y === undefined) continue;
        isDrawn = true;
        this.#addPoint(row, x, y, this.#by < 0 ? name : this.#seriesOf(row));
      }
    }
    if (!isDrawn) this.#rowsWithoutValue++;
  }

  #xOf(row: Row): X | undefined {
    if (this.#xKind === 'category') return this.#nameOf(row, this.#x);
    const text = row[this.#x] ?? null;
    if (text === null) return undefined;
    if (this.#xKind === 'number') return toDrawn(text);
    const time = toMilliseconds(text);
    const period = this.#period;
    return time === undefined || period === undefined ? time : startOfPeriod(time, period);
  }

  #addPoint(row: Row, x: X, y: number, series: string): void {
    const panel = this.#panelOf(row);
    if (panel === undefined) return;
    const isBar = this.#spec.mark === 'bar' && this.#xKind === 'number';
    const hasOrder = this.#xKind === 'category' || isBar;
    if (hasOrder && this.#places.size < MAX_POINTS) this.#places.add(x);
    if (this.#spec.mark === 'dot') {
      this.#keepDot(panel, { row: this.#rows - 1, x, y, series });
      return;
    }
    if (this.#points >= MAX_POINTS && panel.series.get(series)?.get(x) === undefined) {
      if (this.#shorten()) {
        this.#addPoint(row, startOfPeriod(Number(x), this.#period!), y, series);
      } else {
        this.#rowsLeftOut++;
      }
      return;
    }
    const points = panel.series.get(series);
    const sum = points?.get(x);
    if (sum === undefined) this.#points++;
    if (points === undefined) panel.series.set(series, new Map([[x, y]]));
    else points.set(x, (sum ?? 0) + y);
  }

  /** Puts all moments into the next longer period, where that is what the chart does with too many of them. */
  #shorten(): boolean {
    const { mark, per } = this.#spec;
    const addsUp = per === 'fit' || (per === undefined && ADDING.has(mark));
    const next = PERIODS[this.#period === undefined ? 0 : PERIODS.indexOf(this.#period) + 1];
    if (this.#xKind !== 'time' || !addsUp || next === undefined) return false;
    this.#period = next;
    this.#points = 0;
    for (const panel of this.#panels.values()) {
      panel.series = coarsen(panel.series, next);
      for (const points of panel.series.values()) this.#points += points.size;
    }
    return true;
  }

  #panelOf(row: Row): GrowingPanel | undefined {
    const name = this.#panel < 0 ? '' : this.#nameOf(row, this.#panel);
    const found = this.#panels.get(name);
    if (found !== undefined) return found;
    if (this.#panels.size >= MAX_POINTS) {
      this.#rowsLeftOut++;
      return undefined;
    }
    const panel: GrowingPanel = { name, series: new Map(), dots: [], dotsSeen: 0 };
    this.#panels.set(name, panel);
    return panel;
  }

  /** Reservoir sampling, always with the same numbers, so that the same rows give the same chart. */
  #keepDot(panel: GrowingPanel, dot: Dot): void {
    panel.dotsSeen++;
    const isSample = panel.dots.length < panel.dotsSeen - 1;
    if (!isSample && panel.dots.length < MAX_DOTS && this.#points < MAX_POINTS) {
      this.#points++;
      panel.dots.push(dot);
      return;
    }
    this.#rowsLeftOut++;
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    const place = Math.floor((this.#random / 2 ** 32) * panel.dotsSeen);
    if (place < panel.dots.length) panel.dots[place] = dot;
  }
}

/** Near the ends of what a float can hold, the steps of an axis are no numbers any more. */
const MAX_DRAWN = 1e150;

/** The number that a chart draws; undefined for one that no axis has a place for. */
function toDrawn(text: string): number | undefined {
  const number = Number(text);
  if (!(Math.abs(number) <= MAX_DRAWN)) return undefined;
  return Math.abs(number) < 1 / MAX_DRAWN ? 0 : number;
}

function booleanOf(text: string): string {
  return text === 't' ? 'true' : 'false';
}

function labelOf(text: string | null): string {
  if (text === null) return NO_VALUE;
  return text === '' ? '(empty)' : text;
}
