/** A column of a user that is called as that of loads says nothing about loads. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

it('changes of a model with such a column reach what reads it', async () => {
  const warehouse = await declare(
    {
      tables: { a: { columns: { id: 'int', v: 'int' }, key: 'id' } },
      models: { below: { key: 'nr' }, words: { key: 'nr' } },
      dimensions: {
        below_dim: { from: 'gold.below', 'natural-key': 'nr', attributes: ['v'] },
        word_dim: { from: 'gold.words', 'natural-key': 'nr', attributes: ['v'] },
      },
    },
    {
      'sql/models/below.sql': 'SELECT id AS nr, v, -1 AS load_id FROM a',
      'sql/models/words.sql': "SELECT id AS nr, v, 'first' AS load_id FROM a",
    },
  );
  await change(
    'CREATE TABLE a (id int, v int, load_id bigint); INSERT INTO a VALUES (1, 1, 1)',
    'public.a',
    'inserted',
    1,
  );
  await run(warehouse);
  await change('INSERT INTO a VALUES (2, 2, 2)', 'public.a', 'inserted', 2);
  await change('UPDATE a SET v = 7, load_id = 3 WHERE id = 1', 'public.a', 'updated', 3);
  const states = statesOf(await run(warehouse)).sort();
  expect(states).toEqual(
    ['below', 'below_dim', 'word_dim', 'words'].map((name) => `gold.${name} done`),
  );
  for (const name of ['below_dim', 'word_dim']) {
    expect(await database.query(`SELECT nr, v FROM gold.${name} WHERE id <> 0 ORDER BY 1`)).toEqual(
      [
        [1, 7],
        [2, 2],
      ],
    );
  }
});
