/** `edp run | head` and the like: nobody reads what a run says. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { startEdp, withDirectory } from '../../support/cli.js';
import { useWarehouse } from '../../support/warehouse-place.js';

const { database } = useWarehouse();

it('the run is ended in the ledger all the same', async () => {
  await database.query('CREATE TABLE a (id int); INSERT INTO a VALUES (1)');
  await withDirectory(async (cwd) => {
    const project = 'silver:\n  a: { from: public.a, key: id, columns: { id: id } }\n';
    await writeFile(`${cwd}/edp.yaml`, project);
    const child = startEdp(['run'], { cwd, env: { DATABASE_URL: database.url } });
    child.stdout!.destroy();
    child.stderr!.resume();
    await once(child, 'close');
  });
  expect(await database.query('SELECT id FROM silver.a')).toEqual([[1]]);
  expect(await database.query('SELECT state FROM edp.runs')).toEqual([['done']]);
});
