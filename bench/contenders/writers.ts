/** The statement of an application, where nothing, edp's triggers, or an audit trigger keeps what it changes. */
import pg from 'pg';
import { type Keeper, ROWS, SINGLES, statementSql } from '../capture/shop.js';
import { ALWAYS_PRESENT, type Contender } from './contender.js';

const TITLES: Readonly<Record<Keeper, string>> = {
  bare: 'no trigger',
  capture: 'edp capture',
  audit: 'audit trigger FOR EACH ROW, jsonb',
};

/** First statements of a session, which make its plans. */
const WARM_UP = 20;

function writer(keeper: Keeper): Contender {
  return {
    name: `write-${keeper}`,
    title: TITLES[keeper],
    reads: 'tables',
    find: ALWAYS_PRESENT,

    async load({ database, target, tell }) {
      const { statement, isSingle, table } = target.writing!;
      const client = new pg.Client(database.config);
      await client.connect();
      try {
        // As a table that is in use, its pages are in memory.
        await client.query(`SELECT count(*) FROM ${table}`);
        let startedAt = performance.now();
        if (isSingle) {
          const text = statementSql(table, statement, 'id = $1');
          for (let i = 1; i <= WARM_UP + SINGLES; i++) {
            if (i === WARM_UP + 1) startedAt = performance.now();
            // Rows all over the table, each of them once.
            await client.query({ name: 'one', text, values: [((i * 7919) % ROWS) + 1] });
          }
        } else await client.query(statementSql(table, statement, 'true'));
        tell?.((performance.now() - startedAt) / 1000);
      } finally {
        await client.end();
      }
    },
  };
}

export const WRITERS: Readonly<Record<Keeper, Contender>> = {
  bare: writer('bare'),
  capture: writer('capture'),
  audit: writer('audit'),
};

/** Changes that a writer makes. */
export function changesOf(isSingle: boolean): number {
  return isSingle ? WARM_UP + SINGLES : ROWS;
}
