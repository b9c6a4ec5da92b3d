/** The ledger: its version, and loads that are not at their end. */
import { toShellWord } from '../base/shell-word.js';
import {
  getFileFormat,
  type LoadSummary,
  listRejecting,
  listUnfinished,
} from '../ledger/ledger-queries.js';
import { loadCommandOf } from '../model/file-settings.js';
import { compareLedger } from '../postgres/migrate.js';
import type { Served } from './context.js';
import { advice, CannotLook, type Check, command, type Found } from './finding.js';

/** More of a kind are not listed. */
const MOST = 20;

const version: Check<Served> = {
  name: 'ledger-version',
  severities: ['error', 'note'],
  looksAt: 'the version of the ledger, and that of this edp',
  why: 'an edp that does not know the ledger leaves it alone, and loads nothing',
  mends: 'a newer edp; an older ledger is updated by the next command',
  async look({ client, hasLedger, role }) {
    if (!hasLedger) return [];
    const { applied, newest } = await compareLedger(client);
    if (applied > newest) {
      return [
        {
          severity: 'error',
          problem: `the ledger is of a newer edp (its version ${applied}, this edp's ${newest})`,
          mend: [advice('update edp')],
        },
      ];
    }
    if (applied === newest) return [];
    const problem = `the ledger is of an older edp (its version ${applied}, this edp's ${newest})`;
    const { rows } = await client.query<{ may: boolean }>(MAY_UPDATE);
    if (rows[0]!.may) return [{ severity: 'note', problem, mend: [command('edp status')] }];
    return [
      {
        severity: 'error',
        problem: `${problem}, and role ${role} may not update it`,
        mend: [command('edp status', 'the owner of schema edp')],
      },
    ];
  },
};

/** Whether the role can make tables beside those of the ledger, and alter these. */
const MAY_UPDATE = `SELECT has_schema_privilege('edp', 'CREATE') AND NOT EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'edp' AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE')) AS may`;

/** Of $1, those that are not there. The catalog tells it without any right to them. */
const LACKING = `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place)
  WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
                    WHERE s.nspname = 'edp' AND c.relname = n.name) ORDER BY place`;

const complete: Check<Served> = {
  name: 'ledger-complete',
  severities: ['error'],
  looksAt: 'whether all tables of the ledger are there',
  why: 'no command loads, and edp makes no table of the ledger anew: what stood in it is lost',
  mends: 'a backup; or another schema for what was loaded, and a new ledger',
  async look({ client }) {
    const { rows } = await client.query<{ name: string }>(LACKING, [FIRST_TABLES]);
    if (rows.length === 0 || rows.length === FIRST_TABLES.length) return [];
    return [
      {
        severity: 'error',
        problem: `the ledger lacks ${rows.map(({ name }) => `edp.${name}`).join(', ')}`,
        mend: [
          advice(
            'restore schema edp from a backup (pg_restore --schema=edp); without one: ALTER SCHEMA edp RENAME TO edp_before; the next command makes a new ledger, which knows of no load',
          ),
        ],
      },
    ];
  },
};

/** Those of the first migration, so that an older ledger lacks none. */
const FIRST_TABLES = ['migrations', 'loads', 'receipts', 'rejects'];

async function assertCurrent({ client, hasLedger }: Served): Promise<boolean> {
  if (!hasLedger) return false;
  const { applied, newest } = await compareLedger(client);
  if (applied === newest) return true;
  throw new CannotLook('the ledger is of another version of edp');
}

const unfinished: Check<Served> = {
  name: 'unfinished-loads',
  severities: ['warning'],
  looksAt: 'loads and undos that were interrupted, and that no command works on',
  why: 'the table has a part of the file',
  mends: 'the same command again, or an undo',
  async look(served) {
    if (!(await assertCurrent(served))) return [];
    const loads = await listUnfinished(served.client, MOST);
    const found: Found[] = [];
    for (const load of loads) {
      const { format } = await getFileFormat(served.client, load.loadId);
      const isUndo = load.state === 'half_undone';
      const rows = `${load.rows.loaded} rows`;
      found.push({
        severity: 'warning',
        problem: isUndo
          ? `the undo of load ${load.loadId} (${load.path} → ${load.table}) is half done: ${rows} are left`
          : `load ${load.loadId} (${load.path} → ${load.table}) is unfinished: ${rows} are there`,
        mend:
          isUndo || load.path === '-'
            ? [undo(load)]
            : [
                resume(load, loadCommandOf(format.format)),
                advice(`or take it back: ${undo(load).text}`),
              ],
      });
    }
    return found;
  },
};

const undo = ({ loadId }: LoadSummary) => command(`edp undo ${loadId} --yes`);
const resume = ({ path, table }: LoadSummary, loadCommand: ReturnType<typeof loadCommandOf>) =>
  command(
    loadCommand === 'edp realize'
      ? `edp realize ${toShellWord(path)}`
      : `edp ingest ${toShellWord(path)} --table ${toShellWord(table)}`,
  );

const rejects: Check<Served> = {
  name: 'rejects-waiting',
  severities: ['note'],
  looksAt: 'loads with rejected records',
  why: 'these records are in files, and in no table',
  mends:
    '`edp replay` once the reason is gone; a corrected file, after an undo, where the records are wrong',
  async look(served) {
    if (!(await assertCurrent(served))) return [];
    const loads = await listRejecting(served.client, MOST);
    return loads.map(
      ({ loadId, path, table, rows }): Found => ({
        severity: 'note',
        problem: `load ${loadId} (${path} → ${table}) has ${rows.rejected} ${rows.rejected === 1 ? 'reject' : 'rejects'}`,
        mend: [
          advice(`edp rejects ${loadId} shows the reasons; then`),
          command(`edp replay ${loadId}`),
          advice(
            `or, where the records themselves are wrong: correct the file, edp undo ${loadId}, and load it again`,
          ),
        ],
      }),
    );
  },
};

export const LEDGER_CHECKS: readonly Check<Served>[] = [complete, version, unfinished, rejects];
