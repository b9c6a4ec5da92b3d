/** `edp verify` points at the place after every kind of change. */
import { describe, expect, it } from 'vitest';
import {
  ALL_TYPES,
  type Case,
  checkCase,
  FILE,
  ITEMS,
  loadEvents,
  ODD_ROWS,
  TYPES_HEADER,
  useVerifyDatabases,
} from './setup.js';

const { database, events } = useVerifyDatabases();

describe('what differs is found, and its place reported', () => {
  const place = (line: number) => ({ line, byteOffset: expect.any(Number) });
  const CASES: readonly Case[] = [
    {
      name: 'a value changed by hand',
      model: ITEMS,
      file: FILE,
      change: "UPDATE $t SET body = 'B' WHERE id = 2",
      counts: { changed: 1 },
      differences: [
        {
          kind: 'changed',
          line: 3,
          byteOffset: 23,
          split: { startByte: 15, endByte: 38 },
          key: { id: '2' },
          columns: [{ column: 'body', file: 'b', table: 'B' }],
        },
      ],
    },
    {
      name: 'NULL for a value, the empty string for NULL',
      model: ITEMS,
      file: 'id,body,amount\n1,a,1\n2,,2\n',
      change: "UPDATE $t SET body = CASE id WHEN 1 THEN NULL ELSE '' END",
      counts: { changed: 2 },
      differences: [
        { columns: [{ column: 'body', file: 'a', table: null }] },
        { columns: [{ column: 'body', file: null, table: '' }] },
      ],
    },
    {
      name: 'the scale of a numeric',
      model: ITEMS,
      file: FILE,
      change: 'UPDATE $t SET amount = 3.5 WHERE id = 3',
      counts: { changed: 1 },
      differences: [{ columns: [{ column: 'amount', file: '3.50', table: '3.5' }] }],
    },
    {
      name: 'the sign of a zero, a digit in JSON, a key in JSON',
      model: ALL_TYPES,
      file: TYPES_HEADER + ODD_ROWS.join('\n'),
      change: `UPDATE $t SET d = 0 WHERE id = 1;
UPDATE $t SET jb = '[1.0,1.0,-0,-0.0,1E-7,12345678901234567890.123]' WHERE id = 2;
UPDATE $t SET j = '{"a":1, "a":2}' WHERE id = 1;
UPDATE $t SET jb = jb - '' WHERE id = 5;
UPDATE $t SET at = at + '1 microsecond' WHERE id = 2`,
      counts: { changed: 3 },
      differences: [
        { key: { id: '1' }, columns: [{ column: 'd', file: '-0', table: '0' }, { column: 'j' }] },
        { key: { id: '2' }, columns: [{ column: 'at' }, { column: 'jb' }] },
        { key: { id: '5' }, columns: [{ column: 'jb' }] },
      ],
    },
    {
      name: 'a row deleted',
      model: ITEMS,
      file: FILE,
      change: 'DELETE FROM $t WHERE id = 3',
      counts: { missing: 1 },
      differences: [{ kind: 'missing', ...place(4), key: { id: '3' } }],
    },
    {
      name: 'a row added',
      model: ITEMS,
      file: FILE,
      change: "INSERT INTO $t VALUES (4, 'd', 'NaN', $load)",
      counts: { added: 1 },
      differences: [
        {
          kind: 'added',
          key: { id: '4' },
          columns: [
            { column: 'id', table: '4' },
            { column: 'body', table: 'd' },
            { column: 'amount', table: 'NaN' },
          ],
        },
      ],
    },
    {
      name: 'a row that changed its load',
      model: ITEMS,
      before: ['id,body,amount\n9,z,9\n'],
      file: FILE,
      change: 'UPDATE $t SET load_id = $load - 1 WHERE id = 2',
      counts: { replaced: 1 },
      differences: [{ kind: 'replaced', key: { id: '2' }, columns: [] }],
    },
    {
      name: 'a duplicate too many',
      model: ITEMS,
      before: ['id,body,amount\n1,a,1\n'],
      file: FILE,
      change: 'UPDATE $t SET load_id = $load - 1 WHERE id = 2',
      counts: { counts_differ: 1 },
      differences: [{ detail: expect.stringMatching(/1 now have another load's number/) }],
    },
    {
      name: 'a row of another load that a duplicate relies on',
      model: ITEMS,
      before: ['id,body,amount\n1,a,1\n'],
      file: FILE,
      change: "UPDATE $t SET body = 'x' WHERE id = 1",
      counts: { replaced: 1 },
      differences: [{ holder: expect.any(Number), columns: [{ column: 'body', table: 'x' }, {}] }],
    },
    {
      name: 'a row made anew under the same key, without a load',
      model: ITEMS,
      file: FILE,
      change: "DELETE FROM $t WHERE id = 1;\nINSERT INTO $t VALUES (1, 'q', 1)",
      counts: { replaced: 1 },
      differences: [{ kind: 'replaced', holder: null }],
    },
    {
      name: 'a row without a key',
      model: '    columns: { id: int, body: text }\n',
      file: 'id,body\n1,a\n1,a\n2,b\n',
      change:
        'DELETE FROM $t WHERE ctid = (SELECT ctid FROM $t LIMIT 1);\nUPDATE $t SET id = 3 WHERE id = 2',
      counts: { missing: 2, added: 1 },
      differences: [
        { kind: 'missing', line: 3, columns: [{ file: '1' }, { file: 'a' }] },
        { kind: 'missing', line: 4 },
        { kind: 'added', columns: [{ table: '3' }, { table: 'b' }] },
      ],
    },
    {
      name: 'a row without key and lineage',
      model: '    columns: { id: int, body: text }\n    lineage: false\n',
      before: ['id,body\n1,a\n'],
      file: 'id,body\n1,a\n1,a\n2,b\n',
      change: 'DELETE FROM $t WHERE ctid IN (SELECT ctid FROM $t WHERE id = 1 LIMIT 2)',
      counts: { missing: 1 },
    },
    {
      name: 'a row without lineage',
      model: `${ITEMS}    lineage: false\n`,
      file: FILE,
      change: "UPDATE $t SET body = 'x' WHERE id = 1;\nDELETE FROM $t WHERE id = 2",
      counts: { changed: 1, missing: 1 },
    },
    {
      name: 'the row that update should have left',
      model: ITEMS,
      file: 'id,body,amount\n1,a,1\n1,b,2\n1,c,3\n',
      args: ['--on-conflict', 'update'],
      change: "UPDATE $t SET body = 'b', amount = 2",
      counts: { changed: 1 },
      differences: [{ line: 4, columns: [{ column: 'body' }, { column: 'amount' }] }],
    },
    {
      name: 'the row that skip should have left',
      model: ITEMS,
      file: 'id,body,amount\n1,a,1\n1,b,2\n',
      args: ['--on-conflict', 'skip'],
      change: "UPDATE $t SET body = 'b', amount = 2",
      counts: { changed: 1 },
      differences: [{ line: 2 }],
    },
    {
      name: 'a reject changed, one added, one gone',
      model: ITEMS,
      file: 'id,body,amount\nx,a,1\ny,b,2\n3,c,3\nz,d,4\n',
      change: `UPDATE edp.rejects SET raw = 'x,a,2' WHERE load_id = $load AND raw = 'x,a,1';
DELETE FROM edp.rejects WHERE load_id = $load AND raw = 'y,b,2';
INSERT INTO edp.rejects SELECT load_id, byte_offset + 1, start_byte, 0, NULL, 'x', '', '' FROM edp.rejects WHERE load_id = $load AND raw = 'z,d,4'`,
      counts: { reject_altered: 1, unreadable: 1, reject_unknown: 1, rejects_differ: 1 },
    },
    {
      name: 'a receipt gone',
      model: ITEMS,
      file: `id,body,amount\n${Array.from({ length: 40 }, (_, i) => `${i},b,1`).join('\n')}\n`,
      args: ['--read-batch-size', '10'],
      change: `DELETE FROM edp.receipts WHERE load_id = $load AND start_byte = (SELECT max(start_byte) FROM edp.receipts WHERE load_id = $load)`,
      counts: { not_covered: 1, added: 9, counts_differ: 1 },
    },
    {
      name: 'a kept metric changed',
      model:
        '    columns: { id: int }\n    key: id\n    metrics: { from: m, columns: { one: int } }\n',
      file: 'id,m\n1,"{""one"":1,""x"":1.50}"\n2,"{""x"":2}"\n',
      change: `UPDATE $t SET extra_metrics = '{"x":1.5}' WHERE id = 1`,
      counts: { changed: 1 },
      differences: [
        { columns: [{ column: 'extra_metrics', file: '{"x":1.50}', table: '{"x":1.5}' }] },
      ],
    },
  ];

  it.each(CASES)('$name', (one) => checkCase(database, one));

  it('among many splits, in human words', async () => {
    const { project, loads } = await loadEvents(events, '0');
    await events.query('UPDATE events SET metric_n = metric_n + 1 WHERE id = 6000');
    await events.query('DELETE FROM events WHERE id = 7000');
    await events.query(`INSERT INTO events (id, load_id) VALUES (999999, ${loads[0]})`);
    const result = await project.run('verify', String(loads[0]));
    expect(result.status).toBe(1);
    expect(result.stdout).toMatch(
      /events-1-1\.csv:6001 \(byte \d+\) changed in the table: id "6000"\n {4}metric_n: "\d+" in the file, "\d+" in the table/,
    );
    expect(result.stdout).toMatch(/events-1-1\.csv:7001 \(byte \d+\) not in the table: id "7000"/);
    expect(result.stdout).toMatch(/^events in the table only: id "999999"/m);
    expect(result.stdout).toMatch(/split from +to byte +lines/);
    expect(await project.verify(loads[1]!)).toMatchObject({ status: 0 });
    const limited = await project.verify(loads[0]!, '--limit', '1');
    expect(limited.json.differences).toHaveLength(1);
    expect(limited.json.counts).toMatchObject({ changed: 1, missing: 1, added: 1 });
  });
});
