/** The chart of a report: the declared one, checked against the columns, or one that suits their types. */
import { suggest } from '../../base/nearest.js';
import type { ChartFault, ChartSpec, Mark } from './chart-line.js';
import { kindOf } from './column-kinds.js';

export interface ChartColumn {
  readonly name: string;
  readonly typeOid: number;
}

/** The number of a row, or what is like it: nothing to draw as a quantity. */
const IDENTIFIER = /(^|_)(id|oid|number|line|code|year|zip)$/i;

/** @returns undefined for a report that shows nothing as a chart */
export function chooseChart(
  columns: readonly ChartColumn[],
  declared: ChartSpec | undefined,
): ChartSpec | undefined {
  if (declared !== undefined) return declared.mark === 'none' ? undefined : declared;
  const ofKind = (kind: string) =>
    columns.filter(({ name, typeOid }) => kindOf(typeOid) === kind && !IDENTIFIER.test(name));
  const [time] = ofKind('time');
  const [category] = ofKind('category');
  const [number, second] = ofKind('number');
  if (number === undefined) return undefined;
  const spec = (mark: Mark, x: ChartColumn, y: ChartColumn) => ({
    mark,
    x: x.name,
    y: [y.name],
  });
  if (time !== undefined) {
    return {
      ...spec('line', time, number),
      ...(category === undefined ? {} : { by: category.name }),
    };
  }
  if (category !== undefined) return spec('bar', category, number);
  if (second !== undefined) return spec('dot', number, second);
  return { mark: 'histogram', x: number.name, y: [] };
}

/** What a declared chart says of columns that the report does not have, or that have another type. */
export function findChartFault(
  columns: readonly ChartColumn[],
  spec: ChartSpec,
): ChartFault | undefined {
  const names = columns.map(({ name }) => name);
  const numbers = [...spec.y, spec.value].filter((name) => name !== undefined);
  for (const name of [spec.x, spec.by, spec.panels, ...numbers]) {
    if (name === undefined || names.includes(name)) continue;
    return {
      message: `the chart names a column "${name}", which the report does not have`,
      hint: suggest(name, names, `its columns are: ${names.join(', ')}`),
    };
  }
  const kind = (name: string) => kindOf(columns.find((column) => column.name === name)!.typeOid);
  const quantities =
    spec.mark === 'heatmap'
      ? [spec.value!]
      : spec.mark === 'histogram'
        ? [spec.x!, ...spec.y]
        : spec.y;
  const notNumber = quantities.find((name) => kind(name) !== 'number');
  if (notNumber !== undefined) {
    return {
      message: `the chart draws column "${notNumber}" as a number, and it is none`,
      hint: 'take a column of numbers, or CAST it in the SELECT',
    };
  }
  if (spec.per !== undefined && kind(spec.x!) !== 'time') {
    return {
      message: `per=${spec.per} is for a column of times, and "${spec.x}" is none`,
      hint: 'omit per=, or name a date or timestamp as x=',
    };
  }
  if (spec.sort !== undefined && kind(spec.x!) === 'time') {
    return {
      message: `sort=${spec.sort} is for bars of names and numbers, and "${spec.x}" is a column of times`,
      hint: 'omit sort=, or CAST the column to text in the SELECT',
    };
  }
  if (spec.by !== undefined && spec.y.length > 1) {
    return {
      message: 'by= and several columns in y= would both be the series',
      hint: 'omit by=, or name one column in y=',
    };
  }
  return undefined;
}
