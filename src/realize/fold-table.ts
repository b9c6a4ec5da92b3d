/** One table, or a part of its keys: made ready, its keys marked, and folded. */
import type pg from 'pg';
import { failpoint } from '../base/failpoints.js';
import type { EventTable } from '../events/event-table.js';
import { type ChangeKind, recordChanges, withoutKeys } from '../ledger/changes.js';
import type { ReadersOf } from '../ledger/value-readers.js';
import { quoteTable } from '../model/ddl.js';
import type { Table } from '../model/model.js';
import { historyName } from '../model/realized-model.js';
import { holdInTransaction } from '../postgres/named-lock.js';
import {
  describeTarget,
  type ListedValues,
  toChangedValues,
  type WantedValue,
} from './changed-values.js';
import { ensureRealized, type RealizedPlaces } from './ensure-realized.js';
import {
  extendHistorySql,
  type FoldPlan,
  foldHistorySql,
  foldSql,
  MARKED,
  markSql,
  type Part,
  patchSql,
} from './fold-sql.js';
import { liftStored } from './lift-stored.js';
import type { ParallelSessions } from './share-tables.js';
import type { Touched } from './touched-keys.js';

export interface FoldedRows {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

export interface FoldedTable {
  readonly table: string;
  readonly rows: FoldedRows;
  /** Of its history. */
  readonly history?: FoldedRows;
  /** Why it is as it was. */
  readonly failure?: unknown;
}

export interface FoldOptions {
  /** Takes messages for the user. */
  note(text: string): void;
  readonly signal: AbortSignal;
  /** Who reads the tables; without it, they compare everything that they read. */
  readonly readersOf?: ReadersOf;
  /** More sessions for many keys. */
  readonly parallel?: ParallelSessions;
  /** Names of tables that are made also before their first event. */
  readonly declared?: readonly string[];
  /** From which number of events on another session pays. */
  readonly eventsPerPart?: number;
}

/** Tables of the model, by their names. */
export type Declarations = ReadonlyMap<string, Table>;

export interface FoldWork extends FoldOptions {
  readonly log: string;
  readonly declarations: Declarations;
}

export const NO_READERS: ReadersOf = () => [];

const MANY_KEYS = 1000;

/** How many keys and events there are, and how they are spread, is seen in a few thousand rows. */
export const FEW_SAMPLES = 'SET LOCAL default_statistics_target = 10';

/** Sorts of wide events should not go to disk at once. */
const WORK_MEMORY = '128MB';

/**
 * Makes the table what it must be, and marks its keys.
 *
 * @param part of the keys; undefined for all
 * @returns undefined where the command is to stop
 */
export async function prepareFold(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  work: FoldWork,
  part?: Part,
): Promise<FoldPlan | undefined> {
  const { name } = table;
  // To compile such statements takes longer than most of them.
  await client.query(
    `SET LOCAL work_mem = '${WORK_MEMORY}'; SET LOCAL jit = off; ${FEW_SAMPLES}; TRUNCATE ${MARKED}`,
  );
  const places = await makeReady(client, table, touched, work, part);
  if (places === undefined) return undefined;
  const plan: FoldPlan = {
    table,
    ...places,
    log: quoteTable(work.log),
    hasTruncates: touched.truncated.has(name),
    isWhole: touched.found.whole.has(name),
    ...(part === undefined ? {} : { part }),
  };
  const { rowCount: marked } = await client.query(markSql(plan));
  // Without statistics, the server would take the keys for few.
  if (marked !== null && marked > MANY_KEYS) await client.query(`ANALYZE ${MARKED}`);
  return plan;
}

/**
 * Makes the table and its events in the log what they must be.
 *
 * @param part of the keys, each of which has a lock of its own: a session of a command that lost its lock may still fold
 * @returns undefined where the command is to stop
 */
export async function makeReady(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  { log, declarations, note, signal }: FoldWork,
  part: Part = { index: 0, count: 1 },
): Promise<RealizedPlaces | undefined> {
  const { name } = table;
  const lock = part.index === 0 ? `edp folds ${name}` : `edp folds part ${part.index} of ${name}`;
  if (!(await holdInTransaction(client, lock, signal))) return undefined;
  const places = await ensureRealized(client, declarations.get(name)!, note);
  await liftStored(client, quoteTable(log), table, touched.versions.get(name) ?? 1);
  return places;
}

/** Folds the keys that are marked. */
export async function foldMarked(
  client: pg.Client,
  plan: FoldPlan,
  readersOf: ReadersOf,
): Promise<Pick<FoldedTable, 'rows' | 'history'>> {
  const { name, hasHistory } = plan.table;
  const { rows: some } = await client.query<{ quick: boolean }>(
    `SELECT EXISTS (SELECT FROM ${MARKED} WHERE is_quick) AS quick`,
  );
  const hasQuick = some[0]!.quick;
  const rows = await change(client, name, readersOf, (values) => [
    foldSql(plan, values),
    ...(hasQuick ? [patchSql(plan, values)] : []),
  ]);
  await failpoint('realize.merged', client);
  const history = hasHistory
    ? await change(client, historyName(name), readersOf, (values) => [
        foldHistorySql(plan, values),
        ...(hasQuick ? [extendHistorySql(plan, values)] : []),
      ])
    : undefined;
  return { rows, ...(history === undefined ? {} : { history }) };
}

/** Changes a table by statements, and enters in the log what they changed. */
async function change(
  client: pg.Client,
  name: string,
  readersOf: ReadersOf,
  statements: (values: readonly WantedValue[]) => readonly string[],
): Promise<FoldedRows> {
  const { relation, values } = await describeTarget(client, name, readersOf);
  const sum = { inserted: 0, updated: 0, deleted: 0 };
  const lists: ListedValues[] = [];
  for (const sql of statements(values)) {
    const { rows } = await client.query<FoldedRows & { values?: ListedValues }>(sql);
    const [answer] = rows;
    for (const kind of KINDS) sum[kind] += answer![kind];
    if (answer!.values !== undefined) lists.push(answer!.values);
  }
  const { keys, ...dates } = toChangedValues(values, lists);
  const kinds = KINDS.filter((kind) => sum[kind] > 0);
  await recordChanges(
    client,
    kinds.map((kind, i) => ({
      relation,
      kind,
      rows: sum[kind],
      ...dates,
      ...(keys === undefined ? {} : { keys: i === 0 ? keys : withoutKeys(keys) }),
    })),
  );
  return sum;
}

export const KINDS = ['inserted', 'updated', 'deleted'] as const satisfies readonly ChangeKind[];
