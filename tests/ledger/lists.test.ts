/** Lists of words that columns of the ledger are checked against are those of the program. */
import { expect, it } from 'vitest';
import { CHANGE_KINDS } from '../../src/ledger/changes.js';
import { LOAD_STATES } from '../../src/ledger/load-state.js';
import { PROMOTION_STATES } from '../../src/ledger/promotions.js';
import { RUN_STATES } from '../../src/ledger/runs.js';
import { ON_CONFLICT } from '../../src/model/load-rules.js';
import { TASK_KINDS, TASK_RUN_STATES } from '../../src/model/warehouse/task.js';
import { useTestDatabase } from '../support/database.js';

const LISTS: Readonly<Record<string, readonly string[]>> = {
  'changes.kind': CHANGE_KINDS,
  'loads.state': LOAD_STATES,
  'promotions.state': PROMOTION_STATES,
  'receipts.on_conflict': ON_CONFLICT,
  'runs.state': RUN_STATES,
  'task_runs.state': TASK_RUN_STATES,
  'tasks.kind': TASK_KINDS,
};

const database = useTestDatabase();

it('each check that is a list has its list, in the same order', async () => {
  const checks = (await database.query(
    `SELECT r.relname || '.' || a.attname, pg_get_constraintdef(c.oid)
     FROM pg_constraint c
     JOIN pg_class r ON r.oid = c.conrelid
     JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1]
     WHERE r.relnamespace = 'edp'::regnamespace AND c.contype = 'c' AND cardinality(c.conkey) = 1
       AND pg_get_constraintdef(c.oid) LIKE '%ARRAY[%'
     ORDER BY 1`,
  )) as [column: string, definition: string][];
  const inDatabase = checks.map(([column, definition]) => [
    column,
    [...definition.matchAll(/'([^']*)'::text/g)].map(([, word]) => word),
  ]);
  expect(Object.fromEntries(inDatabase)).toEqual(LISTS);
});
