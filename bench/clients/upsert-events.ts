/**
 * One client that applies change events to a table with the key `id`, one after the other, by prepared statements.
 *
 *     node upsert-events.js URL TABLE FILE…
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { quoteColumns, quoteIdentifier } from '../../src/model/ddl.js';

interface Event {
  readonly data: {
    readonly op: string;
    readonly key: Readonly<Record<string, unknown>>;
    readonly after?: Readonly<Record<string, unknown>>;
  };
}

const EVENTS_IN_TRANSACTION = 1000;

const [url, table, ...files] = process.argv.slice(2) as [string, string, ...string[]];
const client = new pg.Client({ connectionString: url });
await client.connect();
const into = quoteIdentifier(table);

async function apply({ data: { op, key, after = {} } }: Event): Promise<void> {
  if (op === 'delete') {
    await client.query({
      name: 'delete',
      text: `DELETE FROM ${into} WHERE id = $1`,
      values: [key.id],
    });
    return;
  }
  const row = { ...key, ...after };
  const names = Object.keys(row);
  const set = Object.keys(after)
    .filter((name) => name !== 'id')
    .map((name) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`);
  await client.query({
    name: names.join(),
    text: `INSERT INTO ${into} (${quoteColumns(names)}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')}) ON CONFLICT (id) DO UPDATE SET ${set.join(', ')}`,
    values: Object.values(row),
  });
}

let count = 0;
for (const file of files) {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (count % EVENTS_IN_TRANSACTION === 0) await client.query('BEGIN');
    await apply(JSON.parse(line) as Event);
    count++;
    if (count % EVENTS_IN_TRANSACTION === 0) await client.query('COMMIT');
  }
}
if (count % EVENTS_IN_TRANSACTION !== 0) await client.query('COMMIT');
await client.end();
