/** Rows that a change concerns are found by their loads only where that finds all of them. */
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../../support/warehouse-run.js';

const PROJECT = `
tables:
  members: { columns: { nr: int, status: text, born: date }, key: nr }
  events: { columns: { id: int, member: { type: int, references: members.nr } }, key: id }
silver:
  members: { from: members, key: nr, columns: { nr: nr, status: status } }
  stays: { from: members, key: [nr, status], columns: { nr: nr, status: status } }
  loud: { from: members, key: [nr, status], columns: { nr: nr, status: { sql: upper(status) } } }
dimensions:
  stay_dim: { from: members, natural-key: [nr, status], attributes: [born] }
facts:
  born: { from: members, date: born, measures: { n: count(*) } }
`;

const { load, edp, database } = useWarehouseFolder({ 'edp.yaml': PROJECT });

const shown = async () => ({
  members: await database.query('SELECT nr, status FROM silver.members ORDER BY nr'),
  stays: await database.query('SELECT nr, status FROM silver.stays ORDER BY nr'),
  loud: await database.query('SELECT nr, status FROM silver.loud ORDER BY nr'),
  stay_dim: await database.query('SELECT nr, status FROM gold.stay_dim WHERE id <> 0 ORDER BY nr'),
  born: await database.query('SELECT date::text, n FROM gold.born ORDER BY date'),
});

it('an updated row leaves the key that it had; members that were inferred have no load', async () => {
  await load('members', 'nr,status,born\n1,new,2024-01-01\n2,new,2024-01-02\n');
  await edp('run');

  await load('members', 'nr,status,born\n1,old,2024-01-01\n', '--on-conflict', 'update');
  await edp('run');
  const changed = [
    [1, 'old'],
    [2, 'new'],
  ];
  const dates = [
    ['2024-01-01', 1],
    ['2024-01-02', 1],
  ];
  expect(await shown()).toEqual({
    members: changed,
    stays: changed,
    loud: [
      [1, 'OLD'],
      [2, 'NEW'],
    ],
    stay_dim: changed,
    born: dates,
  });

  await load('events', 'id,member\n1,7\n', '--missing-dimensions', 'infer');
  await edp('run');
  const inferred = await shown();
  expect([inferred.members, inferred.born]).toEqual([
    [...changed, [7, null]],
    [...dates, [null, 1]],
  ]);

  await edp('undo', '3', '--yes');
  await edp('run');
  const undone = await shown();
  expect([undone.members, undone.born]).toEqual([changed, dates]);
});
