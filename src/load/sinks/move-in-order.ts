/** Moves the staged rows of a table that refers to itself, record by record. */
import type pg from 'pg';
import { type ChangedRows, recordInferred } from '../../ledger/changes.js';
import { listDeferredOwnKeys } from '../../postgres/own-keys.js';
import { mayBeAboutRecord } from '../../postgres/sqlstate.js';
import { FIRST_TURN, insertInOrder, NOT_ONE_ROW, type OrderedInsert } from './in-order.js';
import { noteReplaced } from './on-conflict.js';
import { Suspicion } from './suspicion.js';
import { CREATE_WAITING, WAITING } from './waiting.js';

export interface SingleRecords {
  /** Gives a record the verdict of the server. */
  refuse(ordinal: number, error: pg.DatabaseError): Promise<void>;
  /** Inserts a record whose row may come to be elsewhere. @returns rows inserted; 0 where it was left out */
  insertAlone(ordinal: number, suspicion: Suspicion): Promise<number>;
  /** Makes the checks now that the server would make at the commit. */
  checkDeferred(): Promise<void>;
}

type Counts = {
  written: number;
  replaced: number;
  others: number;
  completed: number;
  inferred: number;
};

/**
 * Checks that are deferred to the commit are made behind all rows, as for other tables, but for those of
 * the keys by which the table refers to itself. Where one objects, they are made behind each record.
 *
 * @returns the rows of the table that changed
 */
export async function moveInOrder(
  client: pg.Client,
  insert: OrderedInsert,
  records: SingleRecords,
): Promise<ChangedRows> {
  const { staging } = insert;
  const counts =
    (await attempt(client, insert, records, false)) ??
    (await attempt(client, insert, records, true))!;
  await noteReplaced(client, staging, counts.others);
  const updated = Math.min(counts.written, counts.replaced);
  return {
    inserted: counts.written - updated,
    updated: counts.completed + updated,
    ...(counts.inferred === 0
      ? {}
      : { inferred: { [insert.ownKeys[0]!.referredTable]: counts.inferred } }),
  };
}

/** @returns undefined where a deferred check objects; nothing is moved then */
async function attempt(
  client: pg.Client,
  insert: OrderedInsert,
  records: SingleRecords,
  isEachChecked: boolean,
): Promise<Counts | undefined> {
  await client.query(`SAVEPOINT edp_merge; ${CREATE_WAITING}`);
  try {
    if (isEachChecked) await records.checkDeferred();
    else {
      const names = await listDeferredOwnKeys(client, insert.staging.target.oid);
      if (names !== '') await client.query(`SET CONSTRAINTS ${names} IMMEDIATE`);
    }
    // A plan that is made while the table is empty is kept when it is not any more.
    await client.query('SET LOCAL enable_seqscan = off; SET LOCAL jit = off');
    const counts = await moveAll(client, insert, records);
    await client.query('SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL jit TO DEFAULT');
    await records.checkDeferred();
    await client.query('RELEASE edp_merge');
    return counts;
  } catch (error) {
    if (isEachChecked || !mayBeAboutRecord(error)) throw error;
    await client.query('ROLLBACK TO edp_merge; RELEASE edp_merge');
    return undefined;
  }
}

async function moveAll(
  client: pg.Client,
  insert: OrderedInsert,
  records: SingleRecords,
): Promise<Counts> {
  const counts: Counts = { written: 0, replaced: 0, others: 0, completed: 0, inferred: 0 };
  const suspicion = new Suspicion();
  let lookedTwice: number | undefined;
  for (let from = FIRST_TURN; ; ) {
    const outcome = await insertInOrder(client, insert, from);
    counts.written += outcome.written;
    counts.replaced += outcome.replaced;
    counts.others += outcome.others;
    counts.completed += outcome.completed;
    counts.inferred += outcome.inferred;
    if (outcome.written + outcome.completed + outcome.dangling > 0) suspicion.pass();
    if (outcome.refused === undefined) break;
    const { turn, error } = outcome.refused;
    const { ordinal } = turn;
    if (!mayBeAboutRecord(error)) throw error;
    if (error.code === '23505' && lookedTwice !== ordinal) {
      // Another run may have inserted the key between the look and the insert.
      lookedTwice = ordinal;
      from = turn;
      continue;
    }
    let written = 0;
    if (error.code === NOT_ONE_ROW) written = await records.insertAlone(ordinal, suspicion);
    else {
      suspicion.note(error);
      await records.refuse(ordinal, error);
    }
    await client.query(`DELETE FROM ${WAITING} WHERE ordinal = ${ordinal}`);
    counts.written += written;
    from = { ...turn, ordinal: ordinal + 1, hasChanged: turn.hasChanged || written > 0 };
  }
  suspicion.conclude();
  await noteInferred(client, insert, counts.inferred);
  return counts;
}

async function noteInferred(
  client: pg.Client,
  { ownKeys, staging: { loadId } }: OrderedInsert,
  rows: number,
): Promise<void> {
  if (rows === 0) return;
  const relation = ownKeys[0]!.referredTable;
  await recordInferred(client, relation, rows, loadId);
}
