/** The very events of a dataset, spread over many months. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Dataset } from './dataset.js';
import { hashFile } from './events.js';

const FIRST_YEAR = 2020;

/** Days that no month lacks. */
const LAST_DAY = 28;

/** @param months how many; a record's month has nothing to do with those of its neighbours */
export async function spreadEvents(dataset: Dataset, months: number): Promise<Dataset> {
  const source = dataset.files[0]!;
  const file = source.replace(/\.csv$/, `-${months}-months.csv`);
  const output = await open(file, 'w');
  let bytes = 0;
  let record = -1;
  try {
    let pending: string[] = [];
    const flush = async () => {
      const text = pending.join('');
      pending = [];
      bytes += text.length;
      await output.write(text, null, 'latin1');
    };
    for await (const line of createInterface({ input: createReadStream(source, 'latin1') })) {
      // The multiplier has no factor in common with any number of months.
      const month = (((record * 7919) % months) + months) % months;
      pending.push(record < 0 ? `${line}\n` : `${moved(line, month)}\n`);
      record++;
      if (pending.length === 20_000) await flush();
    }
    await flush();
  } finally {
    await output.close();
  }
  const { flat: _, ...rest } = dataset;
  const { hash: __, ...totals } = dataset.totals;
  return {
    ...rest,
    name: `${dataset.name}_in_${months}_months`,
    title: `${dataset.title}, in ${months} months`,
    files: [file],
    bytes,
    sha256: await hashFile(file),
    flat: undefined,
    encoded: [],
    totals,
  };
}

/** With both times of a record in a month, counted from the first one. */
function moved(line: string, month: number): string {
  const year = FIRST_YEAR + Math.floor(month / 12);
  const prefix = `${year}-${String(1 + (month % 12)).padStart(2, '0')}`;
  const day = (text: string) => String(Math.min(LAST_DAY, Number(text))).padStart(2, '0');
  return line.replace(
    /^(\d+),\d{4}-\d\d-(\d\d)([^,]*),\d{4}-\d\d-(\d\d)/,
    (_, id: string, first: string, time: string, second: string) =>
      `${id},${prefix}-${day(first)}${time},${prefix}-${day(second)}`,
  );
}
