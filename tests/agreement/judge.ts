/** Hands a case to the oracle (oracle.ts). */
import type pg from 'pg';
import type { Case, Options } from './case.js';
import type { Judgement } from './oracle.js';
import type { FileRecord } from './records.js';
import type { Reference } from './setup.js';

/**
 * @param records of the file, or some of them
 * @returns what the server made of each record that the program does not reject itself
 */
export async function judge(
  { setup, file }: Case,
  options: Options,
  client: pg.Client,
  records: readonly FileRecord[] = file.records,
): Promise<Judgement[]> {
  const { table, key, columns, pieces } = setup;
  const isGiven = file.fields.map(
    (name) => columns.find((column) => column.name === name)?.generated === undefined,
  );
  const fields = file.fields.filter((_, i) => isGiven[i]);
  const compared = fields.filter((name) => !key.includes(name));
  const isJson = (name: string) =>
    columns.find((column) => column.name === name)?.kind.sql === 'json';
  const isSame = compared.map((name) => {
    const cast = isJson(name) ? '::text' : '';
    return `t.${name}${cast} IS NOT DISTINCT FROM s.${name}${cast}`;
  });
  const isReplaced = options.onConflict === 'update' && key.length > 0;
  const assignments = compared.map((name) => `${name} = EXCLUDED.${name}`).join(', ');
  const action = assignments === '' ? 'NOTHING' : `UPDATE SET ${assignments}`;
  const given = {
    table,
    columns: fields.join(', '),
    onKey: key.length > 0 ? key.map((name) => `t.${name} = s.${name}`).join(' AND ') : null,
    isSame: isSame.join(' AND ') || 'true',
    ...options,
    onConflictClause: isReplaced ? `ON CONFLICT (${key.join(', ')}) DO ${action}` : '',
    // Where a trigger may change the row, edp leaves what is missing to the server.
    stopsAtMissing: !pieces.some(({ what }) => /^trigger that (leaves|raises|changes)/.test(what)),
    references: pieces
      .flatMap(({ reference }) => reference ?? [])
      .filter((reference) => reference.columns.every((name) => fields.includes(name)))
      .sort((one, other) => (one.columns.join('_') < other.columns.join('_') ? -1 : 1))
      .map(toMissing),
    records: records
      .filter(({ codes }) => codes.length === 0)
      .map(({ values }) => values!.filter((_, i) => isGiven[i])),
    refersToSelf: pieces.some(({ what }) => what === 'reference to the same table'),
  };
  await client.query('SET search_path = oracle');
  const { rows } = await client.query<{ judged: Judgement[] }>(
    'SELECT agreement.judge($1) AS judged',
    [JSON.stringify(given)],
  );
  return rows[0]!.judged;
}

/** The reference with the condition that a staged row `s` misses it. */
function toMissing(reference: Reference) {
  const { columns, referredColumns, rows, isFull = false, isOwn = false } = reference;
  const each = (what: (column: string, i: number) => string) => columns.map(what);
  const pairs = each((column, i) => `d.${referredColumns[i]} = s.${column}`).join(' AND ');
  const areGiven = each((column) => `s.${column} IS NOT NULL`).join(' AND ');
  const anyGiven = each((column) => `s.${column} IS NOT NULL`).join(' OR ');
  const isItself = each((column, i) => `s.${referredColumns[i]} = s.${column}`).join(' AND ');
  const isOther = isOwn ? ` AND (${isItself}) IS NOT TRUE` : '';
  const isNone = `NOT EXISTS (SELECT FROM ${rows} d WHERE ${pairs})${isOther}`;
  const condition = isFull ? `(${anyGiven}) AND ${isNone}` : `${areGiven} AND ${isNone}`;
  return { ...reference, column: columns[0], mayInfer: columns.length === 1, condition };
}
