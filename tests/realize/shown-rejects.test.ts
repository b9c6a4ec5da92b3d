/** `edp rejects` of change events: which row and which value it is about, and what needs nothing more. */
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const MODEL = `
tables:
  accounts:
    key: id
    columns: { id: uuid, owner: { type: text, trim: true }, balance: numeric }
  orders: { key: number, columns: { number: int, total: numeric } }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const ID = 'aaaaaaaa-0000-4000-8000-00000000000';
const account = (sequence: number, n: number, balance: unknown) =>
  cloudEvent({
    table: 'accounts',
    op: 'create',
    sequence,
    key: { id: (ID + n).toUpperCase() },
    after: { id: (ID + n).toUpperCase(), owner: 'Ann', balance },
  });
const envelope = (lsn: number, total: string) => ({
  op: 'c',
  ts_ms: 1_700_000_000_000,
  source: { connector: 'postgresql', name: 'shop', table: 'orders', lsn },
  after: { number: 7, total },
});

const text = async (...args: string[]) => (await folder.plain(...args)).stdout;

it('a reject says which table, key, attribute and value it is about', async () => {
  await folder.write(
    '1.jsonl',
    toLines([
      account(1, 1, '1.5'),
      account(2, 2, '1,5 and more'),
      cloudEvent({ table: 'gone', op: 'delete', sequence: 3, key: { id: 4 } }),
      'no JSON at all',
    ]),
  );
  await folder.edp('realize', '1.jsonl');
  const shown = await text('rejects', '1');
  const key = `{"id":"${ID}2"}`.toUpperCase().replace('ID', 'id');
  expect(shown).toContain(
    `    accounts ${key}, create, sequence 00000000000000000002, event id-edp:shop-2: balance "1,5 and more"\n`,
  );
  expect(shown).toContain(
    '    gone {"id":4}, delete, sequence 00000000000000000003, event id-edp:shop-3\n',
  );
  expect(shown).toContain('    no JSON at all\n');
  const { json } = await folder.edp('rejects', '1');
  expect(json.rejects.map(({ event }: { event?: object }) => event)).toEqual([
    {
      id: 'id-edp:shop-2',
      table: 'accounts',
      op: 'create',
      key: { id: `${ID}2`.toUpperCase() },
      sequence: '00000000000000000002',
      source: 'edp:shop',
      value: '1,5 and more',
      inLog: null,
    },
    {
      id: 'id-edp:shop-3',
      table: 'gone',
      op: 'delete',
      key: { id: 4 },
      sequence: '00000000000000000003',
      source: 'edp:shop',
      inLog: null,
    },
    undefined,
  ]);
});

it('one whose event another load has brought, corrected, is left out, until that is undone', async () => {
  await folder.write('2.jsonl', toLines([account(2, 2, '1.5')]));
  expect((await folder.edp('realize', '2.jsonl')).status).toBe(0);
  const shown = await text('rejects', '1');
  expect(shown).not.toContain('1,5 and more');
  expect(shown).toContain('no JSON at all');
  expect(shown).toContain(
    'left out 1 reject whose events, corrected, other loads have brought by now',
  );
  expect(await text('rejects', '1', '--raw')).not.toContain('1,5 and more');
  const { json } = await folder.edp('rejects', '1');
  expect(json.rejects.map(({ event }: { event?: { inLog: unknown } }) => event?.inLog)).toEqual([
    2,
    null,
    undefined,
  ]);
  expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  await folder.edp('undo', '2', '--yes');
  expect(await text('rejects', '1')).toContain('1,5 and more');
});

it('of Debezium, too', async () => {
  await folder.write('3.jsonl', toLines([envelope(10, 'x'), envelope(11, 'y')]));
  await folder.edp('realize', '3.jsonl');
  expect(await text('rejects', '3')).toContain(
    '    orders {"number":7}, create, sequence 10: total "x"\n',
  );
  await folder.write('4.jsonl', toLines([envelope(10, '1.0')]));
  await folder.edp('realize', '4.jsonl');
  const { json } = await folder.edp('rejects', '3');
  expect(json.rejects.map(({ event }: { event?: { inLog: unknown } }) => event?.inLog)).toEqual([
    4,
    null,
  ]);
});

it('an event that went with the undo of another load is named as such by verify, until its file is loaded again', async () => {
  await folder.write('5.jsonl', toLines([account(50, 5, '1'), account(51, 6, '1')]));
  await folder.write('6.jsonl', toLines([account(50, 5, '1'), account(52, 7, '1')]));
  await folder.edp('realize', '5.jsonl');
  await folder.edp('realize', '6.jsonl');
  const { loads } = (await folder.edp('status')).json;
  const [repeated, first] = loads.map(({ loadId }) => loadId);
  await folder.edp('undo', String(first), '--yes');
  const differs = await folder.edp('verify', String(repeated));
  expect(differs).toMatchObject({ status: 1, json: { counts: { missing: 1 } } });
  expect(differs.json.undoneSince).toContain(first);
  const shown = (await folder.plain('verify', String(repeated))).stdout;
  expect(shown).toMatch(
    /may be duplicates of load [\d, ]*, undone since: edp realize --force 6.jsonl/,
  );
  await folder.edp('realize', '--force', '6.jsonl');
  expect((await folder.edp('verify', String(repeated))).json).toMatchObject({ ok: true });
});
