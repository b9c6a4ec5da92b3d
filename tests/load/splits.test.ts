/** One file cut into splits at every place: the rows must not depend on where, nor on the workers. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const MODEL = `
tables:
  notes:
    columns: { id: int, body: text, rank: int }
    KEY
`;

/** Records whose text looks like records, so that a guess inside it finds what it looks for. */
function trickyRecords(count: number): { csv: string; rows: unknown[][] } {
  const rows = Array.from({ length: count }, (_, i) => {
    const lines = Array.from({ length: i % 7 }, (__, j) => `${i * 100 + j},inner "x",${j}`);
    return [i, i % 11 === 0 ? '' : `é${'–'.repeat(i % 5)}\n${lines.join('\n')}`, i % 3];
  });
  const csv = rows
    .map(([id, body, rank]) => `${id},"${String(body).replaceAll('"', '""')}",${rank}\n`)
    .join('');
  return { csv: `id,body,rank\n${csv}`, rows };
}

describe.each([
  { key: '', name: 'without a key' },
  { key: 'key: id', name: 'with a key' },
])('a table $name', ({ key }) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase('empty');
  });

  it.each([
    { workers: 1, records: 1 },
    { workers: 2, records: 1 },
    { workers: 3, records: 2 },
    { workers: 4, records: 5 },
    { workers: 8, records: 3 },
    { workers: 2, records: 50 },
    { workers: 8, records: 100_000 },
  ])(
    'loads the same with $workers workers and $records records a split',
    async ({ workers, records }) => {
      const cwd = await makeDirectory();
      const { csv, rows } = trickyRecords(150);
      await writeFile(path.join(cwd, 'edp.yaml'), MODEL.replace('KEY', key));
      await writeFile(path.join(cwd, 'notes.csv'), csv);
      const result = await edp(
        [
          'ingest',
          'notes.csv',
          '--json',
          '--process-count',
          `${workers}`,
          '--read-batch-size',
          `${records}`,
          '--write-batch-size',
          '7',
          '--database-url',
          database.url,
        ],
        { cwd },
      );
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.json.rows).toEqual({ read: 150, loaded: 150, rejected: 0, duplicate: 0 });
      expect(await database.query('SELECT id, body, rank FROM notes ORDER BY id')).toEqual(rows);

      const receipts = await database.query(
        `SELECT start_byte, end_byte, first_line, line_count FROM edp.receipts ORDER BY start_byte`,
      );
      // Every byte of the file behind the header is in exactly one receipt, and lines add up.
      let byte = 'id,body,rank\n'.length;
      let line = 2;
      for (const [start, end, firstLine, lineCount] of receipts as number[][]) {
        expect([start, firstLine]).toEqual([byte, line]);
        byte = end!;
        line += lineCount!;
      }
      expect(byte).toBe(Buffer.byteLength(csv));
      if (records < 100) expect(receipts.length).toBeGreaterThan(1);
      await database.query('TRUNCATE notes');
      await database.query('TRUNCATE edp.loads CASCADE');
    },
  );
});
