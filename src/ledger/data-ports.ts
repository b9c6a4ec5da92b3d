/**
 * The places with data: each table of schema `edp`, and each kind of data that edp keeps elsewhere.
 * tests/ledger/data-ports.test.ts fails where a table has no port.
 */
import type { DataPort } from './data-port.js';
import { findInRejects } from './find-in-rejects.js';
import { findInReports } from './find-in-reports.js';

const BY_SUBJECTS = { notYet: 'edp.yaml does not declare subjects yet' };
const DATES = { holdsNone: 'names of tables and dates' };
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
  { data: 'edp.seen_versions', find: COUNTS, erase: COUNTS, dates: () => null },
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
  {
    data: 'edp.tasks',
    find: { holdsNone: 'names of tables and hashes' },
    erase: { holdsNone: 'names of tables and hashes' },
    dates: () => null,
  },
  {
    data: 'edp.copies',
    find: { holdsNone: 'names of tables and columns' },
    erase: { holdsNone: 'names of tables and columns' },
    dates: () => null,
  },
  { data: 'edp.stale_slices', find: DATES, erase: DATES, dates: () => null },
  {
    data: 'edp.task_runs',
    find: { notYet: 'an error may quote a value' },
    erase: { notYet: 'an error may quote a value' },
    dates: () => 'finished',
  },
  {
    data: 'edp.unknown_keys',
    async find(client, { id }) {
      const { rows } = await client.query<{ place: string }>(
        `SELECT DISTINCT task || ' ' || slice || ', ' || dimension AS place FROM edp.unknown_keys
         WHERE $1 = ANY (key) ORDER BY 1`,
        [id],
      );
      return rows.map(({ place }) => ({ loadId: undefined, place }));
    },
    erase: BY_SUBJECTS,
    dates: () => null,
  },
  {
    data: 'edp.member_ids',
    async find(client, { id }) {
      const { rows } = await client.query<{ place: string }>(
        'SELECT DISTINCT task AS place FROM edp.member_ids WHERE $1 = ANY (key) ORDER BY 1',
        [id],
      );
      return rows.map(({ place }) => ({ loadId: undefined, place }));
    },
    erase: BY_SUBJECTS,
    dates: () => null,
  },
  {
    data: 'edp.check_failures',
    find: { notYet: 'rows are to be matched by their fields' },
    erase: BY_SUBJECTS,
    dates: () => 'found_at',
  },
  {
    data: 'edp.realized',
    find: { holdsNone: 'names of tables and hashes' },
    erase: { holdsNone: 'names of tables and hashes' },
    dates: () => 'folded_at',
  },
  {
    data: 'edp.unfolded_keys',
    async find(client, { id }) {
      const { rows } = await client.query<{ load_id: number; place: string }>(
        `SELECT load_id, table_name || ', ' || key AS place FROM edp.unfolded_keys
         WHERE key <> '' AND key::jsonb ? $1 ORDER BY 1, 2`,
        [id],
      );
      return rows.map(({ load_id: loadId, place }) => ({ loadId, place }));
    },
    erase: BY_SUBJECTS,
    dates: () => null,
  },
  {
    data: 'edp.report_cache',
    find: { holdsNone: 'names of reports and columns; the rows are in its parts' },
    erase: { holdsNone: 'names of reports and columns; the rows are in its parts' },
    dates: () => 'kept_at',
  },
  {
    data: 'edp.report_cache_parts',
    find: findInReports,
    // What was read before an erasure must not be shown again, wherever the subject stands in it.
    async erase(client) {
      const { rowCount } = await client.query('DELETE FROM edp.report_cache');
      return rowCount ?? 0;
    },
    dates: () =>
      '(SELECT c.kept_at FROM edp.report_cache c WHERE c.entry_id = report_cache_parts.entry_id)',
  },
  {
    data: 'edp.report_cache_writes',
    find: { holdsNone: 'numbers of transactions' },
    erase: { holdsNone: 'numbers of transactions' },
    dates: () => null,
  },
  {
    data: 'edp.changes',
    // Of the values of changed rows, only dates and keys are listed; each key is a list as JSON.
    async find(client, { id }) {
      const { rows } = await client.query<{ place: string; load: number | null }>(
        `SELECT relation || ', change ' || change_id AS place, load_id AS load
         FROM edp.changes, jsonb_each(keys) AS of (name, list), jsonb_array_elements_text(nullif(list, 'null')) AS key
         WHERE keys IS NOT NULL AND key::jsonb ? $1 ORDER BY change_id`,
        [id],
      );
      return rows.map(({ place, load }) => ({ loadId: load ?? undefined, place }));
    },
    erase: BY_SUBJECTS,
    dates: () => null,
  },
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
    data: 'tables of silver and gold',
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
