/**
 * The key of an event in the log is a list of values by place, so it means something only by the key that the table had
 * when the event was loaded: another key, or the same columns in another order, would read a value as one of another column.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { NO_KEY } from '../events/event-log.js';
import type { EventTable } from '../events/event-table.js';
import { readPoint } from '../ledger/changes.js';
import { quoteTable } from '../model/ddl.js';
import { withTransaction } from '../postgres/connection.js';
import { hasLog } from './event-log-table.js';
import { definitionOf } from './touched-keys.js';

interface Noted {
  readonly name: string;
  readonly definition: string;
  readonly version: number;
  /** Null where an older edp noted the table. */
  readonly columns: readonly string[] | null;
}

/** An older edp noted a hash of the declaration only: the key is found by trying, and 120 orders are tried at most. */
const MOST_COLUMNS_TRIED = 5;

/** @returns by table: the fault of a key by which its events are not in the log */
export async function findChangedKeys(
  client: pg.Client,
  log: string,
  tables: readonly EventTable[],
): Promise<ReadonlyMap<string, EdpError>> {
  if (!(await hasLog(client, log))) return new Map();
  const noted = await listNoted(client);
  const changed = tables.flatMap((table) => {
    const before = keyBefore(table, noted.get(table.name));
    return before === undefined || isSame(before, table.key) ? [] : [{ table, before }];
  });
  if (changed.length === 0) return new Map();
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
     WHERE EXISTS (SELECT FROM ${quoteTable(log)} l WHERE l.table_name = name AND l.key <> $2)
       OR EXISTS (SELECT FROM edp.unfolded_keys u WHERE u.table_name = name)`,
    [changed.map(({ table }) => table.name), NO_KEY],
  );
  const inLog = new Set(rows.map(({ name }) => name));
  return new Map(
    changed
      .filter(({ table }) => inLog.has(table.name))
      .map(({ table, before }) => [table.name, changedKey(table, before)]),
  );
}

/**
 * Before events are loaded: refuses a key by which the log does not have the events of its table, and notes the key of the
 * others, so that it is known whatever becomes of the load.
 *
 * @throws EdpError `model`
 */
export async function keepKeys(
  client: pg.Client,
  log: string,
  tables: readonly EventTable[],
): Promise<void> {
  await assertKeysKept(client, log, tables);
  const noted = await listNoted(client);
  const others = tables.filter((table) => {
    const own = noted.get(table.name);
    return own?.columns == null || !isSame(keyBefore(table, own)!, table.key);
  });
  if (others.length === 0) return;
  const { history, snapshot } = await withTransaction(client, async () => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    return readPoint(client);
  });
  await client.query(
    // A definition that no table has: all events of the table are still to be folded.
    `INSERT INTO edp.realized (table_name, definition, version, history, snapshot, key_columns)
     SELECT name, '', 1, $3, $4::pg_snapshot, ARRAY(SELECT json_array_elements_text(columns))
     FROM unnest($1::text[], $2::json[]) AS t (name, columns)
     ON CONFLICT (table_name) DO UPDATE SET key_columns = excluded.key_columns`,
    [
      others.map(({ name }) => name),
      others.map(({ key }) => JSON.stringify(key)),
      history,
      snapshot,
    ],
  );
}

/** @throws EdpError `model` */
export async function assertKeysKept(
  client: pg.Client,
  log: string,
  tables: readonly EventTable[],
): Promise<void> {
  const [fault] = (await findChangedKeys(client, log, tables)).values();
  if (fault !== undefined) throw fault;
}

async function listNoted(client: pg.Client): Promise<ReadonlyMap<string, Noted>> {
  const { rows } = await client.query<Noted>(
    'SELECT table_name AS name, definition, version, key_columns AS columns FROM edp.realized',
  );
  return new Map(rows.map((one) => [one.name, one]));
}

/** @returns the key in the log, by today's names of its columns; undefined where nothing is known of it */
function keyBefore(table: EventTable, noted: Noted | undefined): readonly string[] | undefined {
  if (noted === undefined) return undefined;
  if (noted.columns !== null) return noted.columns.map((name) => nameToday(table, noted, name));
  const { key } = table;
  if (key.length > MOST_COLUMNS_TRIED) return undefined;
  return ordersOf(key).find((order) => definitionOf({ ...table, key: order }) === noted.definition);
}

function nameToday({ version, migrations }: EventTable, noted: Noted, name: string): string {
  let own = name;
  for (let step = noted.version + 1; step <= version; step++) {
    const { rename = {} } = migrations[step] ?? {};
    if (Object.hasOwn(rename, own)) own = rename[own]!;
  }
  return own;
}

function ordersOf(names: readonly string[]): string[][] {
  if (names.length === 0) return [[]];
  return names.flatMap((first, i) =>
    ordersOf([...names.slice(0, i), ...names.slice(i + 1)]).map((rest) => [first, ...rest]),
  );
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

function changedKey({ name, key }: EventTable, before: readonly string[]): EdpError {
  return new EdpError(
    'model',
    `the log has the events of table "${name}" by the key [${before.join(', ')}], and edp.yaml declares [${key.join(', ')}]`,
    {
      hint: `declare key: [${before.join(', ')}] again; for another key, undo the loads of its events first (edp undo), and load their files again behind the change`,
    },
  );
}
