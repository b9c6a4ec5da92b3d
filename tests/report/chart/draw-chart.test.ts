/** What a chart draws of odd rows: it must be an image, with numbers that exist, in bounded memory and size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChartSpec } from '../../../src/report/chart/chart-line.js';
import { parseChartLine } from '../../../src/report/chart/chart-line.js';
import { ChartPoints } from '../../../src/report/chart/chart-points.js';
import { drawChart, drawSmallChart } from '../../../src/report/chart/draw-chart.js';

type Row = readonly (string | null)[];

const COLUMNS = [
  { name: 'at', typeOid: 1114 },
  { name: 'name', typeOid: 25 },
  { name: 'n', typeOid: 701 },
  { name: 'm', typeOid: 701 },
  { name: 'late', typeOid: 16 },
];

function specOf(line: string): ChartSpec {
  const spec = parseChartLine(line, 1);
  if ('message' in spec) throw new Error(spec.message);
  return spec;
}

function pointsOf(line: string, rows: readonly Row[]) {
  const points = new ChartPoints(COLUMNS, specOf(line));
  points.add(rows);
  return points.finish();
}

/** All SVG of a chart. */
function draw(line: string, rows: readonly Row[]) {
  const data = pointsOf(line, rows);
  const chart = drawChart(data);
  const svg = [
    ...(chart?.panels.flatMap(({ wide, narrow }) => [wide, narrow ?? '']) ?? []),
    drawSmallChart(data) ?? '',
  ].join('\n');
  expect(svg).not.toMatch(/NaN|Infinity|undefined|<script|style=|<style|⚠/);
  return { chart, svg, notes: chart?.notes.join(' ') ?? '' };
}

const LINES = [
  'line x=at y=n',
  'line x=at y=n by=name',
  'line x=at y=n,m',
  'line x=at y=n panels=name',
  'area x=at y=n by=name',
  'bar x=at y=n by=name',
  'bar x=name y=n',
  'bar x=name y=n,m sort=rows',
  'bar x=m y=n',
  'dot x=m y=n by=name',
  'dot x=at y=n',
  'heatmap x=at y=name value=n',
  'heatmap x=name y=name value=n',
  'histogram x=n',
  'histogram x=m y=n',
  'line x=name y=n',
  'area x=name y=n by=name',
  'area x=m y=n by=name',
  'heatmap x=m y=name value=n',
  'heatmap x=late y=name value=m',
  'dot x=name y=n',
  'area x=at y=n by=name per=month',
  'line x=at y=n by=name per=fit',
  'dot x=at y=n by=name scale=log',
  'bar x=name y=n limit=4',
  'line x=at y=n limit=4',
];

const CASES: Readonly<Record<string, readonly Row[]>> = {
  'one row': [['2024-01-01 00:00:00', 'a', '5', '1']],
  'one row of zero': [['2024-01-01 00:00:00', 'a', '0', '0']],
  'one negative row': [['2024-01-01 00:00:00', 'a', '-5', '-1']],
  'signs that differ': [
    ['2024-01-01 00:00:00', 'a', '-5', '1'],
    ['2024-01-02 00:00:00', 'b', '5', '2'],
  ],
  'seconds and a fraction': [
    ['2024-01-01 00:00:00.25', 'a', '1', '1'],
    ['2024-01-01 00:00:00.5', 'a', '2', '2'],
  ],
  centuries: [
    ['1024-01-01 00:00:00', 'a', '1', '1'],
    ['2999-01-01 00:00:00', 'b', '2', '2'],
  ],
  'huge and tiny': [
    ['2024-01-01 00:00:00', 'a', '1e300', '1e-300'],
    ['2024-01-02 00:00:00', 'a', '1e-300', '1e300'],
    ['2024-01-03 00:00:00', 'a', '1', '1'],
  ],
  'NULL everywhere but once': [
    [null, null, null, null],
    ['2024-01-01 00:00:00', null, '1', '1'],
    ['infinity', '', 'NaN', 'Infinity'],
  ],
  'forty series': Array.from({ length: 400 }, (_, i) => [
    `2024-01-${String(1 + (i % 10)).padStart(2, '0')} 00:00:00`,
    `a rather long name of a series, number ${Math.floor(i / 10)}`,
    String(i),
    String(i % 7),
  ]),
};

describe.each(LINES)('%s', (line) => {
  it.each(Object.keys(CASES))('of %s', (name) => {
    const { chart, svg } = draw(line, CASES[name]!);
    expect(chart?.panels.length).toBeGreaterThan(0);
    expect(svg).toMatch(/^<svg [^>]*viewBox="[\d. ]+"/);
    expect(svg.length).toBeLessThan(400_000);
  });

  it('of nothing is nothing', () => {
    expect(draw(line, []).chart).toBeUndefined();
    expect(draw(line, [[null, null, null, null]]).chart?.panels ?? []).toEqual([]);
  });
});

it('of any values it is an image', () => {
  const number = fc.oneof(
    fc.constantFrom(null, 'NaN', '-Infinity', '0', '-0'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  );
  const time = fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 19).replace('T', ' '));
  const row = fc.tuple(fc.option(time), fc.option(fc.string()), number, number);
  fc.assert(
    fc.property(fc.constantFrom(...LINES), fc.array(row, { maxLength: 60 }), (line, rows) => {
      const { svg } = draw(line, rows);
      expect(svg.length).toBeLessThan(600_000);
    }),
    { numRuns: 120 },
  );
});

describe('what is put together', () => {
  const many = (count: number, series: number): Row[] =>
    Array.from({ length: count * series }, (_, i) => [
      new Date(Date.UTC(2024, 0, 1) + Math.floor(i / series) * 3_600_000)
        .toISOString()
        .slice(0, 19)
        .replace('T', ' '),
      `s${i % series}`,
      String((i % series) + 1),
      '1',
    ]);

  it('lines: the largest have colours, the others are behind them', () => {
    const { chart, notes } = draw('line x=at y=n by=name top=3', many(20, 40));
    expect(chart?.legend.map(({ label }) => label)).toEqual(['s39', 's38', 's37', 'the others']);
    expect(notes).toMatch(/The 3 largest of 40 series have colours/);
  });

  it('areas: the others are added up, and hours to days', () => {
    const { chart, notes, svg } = draw('area x=at y=n by=name top=2', many(2000, 5));
    expect(chart?.legend.map(({ label }) => label)).toEqual(['s4', 's3', '3 others']);
    expect(notes).toMatch(/a sum for each day/);
    expect(svg.length).toBeLessThan(60_000);
  });

  it('a single other series keeps its name', () => {
    const { chart } = draw('area x=at y=n by=name', many(3, 9));
    expect(chart?.legend.at(-1)?.label).toBe('s0');
  });

  it('bars: the longest, and in words what the others are', () => {
    const { notes } = draw('bar x=name y=n top=5', many(1, 50));
    expect(notes).toMatch(/5 of 50 bars; the others are in the table: 81\.2 %/);
  });

  it('lines keep their peaks, however many points they have', () => {
    const rows = many(20_000, 1).map((row, i) => (i === 7777 ? [row[0]!, 's0', '999', '1'] : row));
    const { svg } = draw('line x=at y=n', rows);
    expect(svg.length).toBeLessThan(120_000);
    expect(svg).toMatch(/from 1 to 999/);
  });

  it('dots: a sample, always the same one', () => {
    const rows = many(10_000, 1).map((row, i) => [row[0]!, 'a', String(i), String(i)]);
    const { svg, notes } = draw('dot x=m y=n', rows);
    expect(notes).toMatch(/a random sample: 8,000 rows of 10,000 are not in it/);
    expect(draw('dot x=m y=n', rows).svg).toBe(svg);
  });

  it('rows of one x are added up', () => {
    const data = pointsOf('line x=at y=n per=month', many(48, 1));
    expect([...data.panels[0]!.series.get('n')!.values()]).toEqual([48]);
  });

  it('memory ends at 200,000 points, and the rest is counted', () => {
    const points = new ChartPoints(COLUMNS, specOf('line x=m y=n'));
    const total = 250_000;
    for (let i = 0; i < total; i += 1000) {
      points.add(Array.from({ length: 1000 }, (_, at) => [null, null, '1', String(i + at)]));
    }
    const data = points.finish();
    expect(data.rowsLeftOut).toBe(50_000);
    expect(drawChart(data)?.notes.join()).toMatch(/50,000 rows of 250,000 are not in the chart/);
  });
});

describe('x with a hundred thousand different values', () => {
  const MANY: readonly Row[] = Array.from({ length: 200_000 }, (_, i) => [
    new Date(Date.UTC(2024, 0, 1) + i * 17_000).toISOString().replace('T', ' ').slice(0, 19),
    `r${i}`,
    String(i % 7),
    String(i / 2),
    't',
  ]);

  it.each([
    ['line x=name y=n', 'shows the first 1,500 of 200,000 values of name'],
    ['area x=name y=n by=name', 'shows the first 400 of 200,000 values of name'],
    ['heatmap x=name y=name value=n', 'shows the first 400 of 200,000 values of name'],
    ['area x=m y=n', 'has a sum for each 500 of m'],
    ['area x=m y=n by=name', 'has a sum for each 500 of m'],
    ['heatmap x=m y=name value=n', 'has a sum for each 500 of m'],
    ['histogram x=m y=n', 'has a sum for each 500 of m'],
    ['bar x=m y=n by=name', 'shows 20 of 200000 bars'],
    ['line x=m y=n by=name', 'not drawn'],
    ['dot x=name y=n by=name', 'a random sample'],
    ['heatmap x=at y=name value=n', 'a sum for each day'],
  ])('%s: a small picture, and words', { timeout: 30_000 }, (line, words) => {
    const { svg, notes } = draw(line, MANY);
    expect(notes).toContain(words);
    expect(svg.length).toBeLessThan(2_000_000);
  });

  it('dots of names: each dot of the sample is drawn, also of names beyond 200,000', () => {
    const points = new ChartPoints(COLUMNS, specOf('dot x=name y=n'));
    for (let i = 0; i < 300_000; i += 1000) {
      points.add(Array.from({ length: 1000 }, (_, at): Row => [null, `r${i + at}`, '1', '1']));
    }
    const data = points.finish();
    const names = new Set(data.places);
    expect(data.panels[0]!.dots).toHaveLength(2000);
    expect(data.panels[0]!.dots.filter(({ x }) => !names.has(x))).toEqual([]);
    const indexes = data.places.map((place) => Number(String(place).slice(1)));
    expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
    const { wide } = drawChart(data)!.panels[0]!;
    expect(wide.match(/<circle /g)).toHaveLength(2000);
  });

  it('dots of many panels are bounded together, and all others are counted', () => {
    const points = new ChartPoints(COLUMNS, specOf('dot x=m y=n panels=name'));
    for (let i = 0; i < 300_000; i += 1000) {
      points.add(Array.from({ length: 1000 }, (_, at): Row => [null, `p${at}`, '1', String(i)]));
    }
    const data = points.finish();
    const kept = data.panels.reduce((sum, { dots }) => sum + dots.length, 0);
    expect([kept, data.rowsLeftOut]).toEqual([200_000, 100_000]);
  });

  it('sums of a stretch are those of its rows', () => {
    const rows = MANY.slice(0, 1000).map((row) => [...row.slice(0, 2), '1', row[3]!, 't']);
    const { svg, notes } = draw('histogram x=m y=n', rows);
    expect(notes).toContain('a sum for each 2 of m');
    expect(svg).toContain('>498: 4<');
  });
});

describe('at first glance', () => {
  const hours = (first: string, count: number): Row[] =>
    Array.from({ length: count }, (_, i) => [
      new Date(Date.parse(`${first}Z`) + i * 3_600_000)
        .toISOString()
        .slice(0, 19)
        .replace('T', ' '),
      'a',
      '5',
      '1',
    ]);
  /** The lines of the large picture, the one of most points first. */
  const linesOf = (svg: string) =>
    [...svg.split('</svg>')[0]!.matchAll(/<path[^>]* d="(M[^"]*)"/g)]
      .map(([, d]) => d!)
      .sort((a, b) => b.length - a.length);
  /** What is written in the large picture. */
  const words = (svg: string) =>
    [...svg.split('</svg>')[0]!.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map(
      ([, text]) => text!,
    );

  it('a line does not bridge months of which nothing is known', () => {
    const { svg } = draw('line x=at y=n', [
      ...hours('2024-01-01T00:00:00', 50),
      ...hours('2024-06-01T00:00:00', 50),
    ]);
    const [line] = linesOf(svg);
    expect(line!.match(/M/g)).toHaveLength(2);
    expect(line!.match(/L/g)).toHaveLength(98);
  });

  it('a line bridges a weekend, and moments without a rhythm', () => {
    const days = ['01', '02', '03', '04', '05', '08', '09'].map(
      (day) => hours(`2024-01-${day}T00:00:00`, 1)[0]!,
    );
    const odd: Row[] = ['01 00:00:01', '01 00:00:02', '01 00:00:04', '09 11:12:13'].map((at) => [
      `2024-01-${at}`,
      'a',
      '5',
      '1',
    ]);
    for (const rows of [days, odd]) {
      const { svg } = draw('line x=at y=n', rows);
      const lines = [...svg.matchAll(/<path[^>]* d="(M[^"]*)"/g)].map(([, d]) => d!);
      expect(lines.some((d) => d.split('L').length === rows.length)).toBe(true);
    }
  });

  it('an area is nothing where nothing is', () => {
    const { svg } = draw('area x=at y=n', [
      ...hours('2024-01-01T00:00:00', 3),
      ...hours('2024-01-05T00:00:00', 3),
    ]);
    const [, area] = /<path[^>]* d="(M[^"]*)Z"/.exec(svg)!;
    expect(area!.split('L')).toHaveLength(16);
  });

  it('per=fit takes the shortest period that has room', () => {
    expect(draw('line x=at y=n per=fit', hours('2024-01-01T00:00:00', 744)).notes).toBe('');
    expect(draw('line x=at y=n per=fit', hours('2024-01-01T00:00:00', 800)).notes).toMatch(
      /a sum for each day/,
    );
  });

  it.each(['line x=at y=n per=fit', 'area x=at y=n'])(
    '%s: many moments leave no row out',
    (line) => {
      const points = new ChartPoints(COLUMNS, specOf(line));
      const moments = 260_000;
      for (let i = 0; i < moments; i += 1000) {
        points.add(
          Array.from({ length: 1000 }, (_, at) => [
            new Date((i + at) * 61_000).toISOString().slice(0, 19).replace('T', ' '),
            'a',
            '1',
            '1',
          ]),
        );
      }
      const data = points.finish();
      expect(data.rowsLeftOut).toBe(0);
      const sums = [...data.panels[0]!.series.get('n')!.values()];
      expect(sums.length).toBeLessThan(10_000);
      expect(sums.reduce((a, b) => a + b)).toBe(moments);
    },
  );

  it('a boolean is told by its column, with the same colour in each report', () => {
    const rows: Row[] = [
      [null, 'a', '50', '1', 't'],
      [null, 'b', '1', '1', 'f'],
    ];
    const legend = (shown: Row[]) =>
      draw('bar x=name y=n by=late', shown).chart?.legend.map(({ label }) => label);
    expect(legend(rows)).toEqual(['not late', 'late']);
    expect(legend(rows.slice(0, 1))).toEqual(['not late', 'late']);
    expect(words(draw('bar x=late y=n', rows).svg)).toEqual(
      expect.arrayContaining(['true', 'false']),
    );
  });

  it('an axis of zeros has plain numbers, and words say so', () => {
    const rows = hours('2024-01-01T00:00:00', 3).map((row) => [row[0]!, 'a', '0', '0']);
    for (const line of ['line x=at y=n', 'bar x=name y=n', 'area x=at y=n']) {
      const { svg, notes } = draw(line, rows);
      expect(words(svg).join(' ')).not.toMatch(/\de[+-]/);
      expect(notes).toBe(
        'All values are 0.'.replace(
          'All values are',
          line.startsWith('bar') ? 'The value is' : 'All values are',
        ),
      );
    }
  });

  it('names that begin alike are cut inside, so that they stay different', () => {
    const rows: Row[] = Array.from({ length: 12 }, (_, i) => [
      null,
      `data/a/rather/long/folder/of/files/events-of-the-day-${i + 1}.csv`,
      String(100 - i),
      '1',
    ]);
    const { chart } = draw('bar x=name y=n', rows);
    for (const svg of [chart!.panels[0]!.wide, chart!.panels[0]!.narrow!]) {
      const names = words(svg).filter((word) => word.startsWith('data/'));
      expect(new Set(names).size).toBe(12);
      expect(names[0]).toMatch(/…/);
    }
  });

  it('a bar has its sum at its end', () => {
    const rows: Row[] = [
      [null, 'a', '1234567', '1'],
      [null, 'b', '-3', '1'],
    ];
    expect(words(draw('bar x=name y=n', rows).svg)).toEqual(
      expect.arrayContaining(['1.235M', '-3']),
    );
  });

  it('moments of milliseconds do not write over each other', () => {
    const rows: Row[] = [1, 2, 3, 4, 5, 6].map((second) => [
      `2024-01-01 12:01:0${second}.25`,
      'a',
      '1',
      '1',
    ]);
    const clocks = words(draw('dot x=at y=n', rows).svg).filter((word) => /^12:01/.test(word));
    expect(clocks.length).toBeGreaterThan(2);
    expect(clocks.length * clocks[0]!.length * 6.4).toBeLessThan(860);
  });

  it('scale=log: powers of ten, and what has no place on them is counted', () => {
    const rows: Row[] = ['0', '3', '40', '500', '60000'].map((n, i) => [
      `2024-01-0${i + 1} 00:00:00`,
      'a',
      n,
      '1',
    ]);
    const { svg, notes } = draw('dot x=at y=n scale=log', rows);
    expect(words(svg)).toEqual(expect.arrayContaining(['1', '10', '100', '1000', '10K', '100K']));
    expect(notes).toMatch(/logarithmic.*; 1 value not above 0 is not drawn\./);
    expect(draw('dot x=at y=n scale=log', rows.slice(1, 3)).notes).toBe('');
  });

  it('a limit is a dashed line, and a far one only words', () => {
    const rows: Row[] = [[null, 'a', '30', '1']];
    const chartOf = (limitAt: number) => {
      const points = new ChartPoints(COLUMNS, {
        ...specOf('bar x=name y=n limit=:hours'),
        limitAt,
      });
      points.add(rows);
      return drawChart(points.finish())!;
    };
    const near = chartOf(24);
    expect(near.panels[0]!.wide).toMatch(/stroke-dasharray="4,3"/);
    expect(near.notes).toEqual(['The dashed line is at hours = 24.']);
    const far = chartOf(2400);
    expect(far.panels[0]!.wide).not.toMatch(/dasharray/);
    expect(far.notes).toEqual(['The limit, hours = 2400, is far beyond all that is drawn.']);
  });

  it.each(['line', 'area', 'dot', 'heatmap'])('%s: names have the order of the report', (mark) => {
    const week = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
    // The larger series has the last days first, and lacks one.
    const rows = [
      ...week.map((day, i) => [null, day, String(i + 1), 'small', 't']),
      ...week.toReversed().map((day, i) => [null, day, String(90 + i), 'large', 't']),
    ].filter(([, day, , name]) => !(day === 'Wed' && name === 'large'));
    const rest = mark === 'heatmap' ? 'x=name y=m value=n' : 'x=name y=n by=m';
    const { svg } = draw(`${mark} ${rest}`, rows);
    expect(words(svg).filter((tick) => week.includes(tick))).toEqual(week);
    for (const path of linesOf(svg).filter((d) => mark === 'line' && d.includes('L'))) {
      const xs = path
        .split(/[ML]/)
        .slice(1)
        .map((at) => Number(at.split(',')[0]));
      expect([xs, xs.toReversed()]).toContainEqual(xs.toSorted((a, b) => a - b));
    }
  });

  /** What stands along y, from above. */
  const alongY = (svg: string) => words(svg).slice(0, 4);

  it.each([
    ['numbers by number', ['10', '9', '100', '-3'], ['-3', '9', '10', '100']],
    [
      'dates by date',
      ['2024-10-02', '2024-09-30', '10000-01-01'],
      ['2024-09-30', '2024-10-02', '10000-01-01'],
    ],
    ['what has no value last', ['7', null, '12'], ['7', '12', '(none)']],
    ['others by size', ['b', '1st', 'c'], ['b', '1st', 'c']],
  ])('rows of a heat map: %s', (_, names, expected) => {
    const rows = names.map(
      (name, i): Row => ['2024-01-01 00:00:00', name, String(9 - i), '1', 't'],
    );
    expect(alongY(draw('heatmap x=at y=name value=n', rows).svg).slice(0, expected.length)).toEqual(
      expected,
    );
  });

  it('a heat map says which of its rows are not there', () => {
    const rows = Array.from(
      { length: 40 },
      (_, i): Row => [null, `r${i}`, String(i + 1), '1', 't'],
    );
    const { notes, svg } = draw('heatmap x=late y=name value=n', rows);
    expect(notes).toContain(
      'The chart shows the 30 largest of 40 values of name; the others are in the table.',
    );
    expect(words(svg).filter((word) => /^r\d+$/.test(word))).toEqual(
      Array.from({ length: 30 }, (_, i) => `r${39 - i}`),
    );
  });

  describe('the order of bars', () => {
    // The series of the first row has the last bar, too, so that points do not come as the rows do.
    const rows: Row[] = [
      [null, 'b', '10', '20', 't'],
      [null, 'c', '30', '3', 'f'],
      [null, 'a', '20', '100', 't'],
      [null, 'd', '20', '1', 'f'],
    ];
    const barsOf = (line: string) => {
      const { svg } = draw(line, rows);
      return words(svg).slice(0, 4);
    };

    it.each([
      ['bar x=name y=n', ['c', 'a', 'd', 'b']],
      ['bar x=name y=n sort=value', ['c', 'a', 'd', 'b']],
      ['bar x=name y=n sort=rows', ['b', 'c', 'a', 'd']],
      ['bar x=name y=n by=late', ['c', 'a', 'd', 'b']],
      ['bar x=name y=n by=late sort=rows', ['b', 'c', 'a', 'd']],
      ['bar x=m y=n', ['1', '3', '20', '100']],
      ['bar x=m y=n sort=value', ['3', '100', '1', '20']],
      ['bar x=m y=n by=late sort=rows', ['20', '3', '100', '1']],
    ])('%s', (line, expected) => {
      expect(barsOf(line)).toEqual(expected);
    });

    it('of many numbers the longest are there, in their order', () => {
      const many = Array.from(
        { length: 50 },
        (_, i): Row => [null, '', String((i * 7) % 50), String(i)],
      );
      const { svg } = draw('bar x=m y=n top=3', many);
      // 7 * 43 = 301, 7 * 7 = 49, 7 * 14 = 98.
      expect(words(svg).slice(0, 3)).toEqual(['7', '14', '21']);
    });
  });

  it('a heat map of numbers has them in their order, both ways', () => {
    const hours = ['10', '2', '0', '23'];
    const rows = hours.flatMap((hour) => hours.map((day) => [null, '', hour, day, 't']));
    const { svg } = draw(`heatmap x=n y=m value=n`, rows);
    expect(words(svg).slice(0, 8).toSorted()).toEqual(['0', '0', '10', '10', '2', '2', '23', '23']);
    expect(words(svg).join(' ')).toMatch(/0 2 10 23/);
  });
});
