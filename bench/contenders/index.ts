/** All contenders, in the order of reports. */
import { barePath } from './bare-path.js';
import { captureRun, realize, upsertEvents } from './change-events.js';
import { clientCopy } from './client-copy.js';
import type { Contender } from './contender.js';
import { dbtMerge, dbtMicrobatch } from './dbt.js';
import { decompressor } from './decompressor.js';
import { duckdb } from './duckdb.js';
import { edp } from './edp.js';
import { reportByJoin, reportByName } from './edp-report.js';
import { edpRun } from './edp-run.js';
import { handWritten } from './hand-written.js';
import { inferTypes } from './inference.js';
import { pandas } from './pandas.js';
import { parallelClientCopy } from './parallel-client-copy.js';
import { pgloader } from './pgloader.js';
import { psql } from './psql.js';
import { serverBinaryCopy } from './server-binary-copy.js';
import { WRITERS } from './writers.js';

export const CONTENDERS: readonly Contender[] = [
  edp,
  clientCopy,
  parallelClientCopy,
  serverBinaryCopy,
  psql,
  duckdb,
  pgloader,
  pandas,
  barePath,
  inferTypes,
  decompressor,
  reportByJoin,
  reportByName,
  edpRun,
  handWritten,
  dbtMerge,
  dbtMicrobatch,
  ...Object.values(WRITERS),
  captureRun,
  realize,
  upsertEvents,
];
