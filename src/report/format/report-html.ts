/**
 * A page of HTML that needs nothing beside itself.
 *
 * Memory is bounded: the first rows for the table, the points of the chart, and a CSV up to
 * {@link MAX_CSV_BYTES}. As the chart stands before the table, all is written at the end.
 */
import { ChartPoints } from '../chart/chart-points.js';
import { chooseChart } from '../chart/choose-chart.js';
import { drawChart } from '../chart/draw-chart.js';
import type { AboutReport } from '../page/about-report.js';
import { SHOWN_ROWS } from '../page/page-table.js';
import { reportPage } from '../page/report-page.js';
import { csvWriter } from './report-csv.js';
import type { ReportWriter, ResultColumn, ResultRow, WriterOptions } from './report-writer.js';

/** Browsers keep a page, and each link in it, in memory. */
const MAX_CSV_BYTES = 16_000_000;

const NO_ABOUT: AboutReport = {
  name: 'report',
  title: 'Report',
  description: '',
  parameters: [],
  madeAt: new Date(0),
};

export function htmlWriter(columns: readonly ResultColumn[], options: WriterOptions): ReportWriter {
  const about = options.about ?? NO_ABOUT;
  const spec = chooseChart(columns, about.chart);
  const points = spec === undefined ? undefined : new ChartPoints(columns, spec);
  const csv = new BoundedCsv(columns, options);
  const firstRows: ResultRow[] = [];
  let rowCount = 0;
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => '',
    rows(batch) {
      rowCount += batch.length;
      firstRows.push(...batch.slice(0, SHOWN_ROWS - firstRows.length));
      points?.add(batch);
      csv.add(batch);
      return '';
    },
    tail(_, sources) {
      const drawn = points === undefined ? undefined : drawChart(points.finish());
      return reportPage({
        about,
        columns,
        rows: rowCount,
        firstRows,
        csv: csv.finish(),
        chart: drawn === undefined || spec === undefined ? undefined : { drawn, spec },
        sources,
      });
    },
  };
}

/** Whole rows, up to a number of bytes. */
class BoundedCsv {
  readonly #writer: ReportWriter;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #rows = 0;
  #isFull = false;

  constructor(columns: readonly ResultColumn[], options: WriterOptions) {
    this.#writer = csvWriter(columns, options);
    this.#keep(Buffer.from(this.#writer.head() as string));
  }

  add(batch: readonly ResultRow[]): void {
    if (this.#isFull || batch.length === 0) return;
    const piece = Buffer.from(this.#writer.rows(batch) as string);
    if (this.#bytes + piece.length > MAX_CSV_BYTES) {
      this.#isFull = true;
      return;
    }
    this.#keep(piece);
    this.#rows += batch.length;
  }

  finish(): { bytes: Uint8Array; rows: number } {
    return { bytes: Buffer.concat(this.#pieces), rows: this.#rows };
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }
}
