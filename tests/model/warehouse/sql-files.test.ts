/** Files of SQL of a project: what they read, and what is wrong with them. */
import { expect, it } from 'vitest';
import { isSqlFault, loadSqlReader } from '../../../src/model/warehouse/sql-reader.js';
import { type Files, faultsOf } from '../../support/warehouse-project.js';

const PROJECT = `layers: {silver: clean}
silver:
  jobs: {from: raw, key: id, columns: {id: id, at: at}}
views:
  v: {materialized: true, unique: id}
`;

it.each([
  { name: 'no file', sql: undefined, faults: ['5: views.v: there is no file sql/views/v.sql'] },
  {
    name: 'a fault of syntax',
    sql: '-- title: é\nSELECT id\nFROM WHERE',
    faults: ['sql/views/v.sql:3: syntax error at or near "WHERE"'],
  },
  {
    name: 'an end too early',
    sql: 'SELECT id FROM\n',
    faults: ['v.sql:2: syntax error at its end'],
  },
  {
    name: 'no SQL',
    sql: '-- title: x\n',
    faults: ['v.sql:1: the file has no SQL; write one SELECT'],
  },
  {
    name: 'two statements',
    sql: 'SELECT 1 AS id;\n\n-- more\nSELECT 2;',
    faults: ['v.sql:4: a second statement begins here'],
  },
  { name: 'no SELECT', sql: '\nDELETE FROM clean.jobs', faults: ['v.sql:2: it is no SELECT'] },
  {
    name: 'a WITH that changes a table',
    sql: 'WITH a AS (DELETE FROM clean.jobs RETURNING id) SELECT id FROM a',
    faults: ['v.sql:1: it changes a table'],
  },
  { name: 'INTO', sql: 'SELECT id INTO x FROM clean.jobs', faults: ['v.sql:1: SELECT INTO makes'] },
  {
    name: 'a name that means nothing',
    sql: 'SELECT id\nFROM gold.jobz\nJOIN clean.jobss USING (id)\nJOIN jobs USING (id)',
    faults: [
      'v.sql:2: there is no task gold.jobz; did you mean silver.jobs?',
      'v.sql:3: there is no task silver.jobss; did you mean silver.jobs?',
      'v.sql:4: jobs alone is a table of schema public, and edp.yaml declares none; write clean.jobs',
    ],
  },
  {
    name: 'columns that nothing has',
    sql: `WITH early AS (SELECT id, idd FROM clean.jobs)
SELECT j.id, ax
FROM clean.jobs AS j
JOIN early e ON e.at = j.id
WHERE EXISTS (SELECT FROM clean.jobs k WHERE k.a_t = j.at)
ORDER BY j.idx`,
    faults: [
      'v.sql:1: "idd" is no column of what is read there; did you mean "id"?',
      'v.sql:2: "ax" is no column of what is read there; did you mean "at"?',
      'v.sql:4: "at" is no column of what is read there',
      'v.sql:5: "a_t" is no column of what is read there; did you mean "at"?',
      'v.sql:6: "idx" is no column of what is read there; did you mean "id"?',
    ],
  },
  {
    name: 'names that may mean something',
    sql: `WITH RECURSIVE up (id, n) AS (SELECT id, 1 FROM clean.jobs UNION ALL SELECT u.id, u.n + 1 FROM up u),
  all_of AS (SELECT * FROM other.things)
SELECT j.id, max(j.at) AS last, up.n AS depth, things.anything, x.value, j.ctid::text AS place
FROM clean.jobs j
JOIN up ON up.id = j.id
CROSS JOIN LATERAL (SELECT a.whatever FROM all_of a WHERE a.id = j.load_id) AS inner_one
CROSS JOIN jsonb_each('{}') AS x
JOIN other.things ON true
WHERE (j).at IS NOT NULL AND j IS NOT NULL AND unsure > 3
GROUP BY j.id, depth, 4, 5, 6
ORDER BY last, depth`,
    faults: [],
  },
  {
    name: 'two columns of one name',
    sql: 'SELECT id, at, at FROM clean.jobs',
    faults: ['v.sql:1: "at" is the name of two columns; give one of them another name (AS)'],
  },
  {
    name: 'a layer in place of its schema',
    sql: 'SELECT id FROM silver.jobs',
    faults: ['v.sql:1: the schema of layer silver is clean; write clean.jobs'],
  },
  {
    name: 'a column that it does not give',
    sql: 'SELECT at FROM clean.jobs',
    faults: ['5: views.v.unique: "id" is no column of sql/views/v.sql'],
  },
  {
    name: 'its header',
    sql: '-- ttle: x\n-- question: a\n-- question: b\n-- param d date: x\nSELECT id FROM clean.jobs',
    faults: ['v.sql:1: "ttle: x" is not', 'v.sql:3: a second question', 'v.sql:4: a view has no'],
  },
  { name: 'itself', sql: 'SELECT id FROM gold.v', faults: ['5: views.v: gold.v reads itself'] },
  { name: 'nothing', sql: 'SELECT * FROM clean.jobs', faults: [] },
])('$name', async ({ sql, faults }) => {
  const files: Files = sql === undefined ? {} : { 'sql/views/v.sql': sql };
  expect(await faultsOf({ ...files, 'edp.yaml': PROJECT })).toEqual(
    faults.map((fault) => expect.stringContaining(fault)),
  );
});

it.each([
  { sql: 'WITH a AS (SELECT * FROM b), c AS (SELECT * FROM a) SELECT * FROM c', read: ['b'] },
  { sql: 'WITH a AS (SELECT * FROM a) SELECT * FROM a', read: ['a'] },
  { sql: 'WITH RECURSIVE a AS (SELECT 1 UNION SELECT * FROM a) SELECT * FROM a', read: [] },
  { sql: 'WITH a AS (SELECT 1) SELECT * FROM x.a, (SELECT * FROM a) b', read: ['x.a'] },
  {
    sql: 'SELECT 1 FROM a UNION (WITH b AS (SELECT 1) SELECT * FROM b) EXCEPT SELECT 1 FROM b',
    read: ['a', 'b'],
  },
  {
    sql: 'SELECT (SELECT max(i) FROM a) FROM LATERAL (TABLE b) c WHERE 1 IN (SELECT 1 FROM d)',
    read: ['a', 'b', 'd'],
  },
  { sql: `SELECT 'FROM x' /* FROM y */ FROM "Z z" -- FROM w`, read: ['Z z'] },
])('reads $read: $sql', async ({ sql, read }) => {
  const reading = (await loadSqlReader()).readQuery(sql);
  if (isSqlFault(reading)) throw new Error(reading.message);
  const names = reading.relations.map(({ schema, name }) =>
    schema === undefined ? name : `${schema}.${name}`,
  );
  expect(names.sort()).toEqual([...read].sort());
});
