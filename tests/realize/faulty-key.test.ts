/** A value that the realized table cannot hold: which key, attribute and event it is of. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const MODEL = `
tables:
  notes: { key: id, history: true, columns: { id: int, body: text, amount: numeric } }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const read = (sql: string) => folder.database.query(sql);
const note = (sequence: number, op: 'create' | 'update', id: number, after: object) =>
  cloudEvent({ table: 'notes', op, sequence, key: { id }, after: { ...after } });

const CREATES = Array.from({ length: 9 }, (_, i) =>
  note(i + 1, 'create', i + 1, { id: i + 1, body: 'a', amount: '1' }),
);

async function failWith(table: string, ...events: readonly object[]): Promise<string> {
  await read('DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await folder.write('1.jsonl', toLines(CREATES));
  await folder.edp('realize', '1.jsonl');
  await read(table);
  await folder.write('2.jsonl', toLines(events));
  const failed = await folder.edp('realize', '2.jsonl');
  expect(failed.status).toBe(1);
  expect((await folder.edp('status', '--runs')).json.runs[0]).toMatchObject({
    state: 'failed',
    errorCode: 'table_mismatch',
  });
  expect(await read('SELECT count(*) FROM notes')).toEqual([[9]]);
  return failed.json.tables[0]?.reason ?? '';
}

describe('a value that the realized table refuses', () => {
  it('is too long, in an update of a key among others', async () => {
    const reason = await failWith(
      'ALTER TABLE notes ALTER body TYPE varchar(3)',
      note(11, 'update', 4, { body: 'ok' }),
      note(12, 'update', 7, { body: 'far too long' }),
      note(13, 'update', 8, { body: 'ok' }),
      note(14, 'update', 9, { amount: '5' }),
    );
    expect(reason).toContain(
      'value too long for type character varying(3): attribute body "far too long" of event id-edp:shop-12 (load 2, 2.jsonl), key ["7"]',
    );
  });

  it('is out of range, in a new key', async () => {
    const reason = await failWith(
      'ALTER TABLE notes ALTER amount TYPE numeric(3,1)',
      ...[21, 22, 23, 24].map((n) =>
        note(n, 'create', n, { id: n, body: 'b', amount: n === 23 ? '100' : '2' }),
      ),
    );
    expect(reason).toMatch(
      /overflow: attribute amount "100" of event id-edp:shop-23 .*key \["23"\]/,
    );
  });

  it('fits the table, and not its history', async () => {
    const reason = await failWith(
      "ALTER TABLE notes_history ADD CONSTRAINT short CHECK (body <> 'no')",
      note(31, 'update', 2, { body: 'yes' }),
      note(32, 'update', 3, { body: 'no' }),
      note(33, 'update', 3, { body: 'yes' }),
    );
    expect(reason).toMatch(/violates check constraint "short": key \["3"\]/);
  });

  it('is NULL where somebody wants a value', async () => {
    const reason = await failWith(
      'ALTER TABLE notes ALTER body SET NOT NULL',
      note(41, 'update', 5, { body: null }),
      note(42, 'update', 6, { body: 'b' }),
    );
    expect(reason).toMatch(/attribute body, key \["5"\]/);
  });
});
