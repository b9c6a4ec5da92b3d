/** The rate of a summary is one of the rows that its line counts. */
import { expect, it } from 'vitest';
import { cloudEvent, toLines } from '../realize/event-lines.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const folder = useWarehouseFolder({
  'edp.yaml': 'tables: { a: { key: id, columns: { id: int, v: int } } }\n',
});

const SUMMARY =
  /^(\d+) rows? loaded into .* in ([\d.]+) (m?s);(?: ([\d,]+) rows\/s,)? [\d.]+ [kM]?B\/s/m;

it('and not of those that were read', async () => {
  const event = {
    table: 'a',
    op: 'create',
    sequence: 1,
    key: { id: 1 },
    after: { id: 1, v: 1 },
  } as const;
  const one = toLines([cloudEvent(event)]);
  await folder.write('many.jsonl', one.repeat(5000));
  const first = await folder.plain('realize', 'many.jsonl');
  const [, loaded, amount, unit, rate] = SUMMARY.exec(first.stdout) ?? [];
  expect([loaded, rate], first.stdout).toEqual(['1', expect.any(String)]);
  const seconds = Number(amount) / (unit === 'ms' ? 1000 : 1);
  // 5,000 were read. What is shown is rounded.
  expect(Number(rate!.replaceAll(',', '')) * seconds).toBeLessThan(50);
  await folder.write('again.jsonl', one.repeat(4000));
  const second = await folder.plain('realize', 'again.jsonl');
  const [, none, , , missing] = SUMMARY.exec(second.stdout) ?? [];
  expect([none, missing], second.stdout).toEqual(['0', undefined]);
});
