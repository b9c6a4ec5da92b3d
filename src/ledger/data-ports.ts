/**
 * The places with data: each table of schema `edp`, and each kind of data that edp keeps elsewhere.
 * tests/ledger/data-ports.test.ts fails where a table has no port.
 */
import type { DataPort } from './data-port.js';
import { findInRejects } from './find-in-rejects.js';

const BY_SUBJECTS = { notYet: 'edp.yaml does not declare subjects yet' };
const COUNTS = { holdsNone: 'counts, names of columns and places in files' };

export const LEDGER_PORTS: readonly DataPort[] = [
  {
    data: 'edp.migrations',
    find: { holdsNone: 'names of files of edp' },
    erase: { holdsNone: 'names of files of edp' },
    dates: () => null,
  },
  {
    data: 'edp.loads',
    find: { notYet: 'the path of a file may name a person' },
    erase: { notYet: 'the path of a file may name a person' },
    dates: () => 'started_at',
  },
  { data: 'edp.receipts', find: COUNTS, erase: COUNTS, dates: () => 'committed_at' },
  {
    data: 'edp.rejects',
    find: findInRejects,
    erase: { notYet: 'raw and reason are to be blanked, place and code stay' },
    dates: () => '(SELECT l.started_at FROM edp.loads l WHERE l.load_id = rejects.load_id)',
  },
  {
    data: 'edp.inferred_members',
    async find(client, { id }) {
      const { rows } = await client.query<{ load_id: number; place: string }>(
        `SELECT load_id, table_name || '.' || column_name AS place FROM edp.inferred_members
         WHERE member = $1 ORDER BY 1, 2`,
        [id],
      );
      return rows.map(({ load_id: loadId, place }) => ({ loadId, place }));
    },
    erase: BY_SUBJECTS,
    dates: () => 'inferred_at',
  },
  { data: 'edp.promotions', find: COUNTS, erase: COUNTS, dates: () => null },
  {
    data: 'edp.runs',
    find: { notYet: 'the path of a file may name a person' },
    erase: { notYet: 'the path of a file may name a person' },
    dates: () => 'started',
  },
  // Nothing reads dates or keys yet, so that both are null.
  { data: 'edp.changes', find: COUNTS, erase: COUNTS, dates: () => null },
];

/** Data outside of schema `edp`. */
export const OTHER_PORTS: readonly DataPort[] = [
  {
    data: 'tables of edp.yaml',
    find: BY_SUBJECTS,
    erase: BY_SUBJECTS,
    dates: { notYet: 'edp.yaml does not declare yet how long rows are kept' },
  },
  {
    data: 'copies in .edp/spool',
    find: { notYet: 'a copy is removed when its command ends' },
    erase: { notYet: 'a copy is removed when its command ends' },
    dates: () => null,
  },
];
