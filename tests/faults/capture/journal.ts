/**
 * Table `journal`, of which each event is known beforehand: what transactions wrote into it, and what became of them. No other
 * table could tell whether an event was lost that a later one has overwritten.
 */

import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Random } from '../random.js';

/** `committed` was acknowledged; of `unknown`, the server was lost before it answered. */
export type Fate = 'committed' | 'aborted' | 'unknown';

/** One event each: what is written under a key, what is deleted, or a truncate; or what may have one. */
export type Written = `${'write' | 'delete' | 'perhaps delete'} ${string} ${string}` | 'truncate';

const PERHAPS = 'perhaps ';

export class Journal {
  readonly #transactions: { readonly written: readonly Written[]; fate: Fate }[] = [];
  /** The initial rows need no event. */
  #tokens = 0;

  nextToken(): string {
    return `k${++this.#tokens}`;
  }

  /** @returns what says its fate later, for a transaction that is prepared */
  note(written: readonly Written[], fate: Fate): (fate: Fate) => void {
    const one = { written, fate };
    this.#transactions.push(one);
    return (later) => {
      one.fate = later;
    };
  }

  /** @param found the events of the log, by their transaction */
  judge(found: ReadonlyMap<string, readonly Written[]>): string[] {
    const faults: string[] = [];
    const left = new Map<Written, number>();
    for (const written of found.values()) {
      for (const one of written) left.set(one, (left.get(one) ?? 0) + 1);
    }
    const take = (one: Written) => {
      const count = left.get(one) ?? 0;
      if (count > 0) left.set(one, count - 1);
      return count > 0;
    };
    // One whose answer was lost is tried again, and deletes the same rows: their events are those of the one that is sure.
    const ended = ['committed', 'unknown'].flatMap((wanted) =>
      this.#transactions.filter(({ fate }) => fate === wanted),
    );
    for (const { written, fate } of ended) {
      const sure = written.filter((one) => !one.startsWith(PERHAPS));
      const there = sure.filter((one) => {
        const isThere = take(one);
        if (!isThere && fate === 'committed') faults.push(`journal: no event of "${one}"`);
        return isThere;
      }).length;
      if (fate === 'unknown' && there > 0 && there < sure.length) {
        faults.push(`journal: ${there} of ${sure.length} events of one transaction: ${sure[0]}`);
      }
    }
    for (const one of ended.flatMap(({ written }) => written)) {
      if (one.startsWith(PERHAPS)) take(one.slice(PERHAPS.length) as Written);
    }
    for (const [one, count] of left) {
      if (count > 0) faults.push(`journal: ${count} events of "${one}" that nobody wrote`);
    }
    return faults;
  }
}

type Row = [id: string, token: string, more?: string];

/** A statement on the journal. @returns the events that it must have made */
export async function writeJournal(
  client: pg.Client,
  journal: Journal,
  random: Random,
  major: number,
): Promise<Written[]> {
  const token = journal.nextToken();
  const rows = async (sql: string): Promise<Row[]> =>
    (await client.query<Row>({ text: sql, rowMode: 'array' })).rows;
  const writes = (found: readonly Row[]) =>
    found.map(([id, text]): Written => `write ${id} ${text}`);
  const deletes = (found: readonly Row[]) =>
    found.map(([id, text]): Written => `delete ${id} ${text}`);
  switch (random.below(major >= 17 ? 11 : 10)) {
    case 0:
    case 1:
      return writes(
        await rows(
          `INSERT INTO journal SELECT i, '${token}-' || i FROM generate_series(${random.below(90)}, ${random.below(120)}) AS i
           ON CONFLICT (id) DO UPDATE SET token = excluded.token, n = journal.n + 1 RETURNING id::text, token`,
        ),
      );
    case 2: {
      // COPY; its keys are its own.
      const lines = Array.from(
        { length: 1 + random.below(90) },
        (_, i) => [`${1e9 + Number(token.slice(1)) * 1000 + i}`, `${token}-${i}`] as Row,
      );
      const stream = client.query(copyFrom('COPY journal (id, token) FROM STDIN'));
      stream.end(lines.map(([id, text]) => `${id}\t${text}\n`).join(''));
      await finished(stream);
      return writes(lines);
    }
    case 3:
      return deletes(
        await rows(
          `DELETE FROM journal WHERE id % 9 = ${random.below(9)} AND (id < 1000 OR id % 2 = 0) RETURNING id::text, token`,
        ),
      );
    case 4: {
      // Another key: the old one is deleted.
      const moved = await rows(
        `UPDATE journal SET id = id + 100000 WHERE id IN (${random.below(60)}, ${random.below(60)}) RETURNING (id - 100000)::text, token, id::text`,
      );
      return [...deletes(moved), ...moved.map(([, text, id]): Written => `write ${id!} ${text}`)];
    }
    case 5: {
      const [a, b] = [random.below(30), 30 + random.below(30)];
      const found = await rows(
        `WITH a AS (UPDATE journal SET token = '${token}-a' WHERE id = ${a} RETURNING id, token),
           b AS (UPDATE journal SET token = '${token}-b' WHERE id = ${b} RETURNING id, token)
         SELECT id::text, token FROM a UNION ALL SELECT id::text, token FROM b`,
      );
      return writes(found);
    }
    case 6: {
      if (random.below(3) > 0) return [];
      await client.query('TRUNCATE journal');
      return ['truncate'];
    }
    case 7: {
      const found = await rows(
        `WITH gone AS (DELETE FROM journal WHERE id % 13 = ${random.below(13)} RETURNING id, token),
           made AS (INSERT INTO journal SELECT id, '${token}-' || id FROM gone RETURNING id, token)
         SELECT g.id::text, g.token, m.token FROM gone AS g JOIN made AS m USING (id)`,
      );
      // What is there again need not be deleted.
      return found.flatMap(([id, gone, text]): Written[] => [
        `perhaps delete ${id} ${gone}`,
        `write ${id} ${text!}`,
      ]);
    }
    case 10: {
      const found = await rows(
        `MERGE INTO journal AS j USING (SELECT i FROM generate_series(1, ${1 + random.below(80)}) AS i) AS s ON j.id = s.i
           WHEN MATCHED AND j.id % 5 = ${random.below(5)} THEN DELETE
           WHEN MATCHED THEN UPDATE SET token = '${token}-' || s.i
           WHEN NOT MATCHED THEN INSERT VALUES (s.i, '${token}-' || s.i)
         RETURNING j.id::text, j.token, merge_action()`,
      );
      return [
        ...deletes(found.filter(([, , action]) => action === 'DELETE')),
        ...writes(found.filter(([, , action]) => action !== 'DELETE')),
      ];
    }
    default:
      return writes(
        await rows(
          `UPDATE journal SET token = '${token}-' || id, n = n + 1 WHERE id % 20 = ${random.below(20)} RETURNING id::text, token`,
        ),
      );
  }
}
