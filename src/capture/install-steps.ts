/** A plan and what is in the source → the statements that make the source what the plan says; none where it is. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { packageFile } from '../base/package-files.js';
import { quoteIdentifier, quoteLiteral, quoteTable } from '../model/ddl.js';
import { formatTableName, type TablePlace } from '../model/table-name.js';
import { calculateFunction, calculateName } from './calculate-function.js';
import type { RowOp } from './event-sql.js';
import { type CapturedSource, type CapturePlan, placeText } from './plan.js';
import { hasCalculations } from './touch-sql.js';
import {
  functionName,
  rowFunction,
  type TriggerOp,
  truncateFunction,
  truncatePartFunction,
} from './trigger-functions.js';

/** Statements of one transaction. */
export interface InstallStep {
  /** What it is about: a table of the source, or edp_capture. */
  readonly about: string;
  readonly statements: readonly string[];
}

export interface WantedFunction {
  readonly name: string;
  readonly parameters: string;
  readonly text: string;
}

export interface WantedTrigger {
  readonly name: string;
  readonly relation: TablePlace;
  readonly functionName: string;
  /** Between the name and EXECUTE. */
  readonly event: string;
}

/** What is in the source. */
export interface InstalledParts {
  /** Of the schema's base; undefined where there is none. */
  readonly base: string | undefined;
  /** Functions made from edp.yaml: name → parameters and hash. */
  readonly functions: ReadonlyMap<string, { readonly parameters: string; readonly hash: string }>;
  readonly triggers: readonly InstalledTrigger[];
  readonly models: ReadonlyMap<string, { readonly source: string; readonly version: number }>;
}

export interface InstalledTrigger {
  readonly name: string;
  readonly relation: TablePlace;
  readonly functionName: string;
  /** pg_trigger.tgenabled: A for always. */
  readonly enabled: string;
}

const MARK = 'edp capture ';

export function hashOf(text: string): string {
  return MARK + createHash('md5').update(text).digest('hex');
}

export async function readBase(): Promise<string> {
  return readFile(packageFile('sql/capture/outbox.sql'), 'utf8');
}

export async function installSteps(
  plan: CapturePlan,
  installed: InstalledParts,
): Promise<InstallStep[]> {
  const base = await readBase();
  const steps: InstallStep[] = [];
  if (installed.base !== hashOf(base)) {
    steps.push({
      about: 'edp_capture',
      statements: [
        base.trimEnd(),
        `COMMENT ON SCHEMA edp_capture IS ${quoteLiteral(hashOf(base))};`,
      ],
    });
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
    ];
    if (statements.length > 0) steps.push({ about: placeText(source.table), statements });
  }
  steps.push(...obsoleteSteps(plan, installed, calculated));
  const models = modelStatements(plan, installed);
  if (models.length > 0) steps.push({ about: 'edp_capture', statements: models });
  return steps;
}

function obsoleteSteps(
  plan: CapturePlan,
  installed: InstalledParts,
  calculated: readonly WantedFunction[],
): InstallStep[] {
  const wanted = new Set(plan.sources.flatMap(wantedTriggers).map(triggerKey));
  const steps = installed.triggers
    .filter((trigger) => !wanted.has(triggerKey(trigger)))
    .map(({ name, relation }) => ({
      about: placeText(relation),
      statements: [
        `DROP TRIGGER IF EXISTS ${quoteIdentifier(name)} ON ${quoteTable(formatTableName(relation))};`,
      ],
    }));
  const names = new Set(
    [...plan.sources.flatMap(wantedFunctions), ...calculated].map(({ name }) => name),
  );
  const functions = [...installed.functions].filter(([name]) => !names.has(name));
  if (functions.length === 0) return steps;
  const statements = functions.map(
    ([name, { parameters }]) =>
      `DROP FUNCTION IF EXISTS edp_capture.${quoteIdentifier(name)}(${parameters});`,
  );
  return [...steps, { about: 'edp_capture', statements }];
}

export function triggerKey({ name, relation }: Pick<WantedTrigger, 'name' | 'relation'>): string {
  return JSON.stringify([relation.schema, relation.name, name]);
}

function functionStatements(
  { name, parameters, text }: WantedFunction,
  { functions }: InstalledParts,
): string[] {
  const hash = hashOf(text);
  if (functions.get(name)?.hash === hash) return [];
  const called = `edp_capture.${quoteIdentifier(name)}(${parameters})`;
  return [
    `${text};`,
    `REVOKE ALL ON FUNCTION ${called} FROM PUBLIC;`,
    `COMMENT ON FUNCTION ${called} IS ${quoteLiteral(hash)};`,
  ];
}

function triggerStatements(wanted: WantedTrigger, { triggers }: InstalledParts): string[] {
  const key = triggerKey(wanted);
  const there = triggers.find((one) => triggerKey(one) === key);
  const isRight = there?.functionName === wanted.functionName;
  if (isRight && there.enabled === 'A') return [];
  const relation = quoteTable(formatTableName(wanted.relation));
  const name = quoteIdentifier(wanted.name);
  return [
    ...(isRight
      ? []
      : [
          `CREATE OR REPLACE TRIGGER ${name} ${wanted.event} FOR EACH STATEMENT EXECUTE FUNCTION edp_capture.${quoteIdentifier(wanted.functionName)}();`,
        ]),
    `ALTER TABLE ${relation} ENABLE ALWAYS TRIGGER ${name};`,
  ];
}

const ROW_OPS: readonly RowOp[] = ['insert', 'update', 'delete'];
const TRANSITIONS: Readonly<Record<RowOp, string>> = {
  insert: 'NEW TABLE AS new_rows',
  update: 'OLD TABLE AS old_rows NEW TABLE AS new_rows',
  delete: 'OLD TABLE AS old_rows',
};

export function wantedFunctions(source: CapturedSource): WantedFunction[] {
  const one = (op: TriggerOp, text: string) => ({
    name: functionName(op, source),
    parameters: '',
    text,
  });
  return [
    ...ROW_OPS.map((op) => one(op, rowFunction(source, op))),
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
    const on = quoteTable(formatTableName(relation));
    const rows = ROW_OPS.map((op) => ({
      name: `edp_capture_${op}`,
      relation,
      functionName: functionName(op, source),
      event: `AFTER ${op.toUpperCase()} ON ${on} REFERENCING ${TRANSITIONS[op]}`,
    }));
    const op = i === 0 ? 'truncate' : 'truncate part';
    const truncate = (when: 'AFTER' | 'BEFORE', suffix: string) => ({
      name: `edp_capture_${suffix}`,
      relation,
      functionName: functionName(op, source),
      event: `${when} TRUNCATE ON ${on}`,
    });
    return [
      ...rows,
      truncate('AFTER', 'truncate'),
      ...(isParted ? [truncate('BEFORE', 'truncating')] : []),
    ];
  });
}

function modelStatements({ models }: CapturePlan, installed: InstalledParts): string[] {
  const changed = models.filter(({ name, version, source }) => {
    const there = installed.models.get(name);
    return there?.version !== version || there.source !== placeText(source);
  });
  const gone = [...installed.models.keys()].filter(
    (name) => !models.some((one) => one.name === name),
  );
  return [
    ...changed.map(
      ({ name, version, source }) =>
        `INSERT INTO edp_capture.models (model, source, version) VALUES (${quoteLiteral(name)}, ${quoteLiteral(placeText(source))}, ${version})
  ON CONFLICT (model) DO UPDATE SET source = excluded.source, version = excluded.version, installed_at = clock_timestamp();`,
    ),
    ...gone.map((name) => `DELETE FROM edp_capture.models WHERE model = ${quoteLiteral(name)};`),
  ];
}
