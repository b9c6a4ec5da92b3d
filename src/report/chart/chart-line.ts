/**
 * The line of a report's header that declares its chart:
 *
 *     -- chart: line x=current_hour y=num_events by=dimension_name top=6
 *     -- chart: bar x=path y=rows_loaded,rows_rejected
 *     -- chart: heatmap x=day y=code value=records
 *     -- chart: none
 *
 * A mark, then `key=value` in any order; a value with spaces is written `'so'`.
 */
import { nearest } from '../../base/nearest.js';

export const MARKS = ['line', 'area', 'bar', 'dot', 'heatmap', 'histogram', 'none'] as const;
export type Mark = (typeof MARKS)[number];

/** Widths of time into which moments are put together, so that few points are left of many. */
export const PERIODS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type Period = (typeof PERIODS)[number];

/** `fit` is the shortest period that the chart has room for. */
export type Per = Period | 'fit';

export interface ChartSpec {
  readonly mark: Mark;
  readonly x?: string;
  /** Several columns are several series. */
  readonly y: readonly string[];
  /** Column whose values are the series. */
  readonly by?: string;
  /** Column whose values get a chart each, with a scale of its own. */
  readonly panels?: string;
  /** Column of the colour of a heatmap. */
  readonly value?: string;
  /** Series, or bars, that are shown; the smaller ones are put together. */
  readonly top?: number;
  readonly per?: Per;
  /** Order of bars: by their length, or as the report has them. */
  readonly sort?: 'value' | 'rows';
  /** How values become heights: `log` by powers of ten, where all are above zero and differ by much. */
  readonly scale?: 'linear' | 'log';
  /** A number, or the `:name` of a parameter, at which a line is drawn across. */
  readonly limit?: string;
  /** Where that is, once the values of the parameters are known. */
  readonly limitAt?: number;
  /** Line in the file, from 1; undefined for a chart that nobody declared. */
  readonly line?: number;
}

export interface ChartFault {
  readonly message: string;
  readonly hint: string;
}

const KEYS = ['x', 'y', 'by', 'panels', 'value', 'top', 'per', 'sort', 'scale', 'limit'] as const;
type Key = (typeof KEYS)[number];

/** What each mark understands, what it needs first. */
const KEYS_OF: Readonly<Record<Mark, { needs: readonly Key[]; may: readonly Key[] }>> = {
  line: { needs: ['x', 'y'], may: ['by', 'panels', 'top', 'per', 'limit'] },
  area: { needs: ['x', 'y'], may: ['by', 'panels', 'top', 'per', 'limit'] },
  bar: { needs: ['x', 'y'], may: ['by', 'panels', 'top', 'per', 'sort', 'limit'] },
  dot: { needs: ['x', 'y'], may: ['by', 'panels', 'top', 'scale', 'limit'] },
  heatmap: { needs: ['x', 'y', 'value'], may: ['top', 'per'] },
  histogram: { needs: ['x'], may: ['y', 'panels'] },
  none: { needs: [], may: [] },
};

const WORD = /\s*(?:(?<key>[A-Za-z_]\w*)=)?(?<value>(?:'(?:[^']|'')*'|[^\s'])+)/y;

/** @param text what stands behind `chart:` */
export function parseChartLine(text: string, line: number): ChartSpec | ChartFault {
  const words = splitWords(text);
  if (words === undefined) {
    return { message: 'a quote of the chart line is not closed', hint: "write 'a name'" };
  }
  const [first, ...rest] = words;
  const mark = MARKS.find((name) => name === first?.value);
  if (first === undefined || first.key !== undefined || mark === undefined) {
    return {
      message: `a chart line begins with what is drawn, not with "${first?.key ?? first?.value ?? ''}"`,
      hint: `write -- chart: ${MARKS.join(' | ')}, then x=column y=column`,
    };
  }
  const values = new Map<Key, string>();
  const { needs, may } = KEYS_OF[mark];
  for (const { key, value } of rest) {
    const fault = refuse(mark, key, value, values, [...needs, ...may]);
    if (fault !== undefined) return fault;
    values.set(key as Key, value);
  }
  const missing = needs.find((key) => !values.has(key));
  if (missing !== undefined) {
    return {
      message: `a chart of the kind ${mark} needs ${missing}=`,
      hint: `as in -- chart: ${mark} ${needs.map((key) => `${key}=column`).join(' ')}`,
    };
  }
  return toSpec(mark, values, line);
}

/** @param values of the report's parameters */
export function resolveLimit(
  spec: ChartSpec,
  values: ReadonlyMap<string, string | null>,
): ChartSpec {
  if (spec.limit === undefined) return spec;
  const value = spec.limit.startsWith(':') ? values.get(spec.limit.slice(1)) : spec.limit;
  const limitAt = value == null || value.trim() === '' ? Number.NaN : Number(value);
  return Number.isFinite(limitAt) ? { ...spec, limitAt } : spec;
}

export function isChartFault(parsed: ChartSpec | ChartFault): parsed is ChartFault {
  return 'message' in parsed;
}

function splitWords(text: string): { key: string | undefined; value: string }[] | undefined {
  const words: { key: string | undefined; value: string }[] = [];
  const end = text.trimEnd().length;
  for (WORD.lastIndex = 0; WORD.lastIndex < end; ) {
    const groups = WORD.exec(text)?.groups;
    if (groups === undefined) return undefined;
    words.push({ key: groups.key, value: groups.value ?? '' });
  }
  return words;
}

function refuse(
  mark: Mark,
  key: string | undefined,
  value: string,
  values: ReadonlyMap<Key, string>,
  allowed: readonly Key[],
): ChartFault | undefined {
  if (key === undefined) {
    return { message: `"${value}" in the chart line has no name`, hint: `write key=${value}` };
  }
  if (!(allowed as readonly string[]).includes(key)) {
    const meant = nearest(key, allowed);
    return {
      message: `a chart of the kind ${mark} has no ${key}=`,
      hint:
        meant === undefined
          ? allowed.length === 0
            ? 'write it alone'
            : `it has ${allowed.map((name) => `${name}=`).join(', ')}`
          : `did you mean ${meant}=?`,
    };
  }
  if (values.has(key as Key)) {
    return { message: `${key}= stands twice in the chart line`, hint: 'remove one of the two' };
  }
  if (key === 'top' && !/^[1-9]\d?$/.test(value)) {
    return { message: `top=${value} is not a number from 1 to 99`, hint: 'such as top=6' };
  }
  if (key === 'per' && value !== 'fit' && !(PERIODS as readonly string[]).includes(value)) {
    return { message: `per=${value} is no period`, hint: `take one of ${PERIODS.join(', ')}, fit` };
  }
  if (key === 'scale' && value !== 'linear' && value !== 'log') {
    return { message: `scale=${value} is no scale`, hint: 'it is linear or log' };
  }
  if (key === 'limit' && !/^(-?\d+(\.\d+)?|:[A-Za-z_]\w*)$/.test(value)) {
    return {
      message: `limit=${value} is neither a number nor a parameter`,
      hint: 'such as limit=24, or limit=:name of a parameter',
    };
  }
  if (key === 'sort' && value !== 'value' && value !== 'rows') {
    return {
      message: `sort=${value} is no order`,
      hint: 'sort=value is by length, sort=rows as in the report',
    };
  }
  return undefined;
}

function toSpec(mark: Mark, values: ReadonlyMap<Key, string>, line: number): ChartSpec {
  const column = (key: Key): string | undefined => {
    const value = values.get(key);
    return value === undefined ? undefined : unquote(value);
  };
  const [x, by, panels, value] = (['x', 'by', 'panels', 'value'] as const).map(column);
  const top = values.get('top');
  return {
    mark,
    y: splitList(values.get('y') ?? ''),
    line,
    ...(x === undefined ? {} : { x }),
    ...(by === undefined ? {} : { by }),
    ...(panels === undefined ? {} : { panels }),
    ...(value === undefined ? {} : { value }),
    ...(top === undefined ? {} : { top: Number(top) }),
    ...(values.has('per') ? { per: values.get('per') as Per } : {}),
    ...(values.has('scale') ? { scale: values.get('scale') as 'linear' | 'log' } : {}),
    ...(values.has('limit') ? { limit: values.get('limit')! } : {}),
    ...(values.has('sort') ? { sort: values.get('sort') as 'value' | 'rows' } : {}),
  };
}

function unquote(text: string): string {
  return text.replace(/'((?:[^']|'')*)'/g, (_, inner: string) => inner.replaceAll("''", "'"));
}

/** At commas that are in no quotes. */
function splitList(text: string): string[] {
  return (text.match(/(?:'(?:[^']|'')*'|[^,'])+/g) ?? []).map(unquote);
}
