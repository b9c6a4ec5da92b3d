/** V: what it costs an application that its changes are captured. */
import {
  AUDIT,
  createTable,
  KEPT_CHANGES,
  type Keeper,
  SHOP_PROJECT,
  SHOP_TABLES,
  type ShopTable,
  STATEMENTS,
  type Statement,
} from '../capture/shop.js';
import { runCapture } from '../contenders/change-events.js';
import { changesOf, WRITERS } from '../contenders/writers.js';
import type { Dataset } from '../datasets/dataset.js';
import { type LoadTarget, NO_ROWS } from '../tables.js';
import type { Workbench } from '../workbench.js';
import type { Entry, Goal, Workload } from '../workload.js';

const KEEPERS = Object.keys(KEPT_CHANGES) as Keeper[];
const COLUMNS: Readonly<Record<ShopTable, number>> = { wide: 19, narrow: 5 };
/** Statements of one row differ by what they do, not by how many columns they set. */
const SINGLE_STATEMENTS: readonly Statement[] = ['update', 'insert', 'delete'];

interface Writes {
  readonly table: ShopTable;
  readonly statement: Statement;
  readonly isSingle: boolean;
}

const ALL: readonly Writes[] = SHOP_TABLES.flatMap((table) => [
  ...STATEMENTS.map((statement) => ({ table, statement, isSingle: false })),
  ...SINGLE_STATEMENTS.map((statement) => ({ table, statement, isSingle: true })),
]);

function titleOf({ table, statement, isSingle }: Writes): string {
  const what =
    statement === 'update'
      ? 'update of 2 columns'
      : statement === 'update of all'
        ? 'update of all columns but the key'
        : statement;
  return `${COLUMNS[table]} columns, ${isSingle ? `single rows, ${what}` : `all rows, ${what}`}`;
}

function keyOf({ table, statement, isSingle }: Writes, keeper: Keeper): string {
  return `${keeper} ${table} ${isSingle ? 'single ' : ''}${statement}`;
}

const isUpdate = ({ statement }: Writes) => statement.startsWith('update');

function within(writes: Writes, share: number, against: Keeper): Goal {
  return {
    kind: 'allowance',
    title: `${titleOf(writes)}: capture : ${share === 1 / 3 ? '1/3' : share} × ${WRITERS[against].title}`,
    of: keyOf(writes, 'capture'),
    against: keyOf(writes, against),
    share,
    seconds: 0,
    atMost: 1,
    aim: 0.8,
  };
}

export const captureCosts: Workload = {
  letter: 'V',
  name: 'capture',
  title: 'statements of an application, without capture, with it, and with an audit trigger',
  notes: [
    'A table of 100,000 rows and a primary key. One statement changes all rows, or 1,000 statements one row each, prepared, in transactions of their own over one connection to a server with fsync. Seconds of tasks are those of the statements until their commit.',
    'The audit trigger is plpgsql, FOR EACH ROW, and inserts to_jsonb(OLD) and to_jsonb(NEW) into a table with a primary key. That of the PostgreSQL wiki (hstore, with the difference of the rows) and supa_audit (which also makes a uuid of the key) do more for each row.',
  ],
  goals: ALL.flatMap((writes) => {
    if (writes.isSingle) return [within(writes, 1.3, 'bare')];
    return isUpdate(writes) ? [within(writes, 2.5, 'bare'), within(writes, 1 / 3, 'audit')] : [];
  }),
  diskBytes: () => 1e9,

  async prepare(bench) {
    const project = await bench.project('shop', SHOP_PROJECT);
    const templates = await bench.once('shops', () => makeShops(bench, project));
    const entries: Entry[] = [];
    for (const writes of ALL) {
      const dataset = await bench.dataset(`shop ${writes.isSingle}`, 'rows to write', async () =>
        rowsWritten(writes.isSingle),
      );
      for (const keeper of KEEPERS) {
        entries.push({
          key: keyOf(writes, keeper),
          title: `${titleOf(writes)}, ${WRITERS[keeper].title}`,
          contender: WRITERS[keeper],
          dataset,
          target: targetOf(templates[keeper], project, writes, keeper),
        });
      }
    }
    return entries;
  },
};

async function makeShops(bench: Workbench, project: string): Promise<Record<Keeper, string>> {
  const names = { bare: 'bench_shop', capture: 'bench_shop_capture', audit: 'bench_shop_audit' };
  for (const keeper of KEEPERS) {
    await bench.server.createTemplate(names[keeper], async (client) => {
      for (const table of SHOP_TABLES) await client.query(createTable(table));
      if (keeper === 'audit') await client.query(AUDIT);
      if (keeper !== 'capture') return;
      await runCapture(['install'], project, bench.server.describe(names.capture).url);
    });
  }
  return names;
}

function targetOf(template: string, project: string, writes: Writes, keeper: Keeper): LoadTarget {
  return {
    template,
    table: writes.table,
    project,
    existing: NO_ROWS,
    writing: writes,
    async assertDone(client) {
      const sql = KEPT_CHANGES[keeper];
      if (sql === undefined) return;
      const { rows } = await client.query<{ count: string }>(sql);
      const wanted = changesOf(writes.isSingle);
      if (Number(rows[0]!.count) === wanted) return;
      throw new Error(`${keyOf(writes, keeper)}: ${rows[0]!.count} changes are kept of ${wanted}`);
    },
  };
}

/** Nothing is loaded: a statement makes them. */
function rowsWritten(isSingle: boolean): Dataset {
  return {
    name: isSingle ? 'single_rows' : 'all_rows',
    title: isSingle ? 'rows that are changed one by one' : 'rows that one statement changes',
    rows: changesOf(isSingle),
    files: [],
    bytes: 0,
    sha256: '',
    columns: [],
    sumColumns: [],
    flat: undefined,
    encoded: [],
    totals: NO_ROWS,
  };
}
