/** The chart line of a report's header, and its faults. */
import { describe, expect, it } from 'vitest';
import { parseChartLine, resolveLimit } from '../../../src/report/chart/chart-line.js';
import { findChartFault } from '../../../src/report/chart/choose-chart.js';

describe('a chart line', () => {
  it.each([
    ['line x=hour y=events', { mark: 'line', x: 'hour', y: ['events'] }],
    [
      'line x=hour y=events by=name top=6',
      { mark: 'line', x: 'hour', y: ['events'], by: 'name', top: 6 },
    ],
    ['bar y=a,b x=path sort=rows', { mark: 'bar', x: 'path', y: ['a', 'b'], sort: 'rows' }],
    ['area x=day y=n per=week', { mark: 'area', x: 'day', y: ['n'], per: 'week' }],
    ['line x=at y=n per=fit', { mark: 'line', x: 'at', y: ['n'], per: 'fit' }],
    ['dot x=at y=n scale=log', { mark: 'dot', x: 'at', y: ['n'], scale: 'log' }],
    ['bar x=a y=n limit=-1.5', { mark: 'bar', x: 'a', y: ['n'], limit: '-1.5' }],
    ['heatmap x=day y=code value=n', { mark: 'heatmap', x: 'day', y: ['code'], value: 'n' }],
    ['histogram x=seconds', { mark: 'histogram', x: 'seconds', y: [] }],
    [
      "dot x='first, one' y='it''s',b panels=p",
      { mark: 'dot', x: 'first, one', y: ["it's", 'b'], panels: 'p' },
    ],
    ['none', { mark: 'none', y: [] }],
    ['  bar   x=größe y=n  ', { mark: 'bar', x: 'größe', y: ['n'] }],
  ])('%s', (text, expected) => {
    expect(parseChartLine(text, 7)).toEqual({ ...expected, line: 7 });
  });

  it.each([
    ['', /begins with what is drawn/, /line \| area/],
    ['pie x=a y=b', /not with "pie"/, /line \| area/],
    ['x=a line', /not with "x"/, /line \| area/],
    ['line x=a', /needs y=/, /line x=column y=column/],
    ['line x=a y=b colour=red', /has no colour=/, /x=, y=, by=/],
    ['line x=a y=b topp=3', /has no topp=/, /did you mean top=/],
    ['line x=a y=b x=c', /x= stands twice/, /remove/],
    ['line x=a y=b top=0', /top=0 is not a number/, /top=6/],
    ['line x=a y=b top=many', /top=many/, /top=6/],
    ['line x=a y=b per=fortnight', /per=fortnight is no period/, /hour, day/],
    ['bar x=a y=b sort=up', /sort=up is no order/, /sort=value/],
    ['bar x=a y=b scale=log', /has no scale=/, /x=, y=/],
    ['dot x=a y=b scale=cubic', /scale=cubic is no scale/, /linear or log/],
    ['bar x=a y=b limit=much', /limit=much is neither/, /limit=:name/],
    ['line x=a y=b stray', /"stray" in the chart line has no name/, /key=stray/],
    ["line x='a y=b", /quote .* not closed/, /'a name'/],
    ['none x=a', /has no x=/, /alone/],
  ])('%s is a fault', (text, message, hint) => {
    const fault = parseChartLine(text, 7);
    expect(fault).toEqual({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});

describe('a limit', () => {
  const limitAt = (limit: string, hours: string | null) => {
    const spec = parseChartLine(`bar x=a y=b limit=${limit}`, 1);
    if ('message' in spec) throw new Error(spec.message);
    return resolveLimit(spec, new Map([['hours', hours]])).limitAt;
  };

  it.each([
    ['24', null, 24],
    [':hours', '36.5', 36.5],
    [':hours', null, undefined],
    [':hours', 'NaN', undefined],
    [':hours', ' ', undefined],
  ] as const)('%s where hours is %s', (limit, hours, expected) => {
    expect(limitAt(limit, hours)).toBe(expected);
  });
});

describe('against the columns', () => {
  const columns = [
    { name: 'day', typeOid: 1082 },
    { name: 'name', typeOid: 25 },
    { name: 'events', typeOid: 20 },
  ];
  const faultOf = (text: string) => {
    const spec = parseChartLine(text, 1);
    if ('message' in spec) throw new Error(spec.message);
    return findChartFault(columns, spec);
  };

  it.each([
    'line x=day y=events by=name',
    'bar x=name y=events',
    'histogram x=events',
    'heatmap x=day y=name value=events',
    'area x=day y=events per=week',
    'none',
  ])('%s is right', (text) => {
    expect(faultOf(text)).toBeUndefined();
  });

  it.each([
    ['line x=days y=events', /"days", which the report does not have/, /did you mean "day"/],
    ['line x=day y=event_count', /"event_count"/, /day, name, events/],
    ['line x=day y=name', /draws column "name" as a number/, /CAST/],
    ['heatmap x=day y=events value=name', /"name" as a number/, /CAST/],
    ['bar x=name y=events per=day', /per=day is for a column of times/, /omit/],
    ['line x=day y=events,events by=name', /would both be the series/, /omit by=/],
  ])('%s is a fault', (text, message, hint) => {
    expect(faultOf(text)).toEqual({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
