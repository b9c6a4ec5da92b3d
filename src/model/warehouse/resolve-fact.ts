/** `facts:` → tasks. */
import { fieldsOf } from '../expression.js';
import { toNotes } from '../notes.js';
import { isDay, isSurelyNoDate, isSurelyNoNumber } from './column-types.js';
import type { FactInput, MeasureInput } from './fact-schema.js';
import { GOLD_TIMES } from './known-columns.js';
import { averageParts, parseMeasure } from './measure.js';
import { resolveFactPartitions } from './resolve-fact-partitions.js';
import { resolveLookUps } from './resolve-look-ups.js';
import { checkColumns, findSource, noColumn, type Path, type Resolving } from './resolving.js';
import { ofFact } from './rows-that-are-gone.js';
import { toList } from './schema-parts.js';
import type { FactTask, Measure, Source } from './task.js';
import { isHistory, VALID_FROM } from './versions.js';
import { describeSource, type KnownColumns } from './warehouse-catalog.js';

const MONTHS = 'month';

/** @returns undefined where its source is not known; there is a fault then */
export function resolveFact(
  resolving: Resolving,
  name: string,
  input: FactInput,
): FactTask | undefined {
  const path = ['facts', name];
  const source = findSource(resolving, input.from, [...path, 'from']);
  const known = resolving.columns.of(source);
  const lookUps = resolveLookUps(resolving, path, input, source, known);
  checkNames(resolving, path, input);
  const measures = resolveMeasures(resolving, path, input.measures ?? {}, source, known);
  if (source === undefined) return undefined;
  const owner = describeSource(source);
  for (const key of ['date', 'columns', 'key'] as const) {
    checkColumns(resolving, input[key], known, [...path, key], owner);
  }
  checkDate(resolving, path, input, known);
  const partitions = resolveFactPartitions(resolving, path, input);
  const fact = {
    kind: 'fact' as const,
    name: `gold.${name}`,
    relation: { schema: resolving.catalog.layers.gold, name },
    ...toNotes(input).notes,
    source: ofFact(source, input, measures),
    date: input.date,
    ...(input.timezone === undefined ? {} : { timezone: input.timezone }),
    slice: input.slice ?? 'day',
    readsCurrent: isHistory(resolving.input, source) && !toList(input.key).includes(VALID_FROM),
    lookUps,
    columns: toList(input.columns),
    ...(partitions === undefined ? {} : { partitions }),
    checks: [],
  };
  return input.measures === undefined ? { ...fact, key: toList(input.key) } : { ...fact, measures };
}

function checkDate(
  resolving: Resolving,
  path: Path,
  { date, slice }: FactInput,
  known: KnownColumns | undefined,
): void {
  const type = known?.get(date);
  if (type === undefined) return;
  if (isSurelyNoDate(type)) {
    const message = `"${date}" is ${type}, which is no date; cast it in silver (type: timestamp), and read that`;
    resolving.add({ path: [...path, 'date'], message });
  } else if (slice === 'hour' && isDay(type)) {
    const message = `"${date}" is a date, which has no hours; slice by day or ${MONTHS}`;
    resolving.add({ path: [...path, 'slice'], message });
  }
}

/** Each column of the fact has one meaning. */
function checkNames(resolving: Resolving, path: Path, input: FactInput): void {
  const seen = new Map<string, string>([
    ['date', 'the column that edp makes of date:'],
    ...GOLD_TIMES.map((column) => [column, 'a column that edp fills'] as const),
  ]);
  const add = (column: string, at: Path, what: string) => {
    const other = seen.get(column);
    if (other === undefined) seen.set(column, what);
    else resolving.add({ path: at, message: `"${column}" is ${other}, too` });
  };
  for (const key of ['key', 'columns'] as const) {
    const value = input[key];
    // One that is named twice in one list has that fault already.
    [...new Set(toList(value))].forEach((column, i) => {
      const at = typeof value === 'string' ? [...path, key] : [...path, key, i];
      add(column, at, `a column of ${key}`);
    });
  }
  for (const column of Object.keys(input.dimensions ?? {})) {
    add(column, [...path, 'dimensions', column], 'a look-up');
  }
  for (const [column, declared] of Object.entries(input.measures ?? {})) {
    const at = [...path, 'measures', column];
    add(column, at, 'a measure');
    const value = typeof declared === 'string' ? declared : declared.value;
    for (const part of averageParts(column, value))
      add(part, at, `a part of the average ${column}`);
  }
}

function resolveMeasures(
  resolving: Resolving,
  path: Path,
  measures: Readonly<Record<string, MeasureInput>>,
  source: Source | undefined,
  known: KnownColumns | undefined,
): Measure[] {
  return Object.entries(measures).flatMap(([name, declared]) => {
    const at = [...path, 'measures', name];
    const input = typeof declared === 'string' ? { value: declared } : declared;
    try {
      const parsed = parseMeasure(input.value);
      const measure = {
        name,
        ...parsed,
        ...('round' in input && input.round !== undefined ? { round: input.round } : {}),
        ...toNotes(input).notes,
      };
      checkMeasure(resolving, at, measure, source, known);
      return [measure];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      resolving.add({ path: at, message: error.message });
      return [];
    }
  });
}

function checkMeasure(
  resolving: Resolving,
  path: Path,
  { aggregate, of, round }: Measure,
  source: Source | undefined,
  known: KnownColumns | undefined,
): void {
  if (round !== undefined && aggregate === 'count') {
    resolving.add({ path, message: 'count gives whole numbers; remove round' });
  }
  if (of === undefined || known === undefined || source === undefined) return;
  const isOfNumbers = aggregate === 'sum' || aggregate === 'avg' || of.kind !== 'field';
  for (const field of fieldsOf(of)) {
    const type = known.get(field);
    if (!known.has(field)) {
      resolving.add({ path, message: noColumn(field, known, describeSource(source)) });
    } else if (isOfNumbers && type !== undefined && isSurelyNoNumber(type)) {
      resolving.add({ path, message: `"${field}" is ${type}, which is no number` });
    }
  }
}
