/**
 * (c) The limit: the server reads rows that were encoded beforehand, from files, a session per CPU. No
 * client takes part, nothing is parsed, nothing crosses a socket.
 *
 * The sessions are this process's own, so that not even the start of a program counts.
 */
import pg from 'pg';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../src/model/ddl.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

export const serverBinaryCopy: Contender = {
  name: 'server-binary-copy',
  title: '(c) server-side binary COPY per CPU',
  reads: 'encoded',
  find: ALWAYS_PRESENT,

  async load({ dataset, target, database }) {
    if (dataset.encoded.length === 0) throw new TypeError(`${dataset.name} is not encoded`);
    const table = `${quoteIdentifier(target.table)} (${quoteColumns(dataset.columns)})`;
    await Promise.all(
      dataset.encoded.map(async (file) => {
        const client = new pg.Client(database.config);
        await client.connect();
        try {
          await client.query(`COPY ${table} FROM ${quoteLiteral(file)} (FORMAT binary)`);
        } finally {
          await client.end();
        }
      }),
    );
  },
};
