/** `edp capture`: a production database → change events. */
import path from 'node:path';
import type pg from 'pg';
import { EdpError, EXIT, FailedRun } from '../base/errors.js';
import { listNames, suggest } from '../base/nearest.js';
import { install } from '../capture/install.js';
import { readKept } from '../capture/map-kept.js';
import { type CapturedModel, placeText } from '../capture/plan.js';
import { readInstalled } from '../capture/read-installed.js';
import { resolvePlan } from '../capture/resolve-plan.js';
import { type RunTotals, runCapture } from '../capture/run-capture.js';
import { DirectorySink } from '../capture/sinks/directory-sink.js';
import type { Sink } from '../capture/sinks/sink.js';
import { snapshotModel } from '../capture/snapshot.js';
import { readHolders, readStatus } from '../capture/status.js';
import { removeConsumer, uninstall } from '../capture/uninstall.js';
import type { Capture } from '../model/capture.js';
import { isSameTable } from '../model/table-name.js';
import type { OptionValues } from '../options/option-definitions.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { readUrl } from '../postgres/which-server.js';
import { formatNumber } from '../terminal/output.js';
import { type ACTIONS, OPTION_NAMES } from './capture.help.js';
import { printInstallation, printRun, printStatus, statusJson } from './capture-lines.js';
import { TABLE_WORD, tableSink } from './capture-table.js';
import type { Command, Invocation } from './command.js';
import type { CaptureSnapshotJson } from './json/capture.schema.js';

type Action = (typeof ACTIONS)[number];

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
    refuseUnused(given, action);
    const call: Call = {
      ...invocation,
      options: resolveOptions(OPTION_NAMES, given, project.options),
      capture,
      config: readUrl(capture.databaseUrl, 'capture.source', process.env),
      startedAt: Date.now(),
    };
    return RUN[action](call);
  },
};

const RUN: Readonly<Record<Action, (call: Call) => Promise<number>>> = {
  install: runInstall,
  uninstall: runUninstall,
  snapshot: runSnapshot,
  run: runRun,
  status: runStatus,
};

/** Options that belong to some actions; for others they would be passed over in silence. */
const OF_ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  'dry-run': ['install', 'uninstall'],
  to: ['run', 'snapshot'],
  once: ['run'],
  consumer: ['run', 'uninstall'],
  'rotate-seconds': ['run', 'snapshot'],
  yes: ['uninstall'],
};

function refuseUnused(given: Invocation['given'], action: Action): void {
  for (const [option, actions] of Object.entries(OF_ACTIONS)) {
    if (given[option] === undefined || actions.includes(action)) continue;
    throw new EdpError(
      'usage',
      `--${option} is for edp capture ${actions.join(' and ')}, not for ${action}`,
    );
  }
  const tables = (given.tables ?? []) as readonly string[];
  if (tables.length > 0 && action !== 'snapshot') {
    throw new EdpError('usage', `edp capture ${action} takes no tables; it is about all of them`);
  }
}

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
    mapped: done.mapped,
    warnings: [...done.plan.warnings, ...done.failures],
    ...(isDryRun ? { sql: done.sql } : {}),
  });
  return done.failures.length === 0 ? EXIT.done : EXIT.doneWithRejects;
}

async function runUninstall({
  config,
  given,
  options,
  output,
  signal,
  startedAt,
}: Call): Promise<number> {
  const consumer = given.consumer === undefined ? null : options.consumer;
  return withClient(config, 'capture', async (client) => {
    if (consumer !== null) {
      const isGone = (await isInstalled(client)) && (await removeConsumer(client, consumer));
      if (!isGone) throw new EdpError('usage', `the source has no consumer ${consumer}`);
      output.line(`consumer ${consumer} is removed; events no longer wait for it`);
    }
    const isDryRun = options.dryRun;
    if (consumer === null && !isDryRun) await refuseLoss(client, options.yes);
    const { steps, sql } =
      consumer === null ? await uninstall(client, { isDryRun, signal }) : { steps: [], sql: '' };
    const tables = steps.map(({ about }) => about).filter((about) => about !== 'edp_capture');
    if (consumer === null) {
      if (isDryRun) output.line(sql.trimEnd());
      else if (steps.length === 0) output.line('nothing of capture is in the source');
      else
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
  });
}

/** Events that nobody has read go with the outbox. */
async function refuseLoss(client: pg.Client, isSure: boolean): Promise<void> {
  if (isSure || !(await isInstalled(client))) return;
  const { rows } = await client.query<{ events: string }>(
    `SELECT count(*) AS events FROM (SELECT xid FROM edp_capture.outbox_0 UNION ALL SELECT xid FROM edp_capture.outbox_1) AS e
     WHERE xid >= (SELECT min(last_xmin) FROM edp_capture.consumers)`,
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

async function isInstalled(client: pg.Client): Promise<boolean> {
  return (await readInstalled(client)).base !== undefined;
}

async function runRun(call: Call): Promise<number> {
  const { config, capture, options, output, signal, startedAt } = call;
  const { consumer } = options;
  const target = targetOf(call, consumer);
  if (target === undefined) {
    throw new EdpError('usage', 'edp capture run needs --to: where events go', {
      hint: 'edp capture run --to events for files, --to table for the tables of the warehouse',
    });
  }
  const unmapped = await withClient(config, 'capture', async (client) => {
    await assertInstalled(client);
    return readKept(client);
  });
  for (const { source, statements, error } of unmapped) {
    output.warn(
      `${source}: rows of ${formatNumber(statements, 'statement')} could not be mapped (${error}); correct edp.yaml, then edp capture install publishes them`,
    );
  }
  const totals: RunTotals = await runCapture(config, target.sink, {
    consumer,
    source: `edp:${capture.name}`,
    isOnce: options.once,
    signal,
    onNote: (text) => output.note(text),
  });
  const holders =
    totals.lag.events === 0
      ? []
      : await withClient(config, 'capture', (client) => readHolders(client, 1));
  printRun(output, totals, holders);
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
    unmapped: unmapped.reduce((sum, { statements }) => sum + statements, 0),
    ...(signal.aborted ? { interrupted: true as const } : {}),
  });
  if (signal.aborted) return EXIT.interrupted;
  const hasFaults =
    totals.failedCalculations > 0 || unmapped.length > 0 || target.hasFaults?.() === true;
  return hasFaults ? EXIT.doneWithRejects : EXIT.done;
}

interface Target {
  readonly sink: Sink;
  /** Names it. */
  readonly place: string;
  /** Whether what was sent is not all in its table. */
  hasFaults?(): boolean;
}

function targetOf(call: Call, name: string): Target | undefined {
  const { options, capture, project } = call;
  const { captureTo } = options;
  if (captureTo === undefined) return undefined;
  const writer = { writer: `${capture.name}.${name}`, rotateSeconds: options.rotateSeconds };
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
  const target = targetOf(call, 'snapshot');
  const sink = target?.sink;
  const published = new Map<string, number>();
  const toJson = (ok: boolean): CaptureSnapshotJson => ({
    command: 'capture',
    action: 'snapshot',
    ok,
    seconds: secondsSince(startedAt),
    events: { published: [...published.values()].reduce((sum, one) => sum + one, 0) },
    tables: [...published].map(([table, count]) => ({ table, published: count })),
  });
  return withClient(config, 'capture', async (client) => {
    await assertInstalled(client);
    const plan = await resolvePlan(client, capture, project.model);
    const models = select(plan.models, given.tables as string[]);
    await sink?.open();
    try {
      for (const model of models) {
        const rows = await snapshotModel(client, model, {
          source: plan.sourceName,
          sink,
          target: target?.place ?? '',
          capBytes: plan.capMb * 1024 * 1024,
          signal,
          onNote: (text) => output.note(text),
        });
        published.set(model.name, rows);
        output.line(`${model.name}: ${formatNumber(rows, 'row')}`);
      }
    } catch (error) {
      await sink?.discard();
      throw new FailedRun(error, toJson(false));
    }
    if (options.captureTo === undefined)
      output.line('they are in the outbox; edp capture run sends them');
    output.result(toJson(true));
    return target?.hasFaults?.() === true ? EXIT.doneWithRejects : EXIT.done;
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
    readStatus(client, await resolvePlan(client, capture, project.model)),
  );
  const json = statusJson(status);
  printStatus(output, status);
  output.result(json);
  return json.ok ? EXIT.done : EXIT.doneWithRejects;
}

async function assertInstalled(client: pg.Client): Promise<void> {
  if (await isInstalled(client)) return;
  throw new EdpError('config', 'capture is not installed in the source', {
    hint: 'edp capture install; --dry-run shows its SQL',
  });
}

function secondsSince(startedAt: number): number {
  return (Date.now() - startedAt) / 1000;
}
