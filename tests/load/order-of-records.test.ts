/** Each record is judged by what became of all records before it, as if it were inserted alone. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const trigger = (body: string, events = 'BEFORE INSERT') => `
  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN ${body} RETURN NEW; END $f$;
  CREATE TRIGGER f ${events} ON t FOR EACH ROW EXECUTE FUNCTION f()`;

/** Splits of every size must say the same. */
const SPLITS = ['1', '2', '100000'];

describe('the order of records', () => {
  const cases: readonly {
    readonly name: string;
    readonly columns: string;
    readonly sql: string;
    readonly file: string;
    readonly args?: readonly string[];
    readonly counts: readonly [loaded: number, rejected: number, duplicate: number];
    readonly content: readonly unknown[][];
  }[] = [
    {
      name: 'a row that a refused record would have replaced does not refuse others',
      columns: '{ id: int, u: int, w: int }',
      // The first is refused, so the second takes its key; that one takes the value of the third, so the fourth may come.
      sql: 'CREATE TABLE t (id int PRIMARY KEY CHECK (id > 0), u int UNIQUE, w int UNIQUE CHECK (w <> 9), load_id bigint)',
      file: 'id,u,w\n1,4,9\n1,5,1\n2,5,2\n3,6,2\n',
      counts: [2, 2, 0],
      content: [
        [1, 5, 1],
        [3, 6, 2],
      ],
    },
    {
      name: 'update: a record that repeats a row is a duplicate, though a refused one lies between',
      columns: '{ id: int, u: int }',
      sql: 'CREATE TABLE t (id int PRIMARY KEY, u int CHECK (u <> 9), load_id bigint)',
      file: 'id,u\n1,4\n1,9\n1,4\n',
      args: ['--on-conflict', 'update'],
      counts: [1, 1, 1],
      content: [[1, 4]],
    },
    {
      name: 'a record is compared with what a trigger made of the one before',
      columns: '{ id: int, name: text }',
      sql: `CREATE TABLE t (id int PRIMARY KEY, name text, load_id bigint);${trigger('NEW.name := lower(NEW.name);')}`,
      file: 'id,name\n1,A\n1,A\n1,a\n2,b\n2,b\n',
      counts: [2, 1, 2],
      content: [
        [1, 'a'],
        [2, 'b'],
      ],
    },
    {
      name: 'update: the same, and the last one replaces the row',
      columns: '{ id: int, name: text }',
      sql: `CREATE TABLE t (id int PRIMARY KEY, name text, load_id bigint);${trigger('NEW.name := lower(NEW.name);')}`,
      file: 'id,name\n1,A\n1,A\n1,a\n1,B\n',
      args: ['--on-conflict', 'update'],
      counts: [3, 0, 1],
      content: [[1, 'b']],
    },
    {
      name: 'a trigger gives a row another reference',
      columns: '{ id: int, dim: text }',
      sql: `CREATE TABLE dims (code text PRIMARY KEY); INSERT INTO dims VALUES ('a'), ('none');
        CREATE TABLE t (id int PRIMARY KEY CHECK (id <> 2), dim text REFERENCES dims, load_id bigint);
        ${trigger("IF NEW.dim = 'lost' THEN NEW.dim := 'none'; END IF;")}`,
      file: 'id,dim\n1,lost\n2,a\n3,lost\n4,other\n',
      counts: [2, 2, 0],
      content: [
        [1, 'none'],
        [3, 'none'],
      ],
    },
    {
      name: 'a trigger adds what a row refers to',
      columns: '{ id: int, dim: text }',
      sql: `CREATE TABLE dims (code text PRIMARY KEY);
        CREATE TABLE t (id int PRIMARY KEY CHECK (id <> 2), dim text REFERENCES dims, load_id bigint);
        ${trigger('INSERT INTO dims VALUES (NEW.dim) ON CONFLICT DO NOTHING;')}`,
      file: 'id,dim\n1,a\n2,b\n3,a\n',
      counts: [2, 1, 0],
      content: [
        [1, 'a'],
        [3, 'a'],
      ],
    },
  ];
  it.each(cases)('$name', async ({ columns, sql, file, args = [], counts, content }) => {
    const model = `tables:\n  t:\n    columns: ${columns}\n    key: id\n`;
    const cwd = await makeProject(model, { 't.csv': file });
    const [loaded, rejected, duplicate] = counts;
    const rows = { read: loaded + rejected + duplicate, loaded, rejected, duplicate };
    for (const size of SPLITS) {
      await database.query('DROP TABLE IF EXISTS t, dims; DROP FUNCTION IF EXISTS f');
      await database.query(sql);
      const own = ['ingest', 't.csv', '--read-batch-size', size, '--force', ...args] as const;
      const dry = await run(cwd, ...own, '--dry-run');
      expect(dry.json.rows, `${size}: ${dry.stderr}`).toEqual(rows);
      const result = await run(cwd, ...own);
      expect(result.json.rows, `${size}: ${result.stderr}`).toEqual(rows);
      const names = columns.match(/\w+(?=:)/g)!.join(', ');
      expect(await database.query(`SELECT ${names} FROM t ORDER BY 1`)).toEqual(content);
    }
  });
});
