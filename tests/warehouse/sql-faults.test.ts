/** SQL of edp.yaml that the server refuses is reported before anything runs. */
import { expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { findSqlFaults } from '../../src/warehouse/run/find-sql-faults.js';
import { useWarehouse } from '../support/warehouse-place.js';
import { loadFiles } from '../support/warehouse-project.js';

const { database } = useWarehouse();

const TABLES = 'tables:\n  raw: {columns: {id: int, name: text, at: timestamp}, key: id}\n';

async function refusalOf(text: string): Promise<string[]> {
  const { warehouse, refuse } = await loadFiles({ 'edp.yaml': `${TABLES}${text}` });
  const faults = await withClient(database.config, 'test', (client) =>
    findSqlFaults(client, warehouse),
  );
  try {
    refuse(faults);
    return [];
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n');
    return lines.map((line) => line.trim());
  }
}

const WRONG = `silver:
  a:
    from: raw
    key: id
    columns:
      id: id
      b: {sql: "uper(name)"}
      c: {from: name, type: textt}
      e: {sql: "upper(name)", type: text}
    where: id + 1
checks:
  silver.a:
    - not_null: id
    - matches: {column: e, pattern: "^[A"}
`;

it('with its line, all at once', async () => {
  await database.query('CREATE TABLE raw (id int, name text, at timestamp, load_id bigint)');
  expect(await refusalOf(WRONG)).toEqual([
    'edp.yaml:9: silver.a.columns.b.sql: function uper(text) does not exist',
    'edp.yaml:10: silver.a.columns.c.type: type "textt" does not exist',
    'edp.yaml:12: silver.a.where: argument of WHERE must be type boolean, not type integer',
    expect.stringContaining('edp.yaml:16: checks.silver.a.1.matches.pattern: invalid regular expr'),
  ]);
});

it('and not where the table is still to be loaded', async () => {
  expect(await refusalOf(WRONG.slice(0, WRONG.indexOf('checks:')))).toEqual([]);
});

it('of what can be planned there is none', async () => {
  await database.query('CREATE TABLE raw (id int, name text, at timestamp, load_id bigint)');
  const right = `silver:
  a:
    from: raw
    key: id
    columns:
      id: id
      b: {sql: "at + interval '1 day'", timezone: Europe/Amsterdam, truncate: hour}
      c: {from: name, type: int, on-error: null}
      d: {sql: "1 / id", values: {one: ['1']}}
    where: name <> 'x'
`;
  expect(await refusalOf(right)).toEqual([]);
});

it('of an overlap where the column has no time', async () => {
  await database.query('CREATE TABLE theirs (id int, at date)');
  const of = (column: string) =>
    refusalOf(
      `silver:\n  a: {from: public.theirs, key: id, incremental-by: ${column}, columns: {id: id},\n    overlap: 1 hour}\n`,
    );
  expect(await of('id')).toEqual([
    'edp.yaml:5: silver.a.overlap: id is integer, so there is no looking back 1 hour; leave overlap out',
  ]);
  expect(await of('at')).toEqual([]);
});
