/** A plan and what is in the source → the statements that make the source what the plan says; none where it is. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { packageFile } from '../base/package-files.js';
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import type { TablePlace } from '../model/table-name.js';
import { calculateFunction, calculateName } from './calculate-function.js';
import type { RowOp } from './event-sql.js';
import { safelyQuoted, type WantedFunction } from './function-parts.js';
import { methodFunctions } from './method-functions.js';
import { type CapturedModel, type CapturedSource, type CapturePlan, placeText } from './plan.js';
import { PUBLISHED_KEY, publishedKeyFunction } from './published-key.js';
import { shapeStatement } from './shape-sql.js';
import { hasCalculations } from './touch-sql.js';
import {
  functionName,
  rowFunction,
  type TriggerOp,
  truncateFunction,
  truncatePartFunction,
} from './trigger-functions.js';
import { noteUnread } from './unread-rows.js';

/** Statements of one transaction. */
export interface InstallStep {
  /** What it is about: a table of the source, or edp_capture. */
  readonly about: string;
  /** The table that it locks. */
  readonly relation?: TablePlace;
  readonly statements: readonly string[];
}

export interface WantedTrigger {
  readonly name: string;
  readonly relation: TablePlace;
  readonly functionName: string;
  /** Between the name and EXECUTE. */
  readonly event: string;
  /** Whether it is on a partition, which its argument says. */
  readonly isOnPart: boolean;
}

/** What is in the source. */
export interface InstalledParts {
  /** Of the schema's base; undefined where there is none. */
  readonly base: string | undefined;
  /** Functions made from edp.yaml: name → parameters and hash. */
  readonly functions: ReadonlyMap<string, { readonly parameters: string; readonly hash: string }>;
  /** By {@link triggerKey}. */
  readonly triggers: ReadonlyMap<string, InstalledTrigger>;
  readonly models: ReadonlyMap<string, InstalledModel>;
}

export interface InstalledTrigger {
  readonly name: string;
  readonly relation: TablePlace;
  readonly functionName: string;
  /** pg_trigger.tgenabled: A for always. */
  readonly enabled: string;
  readonly hasArgument: boolean;
}

export interface InstalledModel {
  readonly source: string;
  readonly version: number;
  /** As `definitionOf` makes it. */
  readonly definition: string;
}

const MARK = 'edp capture ';

function hashOf(text: string): string {
  return MARK + createHash('md5').update(text).digest('hex');
}

async function readBase(): Promise<string> {
  return readFile(packageFile('sql/capture/outbox.sql'), 'utf8');
}

/** Whether the tables and functions that every source has are those of this edp. */
export async function isOfThisEdp({ base }: InstalledParts): Promise<boolean> {
  return base === hashOf(await readBase());
}

export async function installSteps(
  plan: CapturePlan,
  installed: InstalledParts,
): Promise<InstallStep[]> {
  const steps: InstallStep[] = [];
  const published = {
    name: PUBLISHED_KEY,
    parameters: 'text',
    text: publishedKeyFunction(plan.published),
  };
  const methods = methodFunctions(plan.models, plan.isStrict);
  if (!(await isOfThisEdp(installed))) {
    const base = await readBase();
    steps.push({
      about: 'edp_capture',
      statements: [
        base.trimEnd(),
        // In the same transaction: whoever publishes meanwhile needs it.
        ...functionStatements(published, installed),
        ...methods.flatMap((one) => functionStatements(one, installed)),
        `COMMENT ON SCHEMA edp_capture IS ${quoteLiteral(hashOf(base))};`,
      ],
    });
  } else {
    const statements = [published, ...methods].flatMap((one) => functionStatements(one, installed));
    if (statements.length > 0) steps.push({ about: 'edp_capture', statements });
  }
  const calculated = plan.models.filter(hasCalculations).map((model) => ({
    name: calculateName(model.name),
    parameters: 'xid8',
    text: calculateFunction(model, plan.isStrict),
  }));
  const functions = calculated.flatMap((one) => functionStatements(one, installed));
  if (functions.length > 0) steps.push({ about: 'edp_capture', statements: functions });
  for (const source of plan.sources) {
    const statements = [
      ...wantedFunctions(source).flatMap((one) => functionStatements(one, installed)),
      ...wantedTriggers(source).flatMap((one) => triggerStatements(one, installed)),
      // Behind the triggers: no row can come between.
      ...unreadStatements(source, installed),
    ];
    if (statements.length > 0) steps.push(tableStep(source.table, statements));
  }
  steps.push(...obsoleteSteps(plan, installed, [published, ...methods, ...calculated]));
  const models = modelStatements(plan, installed);
  if (models.length > 0) steps.push({ about: 'edp_capture', statements: models });
  return steps;
}

/** Triggers that are not wanted any more, as of partitions that were detached. */
export function obsoleteTriggers(
  { sources }: CapturePlan,
  { triggers }: InstalledParts,
): InstalledTrigger[] {
  const wanted = new Set(sources.flatMap(wantedTriggers).map(triggerKey));
  return [...triggers].filter(([key]) => !wanted.has(key)).map(([, trigger]) => trigger);
}

function obsoleteSteps(
  plan: CapturePlan,
  installed: InstalledParts,
  others: readonly WantedFunction[],
): InstallStep[] {
  const steps = dropTriggerSteps(obsoleteTriggers(plan, installed));
  const names = new Set(
    [...plan.sources.flatMap(wantedFunctions), ...others].map(({ name }) => name),
  );
  const functions = [...installed.functions].filter(([name]) => !names.has(name));
  if (functions.length === 0) return steps;
  const statements = functions.map(
    ([name, { parameters }]) =>
      `DROP FUNCTION IF EXISTS edp_capture.${quoteIdentifier(name)}(${parameters});`,
  );
  return [...steps, { about: 'edp_capture', statements }];
}

/** One step for each table. */
export function dropTriggerSteps(triggers: Iterable<InstalledTrigger>): InstallStep[] {
  const byTable = new Map<string, { relation: TablePlace; statements: string[] }>();
  for (const { name, relation } of triggers) {
    const table = quoteName(relation);
    const own = byTable.get(table) ?? { relation, statements: [] };
    own.statements.push(`DROP TRIGGER IF EXISTS ${quoteIdentifier(name)} ON ${table};`);
    byTable.set(table, own);
  }
  return [...byTable.values()].map(({ relation, statements }) => tableStep(relation, statements));
}

function tableStep({ schema, name }: TablePlace, statements: readonly string[]): InstallStep {
  const relation = { schema, name };
  return { about: placeText(relation), relation, statements };
}

export function triggerKey({ name, relation }: Pick<WantedTrigger, 'name' | 'relation'>): string {
  return JSON.stringify([relation.schema, relation.name, name]);
}

function functionStatements(
  { name, parameters, text, needs = [] }: WantedFunction,
  { functions }: InstalledParts,
): string[] {
  const hash = hashOf(text);
  if (functions.get(name)?.hash === hash) return [];
  const called = `edp_capture.${quoteIdentifier(name)}(${parameters})`;
  return [
    ...needs,
    `${safelyQuoted(text)};`,
    `REVOKE ALL ON FUNCTION ${called} FROM PUBLIC;`,
    `COMMENT ON FUNCTION ${called} IS ${quoteLiteral(hash)};`,
  ];
}

export type TriggerState = 'right' | 'disabled' | 'missing';

export function stateOf(wanted: WantedTrigger, { triggers }: InstalledParts): TriggerState {
  const there = triggers.get(triggerKey(wanted));
  if (there?.functionName !== wanted.functionName) return 'missing';
  if (there.hasArgument !== wanted.isOnPart) return 'missing';
  return there.enabled === 'A' ? 'right' : 'disabled';
}

function triggerStatements(wanted: WantedTrigger, installed: InstalledParts): string[] {
  const state = stateOf(wanted, installed);
  if (state === 'right') return [];
  const relation = quoteName(wanted.relation);
  const name = quoteIdentifier(wanted.name);
  return [
    ...(state === 'disabled'
      ? []
      : [
          `CREATE OR REPLACE TRIGGER ${name} ${wanted.event} EXECUTE FUNCTION edp_capture.${quoteIdentifier(wanted.functionName)}(${wanted.isOnPart ? "'partition'" : ''});`,
        ]),
    `ALTER TABLE ${relation} ENABLE ALWAYS TRIGGER ${name};`,
  ];
}

/** Notes what was changed while triggers were missing, or disabled. */
function unreadStatements(source: CapturedSource, installed: InstalledParts): string[] {
  const models = new Set([...source.models, ...source.touches.map(({ model }) => model)]);
  return uncaptured(source, installed).flatMap(({ relation, isSure }) =>
    [...models].map((model) => noteUnread(model, relation, isSure)),
  );
}

/** Relations that a statement could change unseen. */
function uncaptured(source: CapturedSource, installed: InstalledParts) {
  const found = new Map<string, { readonly relation: TablePlace; readonly isSure: boolean }>();
  for (const wanted of wantedTriggers(source)) {
    const isDisabled = stateOf(wanted, installed) === 'disabled';
    if (!isDisabled && installed.triggers.has(triggerKey(wanted))) continue;
    const { relation } = wanted;
    const place = placeText(relation);
    const isSure = isDisabled || found.get(place)?.isSure === true;
    found.set(place, { relation, isSure });
  }
  return [...found.values()];
}

const ROW_OPS: readonly RowOp[] = ['insert', 'update', 'delete'];
const TRANSITIONS: Readonly<Record<RowOp, string>> = {
  insert: 'NEW TABLE AS new_rows',
  update: 'OLD TABLE AS old_rows NEW TABLE AS new_rows',
  delete: 'OLD TABLE AS old_rows',
};

function wantedFunctions(source: CapturedSource): WantedFunction[] {
  const one = (op: TriggerOp, text: string) => ({
    name: functionName(op, source),
    parameters: '',
    text,
  });
  return [
    ...ROW_OPS.map((op) => ({
      ...one(op, rowFunction(source, op)),
      ...(op === 'insert' ? { needs: source.models.map(shapeStatement) } : {}),
    })),
    one('truncate', truncateFunction(source)),
    ...(source.table.kind === 'p' ? [one('truncate part', truncatePartFunction(source))] : []),
  ];
}

/** On the table, and on each of its partitions: those of a table do not fire for a statement that names a partition. */
export function wantedTriggers(source: CapturedSource): WantedTrigger[] {
  const { table } = source;
  const isParted = table.kind === 'p';
  return [table, ...table.partitions].flatMap(({ schema, name }, i) => {
    const relation = { schema, name };
    const on = quoteName(relation);
    const isOnPart = i > 0;
    const rows = ROW_OPS.map((op) => ({
      isOnPart,
      name: `edp_capture_${op}`,
      relation,
      functionName: functionName(op, source),
      event: `AFTER ${op.toUpperCase()} ON ${on} REFERENCING ${TRANSITIONS[op]} FOR EACH STATEMENT`,
    }));
    const op = i === 0 ? 'truncate' : 'truncate part';
    const truncate = (when: 'AFTER' | 'BEFORE', suffix: string) => ({
      isOnPart,
      name: `edp_capture_${suffix}`,
      relation,
      functionName: functionName(op, source),
      event: `${when} TRUNCATE ON ${on} FOR EACH STATEMENT`,
    });
    return [
      ...rows,
      truncate('AFTER', 'truncate'),
      ...(isParted ? [truncate('BEFORE', 'truncating')] : []),
      ...(isParted && !isOnPart ? [routedTrigger(relation)] : []),
    ];
  });
}

/**
 * Where MERGE has inserted a row through a partitioned table, PostgreSQL shows that row as the new version of each row that it updates
 * next: what was updated would be published as deleted. It does not where the partitions have a row trigger before INSERT, even one
 * that never fires. The server gives it to all partitions, later ones too. Its name is that of one table: otherwise, a captured
 * table could not become a partition of another one.
 */
function routedTrigger(relation: TablePlace): WantedTrigger {
  const hash = createHash('md5').update(placeText(relation)).digest('hex').slice(0, 8);
  return {
    isOnPart: false,
    name: `edp_capture_routed_${hash}`,
    relation,
    functionName: 'never',
    event: `BEFORE INSERT ON ${quoteName(relation)} FOR EACH ROW WHEN (false)`,
  };
}

function modelStatements({ models, sources }: CapturePlan, installed: InstalledParts): string[] {
  const isNoted = (model: CapturedModel) =>
    sources.some((one) => one.models.includes(model) && uncaptured(one, installed).length > 0);

  const changed = models.filter(
    ({ name, definition }) => installed.models.get(name)?.definition !== definition,
  );
  const gone = [...installed.models.keys()].filter(
    (name) => !models.some((one) => one.name === name),
  );
  return [
    ...changed.map(({ name, version, source, definition }) => {
      const values = [name, placeText(source), definition].map(quoteLiteral);
      return `INSERT INTO edp_capture.models (model, source, definition, version) VALUES (${values.join(', ')}, ${version})
  ON CONFLICT (model) DO UPDATE SET source = excluded.source, version = excluded.version, definition = excluded.definition,
    installed_at = clock_timestamp();`;
    }),
    // What was published of their rows, if anything, is not what edp.yaml says now.
    ...changed
      .filter((model) => !isNoted(model))
      .map((model) => noteUnread(model, model.source, false)),
    ...gone.map((name) => `DELETE FROM edp_capture.models WHERE model = ${quoteLiteral(name)};`),
  ];
}
