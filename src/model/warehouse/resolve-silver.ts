/** `silver:` → tasks. */
import { toNotes } from '../notes.js';
import { isSurelyNoDate, isText } from './column-types.js';
import { LINEAGE_COLUMN } from './known-columns.js';
import { checkColumns, findSource, noColumn, type Path, type Resolving } from './resolving.js';
import { ofSilver } from './rows-that-are-gone.js';
import { toList } from './schema-parts.js';
import type { SilverColumnInput, SilverInput } from './silver-schema.js';
import { checkSql, isAnyOfMoment } from './sql-columns.js';
import type { Ends, History, SilverColumn, SilverTask, Source } from './task.js';
import {
  endsOf,
  findOtherMembers,
  findOverwriting,
  membersOf,
  VALID_FROM,
  versionColumnsOf,
} from './versions.js';
import { describeSource, type KnownColumns } from './warehouse-catalog.js';

interface Place {
  readonly resolving: Resolving;
  readonly path: Path;
  readonly source: Source;
  readonly known: KnownColumns | undefined;
}

/** @returns undefined where its source is not known; there is a fault then */
export function resolveSilver(
  resolving: Resolving,
  name: string,
  input: SilverInput,
): SilverTask | undefined {
  const path = ['silver', name];
  const source = findSource(resolving, input.from, [...path, 'from']);
  if (source === undefined) return undefined;
  const known = resolving.columns.of(source);
  const place = { resolving, path, source, known };
  const own = new Map(Object.keys(input.columns).map((column) => [column, undefined]));
  checkColumns(resolving, input.key, own, [...path, 'key'], `silver.${name}`);
  checkSourceColumns(place, input);
  checkHistory(place, input);
  const columns = Object.entries(input.columns).map(([column, declared]) =>
    toColumn(place, column, declared),
  );
  const incremental = input['incremental-by'];
  const expressions = columns.map(({ from }) => ('sql' in from ? from.sql : undefined));
  return {
    kind: 'silver',
    name: `silver.${name}`,
    relation: { schema: resolving.catalog.layers.silver, name },
    ...toNotes(input).notes,
    source: ofSilver(resolving, source, input),
    key: toList(input.key),
    columns,
    ...(input.where === undefined ? {} : { where: input.where }),
    ...(input['latest-by'] === undefined ? {} : { latestBy: input['latest-by'] }),
    ...(input.history === undefined ? {} : { history: toHistory(place, input.history) }),
    ...(incremental === undefined
      ? {}
      : {
          incrementalBy: {
            column: incremental,
            ...(input.overlap === undefined ? {} : { overlap: input.overlap }),
          },
        }),
    asksMoment: isAnyOfMoment(resolving, [input.where, ...expressions]),
    checks: [],
  };
}

function checkSourceColumns({ resolving, path, source, known }: Place, input: SilverInput): void {
  const owner = describeSource(source);
  for (const key of ['latest-by', 'incremental-by'] as const) {
    checkColumns(resolving, input[key], known, [...path, key], owner);
  }
  if (input.where !== undefined) {
    checkSql(resolving, input.where, [...path, 'where'], known, owner);
  }
  if (input['incremental-by'] === undefined) return;
  const loaded = source.task !== undefined || source.lineageColumn !== undefined;
  if (loaded) {
    const message = `edp knows itself what changed in ${owner}; remove it`;
    resolving.add({ path: [...path, 'incremental-by'], message });
  }
}

function toHistory(
  { resolving, source }: Place,
  { by, timezone }: NonNullable<SilverInput['history']>,
): History {
  const ends = endsOf(resolving.input, resolving.catalog, source);
  return {
    by,
    ...(timezone === undefined ? {} : { timezone }),
    ...(ends === undefined ? {} : { ends }),
  };
}

function checkHistory(place: Place, input: SilverInput): void {
  const { resolving, path, source, known } = place;
  const { history, columns } = input;
  if (history === undefined) return;
  const add = (at: Path, message: string) => resolving.add({ path: [...path, ...at], message });
  const { by, timezone } = history;
  checkColumns(resolving, by, known, [...path, 'history', 'by'], describeSource(source));
  const type = known?.get(by);
  if (type !== undefined && isSurelyNoDate(type) && !(isText(type) && timezone !== undefined)) {
    const mend = isText(type)
      ? 'say which clock it was written by (timezone:)'
      : 'name a time; where records have none, a dimension of the loaded table, with type-2 and without changed-at, has versions of its loads';
    add(['history', 'by'], `"${by}" is ${type}, and versions are valid from a moment; ${mend}`);
  }
  const overwriting = findOverwriting(resolving.input, resolving.catalog, source, by);
  if (overwriting !== undefined) add(['history'], overwriting);
  const ends = endsOf(resolving.input, resolving.catalog, source);
  if (ends !== undefined) checkMembers(place, input, ends);
  const own = versionColumnsOf(ends);
  for (const column of Object.keys(columns).filter((name) => own.includes(name))) {
    add(
      ['columns', column],
      `every history has a column ${column}, which edp fills; give yours another name`,
    );
  }
}

/** Where members end, versions are those of the members. */
function checkMembers(
  { resolving, path, source }: Place,
  { key, columns, history }: SilverInput,
  ends: Ends,
): void {
  const owner = describeSource(source);
  const { by } = history!;
  if (ends === 'gaps') {
    const message = `${owner} is a history with members that ended, and its versions are all there is to know of them; remove history:, or read the table that ${owner} is made from`;
    resolving.add({ path: [...path, 'history'], message });
    return;
  }
  if (ends === 'states' && by !== VALID_FROM) {
    const message = `members of ${owner} end at moments of ${VALID_FROM}; name that (by: ${VALID_FROM})`;
    resolving.add({ path: [...path, 'history', 'by'], message });
  }
  const from = toList(key).map((name) => {
    const column = columns[name];
    return typeof column === 'string' ? column : column?.from;
  });
  const message = findOtherMembers(owner, membersOf(source), from);
  if (message !== undefined) resolving.add({ path: [...path, 'key'], message });
}

function toColumn(place: Place, name: string, declared: SilverColumnInput): SilverColumn {
  const { resolving, source, known } = place;
  const path = [...place.path, 'columns', name];
  const input = typeof declared === 'string' ? { from: declared } : declared;
  if (name === LINEAGE_COLUMN) {
    const message = `every table of silver has a column ${LINEAGE_COLUMN}, which edp fills; give yours another name`;
    resolving.add({ path, message });
  }
  const owner = describeSource(source);
  if (input.from !== undefined && known?.has(input.from) === false) {
    const at = typeof declared === 'string' ? path : [...path, 'from'];
    resolving.add({ path: at, message: noColumn(input.from, known, owner) });
  }
  if (typeof declared === 'string') {
    return { name, from: { column: declared }, onError: 'fail' };
  }
  if (declared.sql !== undefined) {
    checkSql(resolving, declared.sql, [...path, 'sql'], known, owner);
  }
  checkTimes(place, path, declared);
  checkSpellings(place, path, declared);
  return {
    name,
    from: declared.sql === undefined ? { column: declared.from! } : { sql: declared.sql },
    ...(declared.type === undefined ? {} : { type: declared.type }),
    ...(declared.timezone === undefined ? {} : { timezone: declared.timezone }),
    ...(declared.truncate === undefined ? {} : { truncate: declared.truncate }),
    ...(declared.values === undefined ? {} : { values: declared.values }),
    onError: isNullOnError(declared) ? 'null' : 'fail',
    ...toNotes(declared).notes,
  };
}

/** In YAML, null is no text. */
function isNullOnError(declared: Exclude<SilverColumnInput, string>): boolean {
  return declared['on-error'] === null || declared['on-error'] === 'null';
}

function checkTimes(
  { resolving, known }: Place,
  path: Path,
  declared: Exclude<SilverColumnInput, string>,
): void {
  const { from, type = from === undefined ? undefined : known?.get(from) } = declared;
  if (type === undefined) return;
  for (const key of ['timezone', 'truncate'] as const) {
    if (declared[key] === undefined || !isSurelyNoDate(type)) continue;
    // Its zone makes a time of it.
    if (isText(type) && declared.timezone !== undefined) continue;
    const mend = declared.type === undefined ? '; add the type that it is cast to' : '';
    resolving.add({
      path: [...path, key],
      message: `${key} is for times, and the value is ${type}${mend}`,
    });
  }
}

function checkSpellings(
  { resolving }: Place,
  path: Path,
  { values = {} }: Exclude<SilverColumnInput, string>,
): void {
  const seen = new Map<string, string>();
  for (const [value, spellings] of Object.entries(values)) {
    for (const spelling of spellings) {
      const other = seen.get(spelling);
      if (other !== undefined && other !== value) {
        const message = `${JSON.stringify(spelling)} is a spelling of ${other}, too`;
        resolving.add({ path: [...path, 'values', value], message });
      }
      seen.set(spelling, value);
    }
  }
}
