/** `edp capture`: a production database → change events. */
import path from 'node:path';
import type pg from 'pg';
import { EdpError, EXIT, FailedRun } from '../base/errors.js';
import { chooseStatus } from '../base/exit-statuses.js';
import { listNames, suggest } from '../base/nearest.js';
import { toShellWord } from '../base/shell-word.js';
import { BOTH_OUTBOXES, FIRST_CONSUMER } from '../capture/consumer.js';
import { install } from '../capture/install.js';
import { isOfThisEdp } from '../capture/install-steps.js';
import { readKept } from '../capture/map-kept.js';
import { readMisfits } from '../capture/misfits.js';
import { type CapturedModel, placeText } from '../capture/plan.js';
import { readInstalled } from '../capture/read-installed.js';
import { findPlan, resolvePlan } from '../capture/resolve-plan.js';
import { type RunTotals, runCapture } from '../capture/run-capture.js';
import { DirectorySink } from '../capture/sinks/directory-sink.js';
import type { Sink } from '../capture/sinks/sink.js';
import { snapshotModel } from '../capture/snapshot.js';
import { readHolders, readStatus } from '../capture/status.js';
import { removeConsumer, uninstall } from '../capture/uninstall.js';
import { consumerWriter, snapshotWriter } from '../capture/writer-name.js';
import type { Capture } from '../model/capture.js';
import { isSameTable } from '../model/table-name.js';
import type { OptionValues } from '../options/option-definitions.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { readUrl } from '../postgres/which-server.js';
import { formatNumber } from '../terminal/output.js';
import { OPTION_NAMES } from './capture.help.js';
import {
  headedSql,
  printInstallation,
  printRun,
  printStatus,
  statusJson,
  uncapturedJson,
  unreadJson,
  warnOfFailed,
} from './capture-lines.js';
import { type Action, assertUsed } from './capture-options.js';
import { explainSource, SOURCE_REMEDY } from './capture-source.js';
import { TABLE_WORD, tableSink } from './capture-table.js';
import { WaitingRows } from './capture-waiting.js';
import type { Command, Invocation } from './command.js';
import type { CaptureSnapshotJson } from './json/capture.schema.js';

interface Call extends Invocation {
  readonly options: OptionValues<(typeof OPTION_NAMES)[number]>;
  readonly capture: Capture;
  readonly config: ConnectionConfig;
  readonly startedAt: number;
}

export const command: Command = {
  async run(invocation) {
    const { given, project } = invocation;
    const { capture } = project;
    if (capture === undefined) {
      throw new EdpError('usage', 'edp.yaml has no section capture:', {
        hint: 'docs/capture.md shows how to write it',
      });
    }
    const action = given.action as Action;
    assertUsed(given, action);
    const call: Call = {
      ...invocation,
      options: resolveOptions(OPTION_NAMES, given, project.options),
      capture,
      config: {
        ...readUrl(capture.sourceUrl(), 'capture.source', process.env),
        remedy: SOURCE_REMEDY,
      },
      startedAt: Date.now(),
    };
    try {
      return await RUN[action](call);
    } catch (error) {
      throw explainSource(error);
    }
  },
};

const RUN: Readonly<Record<Action, (call: Call) => Promise<number>>> = {
  install: runInstall,
  uninstall: runUninstall,
  snapshot: runSnapshot,
  run: runRun,
  status: runStatus,
};

async function runInstall({
  config,
  capture,
  project,
  options,
  output,
  signal,
  startedAt,
}: Call): Promise<number> {
  const isDryRun = options.dryRun;
  const done = await withClient(config, 'capture', (client) =>
    install(client, capture, project.model, { isDryRun, signal }),
  );
  printInstallation(output, done, isDryRun);
  output.result({
    command: 'capture',
    action: 'install',
    ok: done.failures.length === 0,
    seconds: secondsSince(startedAt),
    dryRun: isDryRun,
    tables: done.plan.sources.map(({ table, models }) => ({
      source: placeText(table),
      models: models.map(({ name }) => name),
      partitions: table.partitions.length,
      changed: done.changed.has(placeText(table)),
    })),
    uncaptured: uncapturedJson(done.plan.uncaptured),
    mapped: done.mapped,
    unread: unreadJson(done.unread),
    warnings: [...done.plan.warnings, ...done.failures],
    ...(isDryRun ? { sql: done.sql } : {}),
  });
  return chooseStatus({ doneWithRejects: done.failures.length > 0 });
}

async function runUninstall(call: Call): Promise<number> {
  const { config, given, options, output, signal, startedAt } = call;
  const isDryRun = options.dryRun;
  const consumer = given.consumer === undefined ? null : options.consumer;
  const { steps, sql } = await withClient(config, 'capture', async (client) => {
    if (consumer !== null) return removeConsumer(client, consumer, isDryRun);
    if (!isDryRun) await refuseLoss(client, options.yes);
    return uninstall(client, { isDryRun, signal });
  });
  const tables = steps.map(({ about }) => about).filter((about) => about !== 'edp_capture');
  if (steps.length === 0) output.line('nothing of capture is in the source');
  else if (isDryRun) {
    const words = consumer === null ? '' : ` --consumer ${toShellWord(consumer)}`;
    output.line(headedSql(`edp capture uninstall${words}`, sql));
  } else if (consumer !== null) {
    output.line(`consumer ${consumer} is removed; events no longer wait for it`);
  } else {
    output.line(
      `triggers of ${formatNumber(tables.length, 'table')} and schema edp_capture are removed`,
    );
  }
  output.result({
    command: 'capture',
    action: 'uninstall',
    ok: true,
    seconds: secondsSince(startedAt),
    dryRun: isDryRun,
    tables,
    consumer,
    ...(isDryRun ? { sql } : {}),
  });
  return EXIT.done;
}

/** Events that nobody has read go with the outbox. */
async function refuseLoss(client: pg.Client, isSure: boolean): Promise<void> {
  if (isSure || (await readInstalled(client)).base === undefined) return;
  const { rows } = await client.query<{ events: string }>(
    `SELECT count(*) AS events FROM ${BOTH_OUTBOXES} AS e WHERE e.xid >= (SELECT min(last_xmin) FROM edp_capture.consumers)`,
  );
  const kept = await readKept(client);
  const events = Number(rows[0]!.events);
  if (events === 0 && kept.length === 0) return;
  throw new EdpError(
    'usage',
    `${formatNumber(events, 'event')} of the outbox and rows of ${formatNumber(kept.length, 'table')} are not sent to every consumer, and would be lost`,
    {
      hint: 'edp capture run --to FOLDER --once sends them; --yes removes them',
    },
  );
}

async function runRun(call: Call): Promise<number> {
  const { config, capture, project, given, options, output, signal, startedAt } = call;
  const { consumer } = options;
  const target = targetOf(call, consumerWriter(capture.name, consumer));
  if (target === undefined) {
    throw new EdpError('usage', 'edp capture run needs --to: where events go', {
      hint: 'edp capture run --to events for files, --to table for the tables of the warehouse',
    });
  }
  const waiting = new WaitingRows(output);
  const differing = await withClient(config, 'capture', async (client) => {
    await assertInstalled(client);
    return [...(await readMisfits(client, capture, project.model)).values()];
  });
  for (const misfit of differing) output.warn(`${misfit}; edp capture install makes it so`);
  const totals: RunTotals = await runCapture(config, target.sink, {
    consumer,
    isNew: consumer !== FIRST_CONSUMER || given.consumer !== undefined,
    source: `edp:${capture.name}`,
    isOnce: options.once,
    signal,
    onNote: (text) => output.note(text),
    onWaiting: (client) => waiting.report(client),
  });
  const holders = await withClient(config, 'capture', async (client) => {
    await waiting.report(client);
    return totals.lag.events === 0 ? [] : readHolders(client, 1);
  });
  printRun(output, totals, holders);
  const misfits = [...differing, ...waiting.stuck];
  output.result({
    command: 'capture',
    action: 'run',
    ok: true,
    seconds: secondsSince(startedAt),
    consumer,
    events: { published: totals.published },
    lag: totals.lag,
    tables: [...totals.tables].map(([table, published]) => ({ table, published })),
    failedCalculations: totals.failedCalculations,
    unmapped: waiting.statements,
    misfits,
    ...(signal.aborted ? { interrupted: true as const } : {}),
  });
  return chooseStatus({
    interrupted: signal.aborted,
    doneWithRejects:
      totals.failedCalculations > 0 ||
      waiting.statements > 0 ||
      misfits.length > 0 ||
      target.hasFaults?.() === true,
  });
}

interface Target {
  readonly sink: Sink;
  /** Names it. */
  readonly place: string;
  /** Whether what was sent is not all in its table. */
  hasFaults?(): boolean;
}

function targetOf(call: Call, writerName: string): Target | undefined {
  const { options, project } = call;
  const { captureTo } = options;
  if (captureTo === undefined) return undefined;
  const writer = { writer: writerName, rotateSeconds: options.rotateSeconds };
  if (captureTo === TABLE_WORD) {
    const sink = tableSink(call, { ...options, force: false }, writer);
    return { ...sink, place: `${TABLE_WORD} of ${project.directory}` };
  }
  if (/^[a-z0-9]+:\/\//.test(captureTo)) {
    throw new EdpError(
      'usage',
      `--to ${captureTo}: this version of edp sends events into a folder, or into ${TABLE_WORD}`,
    );
  }
  const folder = path.resolve(project.directory, captureTo);
  return { sink: new DirectorySink(folder, writer), place: folder };
}

async function runSnapshot(call: Call): Promise<number> {
  const { config, capture, project, given, output, signal, startedAt, options } = call;
  const published = new Map<string, number>();
  let failedCalculations = 0;
  let hasFaults = false;
  const toJson = (ok: boolean): CaptureSnapshotJson => ({
    command: 'capture',
    action: 'snapshot',
    ok,
    seconds: secondsSince(startedAt),
    events: { published: [...published.values()].reduce((sum, one) => sum + one, 0) },
    tables: [...published].map(([table, count]) => ({ table, published: count })),
    failedCalculations,
  });
  return withClient(config, 'capture', async (client) => {
    await assertInstalled(client);
    const plan = await resolvePlan(client, capture, project.model);
    const models = select(plan.models, given.tables as string[]);
    const misfits = await readMisfits(client, capture, project.model);
    for (const { name } of models) {
      const misfit = misfits.get(name);
      if (misfit === undefined) continue;
      throw new EdpError('config', misfit, {
        hint: 'edp capture install first: otherwise what changes during the snapshot is not published as its rows are',
      });
    }
    for (const model of models) {
      const target = targetOf(call, snapshotWriter(capture.name, model.name));
      try {
        const { rows, failed } = await snapshotModel(client, model, {
          source: plan.sourceName,
          sink: target?.sink,
          target: target?.place ?? 'outbox of the source',
          isStrict: plan.isStrict,
          capBytes: plan.capBytes,
          signal,
          onNote: (text) => output.note(text),
        });
        // And the one that ends others.
        published.set(model.name, rows + 1);
        failedCalculations += failed;
        output.line(`${model.name}: ${formatNumber(rows, 'row')}`);
      } catch (error) {
        await target?.sink.discard();
        throw new FailedRun(error, toJson(false));
      }
      hasFaults ||= target?.hasFaults?.() === true;
    }
    warnOfFailed(output, failedCalculations);
    if (options.captureTo === undefined)
      output.line('they are in the outbox; edp capture run sends them');
    output.result(toJson(true));
    return chooseStatus({ doneWithRejects: hasFaults || failedCalculations > 0 });
  });
}

function select(
  models: readonly CapturedModel[],
  wanted: readonly string[],
): readonly CapturedModel[] {
  if (wanted.length === 0) return models;
  return wanted.map((name) => {
    const found = models.find((model) => isSameTable(model.name, name));
    if (found !== undefined) return found;
    const names = models.map((model) => model.name);
    throw new EdpError('unknown_table', `capture: has no table ${JSON.stringify(name)}`, {
      hint: suggest(name, names, `the tables are ${listNames(names)}`),
    });
  });
}

async function runStatus({ config, capture, project, output }: Call): Promise<number> {
  const status = await withClient(config, 'capture', async (client) =>
    readStatus(client, await findPlan(client, capture, project.model)),
  );
  const json = statusJson(status);
  printStatus(output, status);
  output.result(json);
  return chooseStatus({ doneWithRejects: !json.ok });
}

async function assertInstalled(client: pg.Client): Promise<void> {
  const installed = await readInstalled(client);
  if (await isOfThisEdp(installed)) return;
  throw new EdpError(
    'config',
    installed.base === undefined
      ? 'capture is not installed in the source'
      : 'another version of edp has installed capture in the source',
    { hint: 'edp capture install; --dry-run shows its SQL' },
  );
}

function secondsSince(startedAt: number): number {
  return (Date.now() - startedAt) / 1000;
}
