/** The result of a command without what differs from run to run, and as text that a person can read. */
import type { CliResult } from '../support/cli.js';
import { USUAL_DIALECT } from '../support/dialect-files.js';
import type { CommandLine } from './cases.js';

/** Times and durations. */
const VOLATILE_KEYS = new Set([
  'seconds',
  'startedAt',
  'effectiveAt',
  'finishedAt',
  'committedAt',
  'undoneAt',
]);

/** Beside `--json`, lines that say more than the JSON; the others repeat it, or show progress. */
const NOTES =
  /^(?:warning|edp): |^ {2}→ | is read with: | has no header and no records$| new columns: /;

/** @param cwd the directory that the command ran in */
export function describeResult(
  { text, args }: CommandLine,
  result: CliResult,
  cwd: string,
): object {
  const isJson = args.includes('--json');
  const hideDirectory = (line: string) => line.replaceAll(cwd, '<directory>');
  const messages = toLines(hideDirectory(result.stderr)).filter(
    (line) => !isJson || NOTES.test(line),
  );
  const stdout = hideDirectory(result.stdout);
  return {
    command: text,
    exit: result.status,
    ...(isJson ? { json: hideVolatile(JSON.parse(stdout)) } : { stdout: toLines(stdout) }),
    ...(messages.length > 0 ? { messages } : {}),
  };
}

function toLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n').map(hideFigures);
}

/** Durations, speeds and times of the day in a line for people. */
function hideFigures(line: string): string {
  return line
    .replace(/\b[\d.]+ s\b/g, '… s')
    .replace(/\b[\d,]+ (rows|records)\/s/g, '… $1/s')
    .replace(/\b[\d.]+ (?:B|kB|MB|GB)\/s/g, '… B/s')
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '… UTC');
}

function hideVolatile(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideVolatile);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(hideUsualLines(value)).map(([key, inner]) => [
      key,
      hideVolatileMember(key, inner),
    ]),
  );
}

function hideVolatileMember(key: string, value: unknown): unknown {
  if (VOLATILE_KEYS.has(key) && value !== null) return '…';
  if (key === 'dialect' && isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).filter(([name, part]) => part !== USUAL_DIALECT[name]),
    );
  }
  return hideVolatile(value);
}

/** What is usual of a file's lines and bytes: a header, nothing else passed over, and no byte order mark. */
function hideUsualLines(value: object): object {
  const { passedOver, byteCounts, ...rest } = value as Record<string, unknown>;
  if (!isObject(passedOver)) return value;
  const lines = withoutZeros(passedOver);
  const bytes = isObject(byteCounts) ? withoutZeros(byteCounts) : undefined;
  const isUsual =
    Object.keys(lines).length === 1 && lines.header === 1 && bytes?.byteOrderMark === undefined;
  if (isUsual) return rest;
  return { ...rest, passedOver: lines, ...(bytes === undefined ? {} : { byteCounts: bytes }) };
}

function withoutZeros(counts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const LINE_WIDTH = 110;

/** JSON with what fits into a line on one. */
export function formatJson(value: unknown, indent = ''): string {
  const text = formatValue(value, indent);
  return indent === '' ? `${text}\n` : text;
}

function formatValue(value: unknown, indent: string): string {
  const flat = JSON.stringify(value);
  if (value === null || typeof value !== 'object') return flat;
  if (indent.length + flat.length <= LINE_WIDTH) return spread(value);
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const items = Array.isArray(value)
    ? value.map((item) => inner + formatValue(item, inner))
    : Object.entries(value).map(
        ([key, item]) => `${inner}${JSON.stringify(key)}: ${formatValue(item, inner)}`,
      );
  return `${open}\n${items.join(',\n')}\n${indent}${close}`;
}

/** On one line, with blanks between its parts. */
function spread(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spread).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const items = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}: ${spread(item)}`,
  );
  return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`;
}
