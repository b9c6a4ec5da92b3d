/**
 * A report is one SQL file whose first comment describes it and its parameters.
 *
 *     -- title: Events per hour and first dimension
 *     -- description: How many events each first dimension recorded in each hour.
 *     --   Two spaces or more continue the line above.
 *     -- param from timestamp: start of the time range, inclusive
 *     -- param top integer = 10: how many to show
 *     -- param unit text = 'hour': a default is a bare word or a quoted text; without one it is
 *     NULL
 *     -- chart: line x=hour y=events by=name
 *
 *     SELECT … WHERE :'from' IS NULL OR recorded_date >= :'from' LIMIT :'top'
 *
 * The header is the block of comment lines at the top of the file; everything from the first
 * other line on, which may be empty, is SQL. A `param` line is name, SQL type, default,
 * description; `chart` is read by {@link parseChartLine}. Only `title` is required. The SQL is one SELECT; {@link findPlaceholders} describes
 * how it names its parameters.
 */
import { EdpError } from '../base/errors.js';
import { type ChartSpec, isChartFault, parseChartLine } from './chart/chart-line.js';
import { isModelVariable, MODEL_VARIABLES } from './model-variables.js';
import { findPlaceholders, type Placeholder } from './placeholders.js';

export interface Parameter {
  readonly name: string;
  /** SQL type that a value is cast to. */
  readonly type: string;
  /** Text of the default; null is SQL's NULL. */
  readonly default: string | null;
  readonly description: string;
  /** Line of its declaration, from 1. */
  readonly line: number;
}

export interface Report {
  readonly name: string;
  readonly title: string;
  /** Empty if the file has none. */
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** The chart that it declares, if any. */
  readonly chart?: ChartSpec;
  /** The file for messages; faults are reported as `file:line`. */
  readonly file: string;
  /** The whole file, header included: its lines are those of the file. */
  readonly sql: string;
  readonly placeholders: readonly Placeholder[];
}

const PARAMETER_LINE =
  /^param\s+(?<name>[A-Za-z_]\w*)\s+(?<type>[^=:']+?)\s*(?:=\s*(?<default>'(?:[^']|'')*'|[^\s':]+)\s*)?(?::\s*(?<description>.*))?$/;

/** `integer`, `numeric(10,2)`, `timestamp with time zone`, `text[]`, `app.colour`. */
const TYPE = /^[a-z_][\w.]*( [a-z]+)*(\(\d+(, ?\d+)?\))?(\[\])?$/i;

const HEADER_HINT =
  'a header line is `-- title: …`, `-- description: …`, `-- param name type = default: …` or `-- chart: …`; two spaces continue the line above';

/**
 * @param file name of the file for messages
 * @throws EdpError `report_failed` with `file:line`, for the first fault
 */
export function parseReport(text: string, name: string, file: string): Report {
  // A byte order mark and Windows line ends are not part of the SQL, and do not change line
  // numbers.
  const sql = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const fail: Fail = (line, message, hint) => {
    throw new EdpError('report_failed', message, { place: `${file}:${line}`, hint });
  };
  const header = readHeader(sql, fail);
  const { placeholders, hasCode, secondStatement } = findPlaceholders(sql);
  if (!hasCode) fail(1, 'the file has no SQL', 'write one SELECT below the header');
  if (secondStatement !== undefined) {
    fail(
      lineAt(sql, secondStatement),
      'a report is one statement, and here a second one begins',
      'put the second statement into a file of its own',
    );
  }
  const names = header.parameters.map((parameter) => parameter.name);
  const declared = names.length === 0 ? 'none' : names.join(', ');
  for (const { kind, name: used, start } of placeholders) {
    const line = lineAt(sql, start);
    if (kind === 'positional') {
      fail(line, `$${used} is not how a report names a parameter`, "declare it and write :'name'");
    } else if (kind === 'identifier') {
      fail(line, `:"${used}" would put a value into the SQL as a name`, "values go in as :'name'");
    } else if (kind === 'value' && !names.includes(used)) {
      fail(
        line,
        `:'${used}' is not declared`,
        `declare it in the header (-- param ${used} type: …); declared: ${declared}`,
      );
    } else if (kind === 'raw' && names.includes(used)) {
      fail(line, `:${used} would put the value into the SQL as it is`, `write :'${used}'`);
    } else if (kind === 'raw' && !isModelVariable(used)) {
      fail(
        line,
        `:${used} is not known`,
        `parameters are written :'name'; raw are only ${MODEL_VARIABLES.map((v) => `:${v}`).join(', ')}`,
      );
    }
  }
  for (const { name: unused, line } of header.parameters) {
    if (placeholders.some((placeholder) => placeholder.name === unused)) continue;
    // A filter without effect would silently give wrong numbers.
    fail(line, `parameter ${unused} is never used`, `write :'${unused}' in the SQL, or remove it`);
  }
  return { name, file, sql, placeholders, ...header };
}

type Fail = (line: number, message: string, hint: string) => never;

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

type Header = Pick<Report, 'title' | 'description' | 'parameters' | 'chart'>;

function readHeader(sql: string, fail: Fail): Header {
  let chart: { text: string; line: number } | undefined;
  const texts: Partial<Record<'title' | 'description', string>> = {};
  const parameters: Parameter[] = [];
  let extendLast: ((more: string) => void) | undefined;
  for (const [index, line] of sql.split('\n').entries()) {
    if (!line.startsWith('--')) break;
    const content = line.slice(2);
    if (content.trim() === '') continue;
    const number = index + 1;
    if (/^(?: {2,}|\s*\t)/.test(content) && extendLast !== undefined) {
      extendLast(` ${content.trim()}`);
      continue;
    }
    const entry = content.trim();
    const text = /^(title|description)\s*:\s*(.+)$/.exec(entry);
    if (text !== null) {
      const key = text[1] as 'title' | 'description';
      if (texts[key] !== undefined) fail(number, `a second ${key}`, 'remove one of the two');
      texts[key] = text[2];
      extendLast = (more) => {
        texts[key] += more;
      };
      continue;
    }
    const drawn = /^chart\s*:(.*)$/.exec(entry);
    if (drawn !== null) {
      if (chart !== undefined) fail(number, 'a second chart', 'remove one of the two');
      const declared = { text: drawn[1]!, line: number };
      chart = declared;
      extendLast = (more) => {
        declared.text += more;
      };
      continue;
    }
    const parameter = toParameter(entry, number, fail);
    if (parameters.some(({ name }) => name === parameter.name)) {
      fail(number, `parameter ${parameter.name} is declared twice`, 'remove one of the two');
    }
    const position = parameters.push(parameter) - 1;
    extendLast = (more) => {
      const current = parameters[position] as Parameter;
      parameters[position] = { ...current, description: `${current.description}${more}` };
    };
  }
  if (texts.title === undefined) fail(1, 'the report has no title', HEADER_HINT);
  return {
    title: texts.title as string,
    description: texts.description ?? '',
    parameters,
    ...(chart === undefined ? {} : { chart: toChart(chart, parameters, fail) }),
  };
}

function toChart(
  { text, line }: { text: string; line: number },
  parameters: readonly Parameter[],
  fail: Fail,
): ChartSpec {
  const parsed = parseChartLine(text, line);
  if (isChartFault(parsed)) return fail(line, parsed.message, parsed.hint);
  const { limit } = parsed;
  if (limit?.startsWith(':') && !parameters.some(({ name }) => `:${name}` === limit)) {
    const names = parameters.map(({ name }) => name);
    const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    fail(line, `the chart's limit=${limit} names no parameter of the report`, known);
  }
  return parsed;
}

function toParameter(entry: string, line: number, fail: Fail): Parameter {
  const groups = PARAMETER_LINE.exec(entry)?.groups;
  if (groups === undefined) {
    return fail(line, `the header line "${entry}" is not understood`, HEADER_HINT);
  }
  const { name = '', type = '', default: value, description = '' } = groups;
  if (!TYPE.test(type)) {
    fail(line, `"${type}" does not look like an SQL type`, 'such as timestamp, integer or text');
  }
  if (isModelVariable(name)) {
    fail(line, `${name} is a name of edp's own`, 'choose another name for the parameter');
  }
  return { name, type, default: toDefault(value), description, line };
}

function toDefault(value: string | undefined): string | null {
  if (value === undefined || /^null$/i.test(value)) return null;
  return value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value;
}
