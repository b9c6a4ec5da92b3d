/**
 * The text of an edp.yaml, and of what it includes → options and tables, both checked.
 *
 * Every fault is reported at once, each with its line, in one message.
 */
import { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { EVENT_LOG } from '../events/event-log.js';
import type { Capture } from '../model/capture.js';
import {
  type CaptureInput,
  captureSection,
  findCaptureFaults,
  toCapture,
} from '../model/capture-schema.js';
import { csvSectionSchema } from '../model/csv-settings.js';
import { saysOfFolding } from '../model/folding-schema.js';
import { type NotifyInput, notifySection } from '../model/notify-schema.js';
import { findModelFaults, tablesSchema } from '../model/schema.js';
import { type SoundParts, soundParts } from '../model/sound-parts.js';
import { formatTableName, isSameTable } from '../model/table-name.js';
import { WAREHOUSE_SECTIONS, warehouseShape } from '../model/warehouse/sections.js';
import { type Layers, USUAL_LAYERS } from '../model/warehouse/task.js';
import { OPTIONS, type OptionName } from '../options/option-definitions.js';
import { PROJECT_FILE } from './file.js';
import { mergeParts, type PlacedFault, ProjectPart, type SourceText } from './project-part.js';
import { type Fault, toFaults } from './schema-faults.js';
import type { Environment } from './variables.js';

/** Options that only make sense for one invocation, not for a project. */
export const NOT_IN_PROJECT: ReadonlySet<string> = new Set([
  'capture-to',
  'column',
  'consumer',
  'compare-files',
  'create',
  'extra-column',
  'drop',
  'dry-run',
  'env',
  'task',
  'sql',
  'only',
  'full',
  'date',
  'force',
  'from',
  'from-dbt',
  'from-version',
  'json',
  'key',
  'list',
  'once',
  'port',
  'tcp',
  'out',
  'param',
  'passed-over',
  'raw',
  'replace',
  'runs',
  'schema',
  'to',
  'to-version',
  'type',
  'whole',
  'yes',
]);

const plainSchema = z.strictObject({
  ...(Object.fromEntries(
    Object.entries(OPTIONS)
      .filter(([name]) => !NOT_IN_PROJECT.has(name))
      .map(([name, { schema, describe }]) => [name, schema.optional().describe(describe)]),
  ) as unknown as Record<OptionName, z.ZodType>),
  include: z
    .union([z.string(), z.array(z.string())], {
      error: () => 'include is a path, or a list of paths',
    })
    .optional()
    .describe('Files of the same form, as paths or patterns relative to this file'),
  csv: csvSectionSchema.optional(),
  tables: tablesSchema
    .optional()
    .describe('The tables of this project; replaces the built-in ones'),
});

/** The schema of edp.yaml; docs/edp.schema.json is its JSON Schema. */
export function projectSchema() {
  return plainSchema.extend({ ...notifyShape(), ...captureShape(), ...warehouseShape() });
}

const notifyShape = () => ({
  notify: notifySection().optional().describe('Who is told when a command fails, and of what else'),
});

const captureShape = () => ({
  capture: captureSection().optional().describe('Where the rows of captured tables come from'),
});

const ROOT_KEYS: readonly string[] = [
  ...Object.keys(plainSchema.shape),
  'notify',
  'capture',
  ...WAREHOUSE_SECTIONS,
];

/** Whether a value has some of these sections. To make the schemas of the warehouse takes 10 ms. */
function hasSection(merged: unknown, sections: readonly string[]): boolean {
  return (
    typeof merged === 'object' && merged !== null && sections.some((section) => section in merged)
  );
}

function schemaFor(merged: unknown) {
  if (hasSection(merged, WAREHOUSE_SECTIONS)) return projectSchema();
  if (!hasSection(merged, ['notify', 'capture'])) return plainSchema;
  return plainSchema.extend({
    ...(hasSection(merged, ['notify']) ? notifyShape() : {}),
    ...(hasSection(merged, ['capture']) ? captureShape() : {}),
  });
}

/** Parts of the file that are no options. */
const NO_OPTIONS: readonly string[] = [
  'include',
  'tables',
  'notify',
  'capture',
  ...WAREHOUSE_SECTIONS,
];

export interface ParsedProject {
  readonly options: Record<string, unknown>;
  readonly csv: Record<string, unknown>;
  readonly tables: z.output<typeof tablesSchema> | undefined;
  readonly notify: NotifyInput | undefined;
  readonly capture: Capture | undefined;
  /** Undefined for the usual one. */
  readonly bronzeSchema: string | undefined;
  /** Table → the text that declares it. */
  readonly places: ReadonlyMap<string, SourceText>;
}

/** What is read so far, with the faults that are found so far. */
export interface ProjectReading {
  readonly parts: readonly ProjectPart[];
  /** All texts together, as they are written. */
  readonly merged: unknown;
  /** The tables that can be used in spite of faults. */
  readonly sound: SoundParts;
  readonly addFault: (fault: Fault) => void;
  /** Of a file of SQL. */
  readonly addFileFault: (fault: FileFault) => void;
  /** @throws EdpError `config` that lists the faults */
  readonly finish: () => ParsedProject;
}

/**
 * @param source the text of edp.yaml, or all texts of the project, edp.yaml first
 * @throws EdpError `config` that lists the faults
 */
export function parseProject(
  source: string | readonly SourceText[],
  environment: Environment = process.env,
): ParsedProject {
  const texts = typeof source === 'string' ? [{ name: PROJECT_FILE, text: source }] : source;
  return readProject(texts, environment).finish();
}

/** Whoever knows of more faults adds them, so that all are reported at once. */
export function readProject(
  texts: readonly SourceText[],
  environment: Environment = process.env,
): ProjectReading {
  const parts = texts.map((text) => new ProjectPart(text, environment));
  const faults = parts.flatMap((part) => part.faults);
  const fileFaults: FileFault[] = [];
  const merged = mergeParts(parts, faults);
  const addFault = ({ path, message }: Fault) => {
    const part = parts.find((one) => one.declares(path)) ?? parts[0]!;
    if (part.isUnclear(path)) return;
    const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
    faults.push({ part, line: part.lineOf(path), message: `${where}${message}` });
  };
  const schema = schemaFor(merged);
  const result = schema.safeParse(merged);
  if (!result.success) {
    for (const fault of toFaults(result.error, ROOT_KEYS)) addFault(fault);
  }
  const sound = result.success
    ? { tables: result.data.tables ?? {}, isUnsure: () => false }
    : soundParts((merged as { tables?: unknown }).tables);
  findTableFaults(parts, sound, addFault);
  if (result.success) {
    findFaultsOfCapture(result.data as OtherSections, sound, addFault);
    findFaultsOfLog(result.data as OtherSections, sound, addFault);
  }
  return {
    parts,
    merged,
    sound,
    addFault,
    addFileFault: (fault) => fileFaults.push(fault),
    finish: () => {
      if (faults.length + fileFaults.length > 0 || !result.success) {
        throw toError(parts, faults, fileFaults);
      }
      const { tables, ...others } = result.data as typeof result.data & OtherSections;
      return toProject(parts, merged, tables, others);
    },
  };
}

/** Sections whose schemas are made only where a project has them. */
interface OtherSections {
  readonly notify?: NotifyInput | undefined;
  readonly capture?: CaptureInput | undefined;
  readonly layers?: Partial<Layers> | undefined;
}

/** Of tables that take change events, and are called as the log of them. */
function findFaultsOfLog(
  { capture, layers }: OtherSections,
  { tables }: SoundParts,
  addFault: ProjectReading['addFault'],
): void {
  const bronze = layers?.bronze ?? USUAL_LAYERS.bronze;
  const schema = bronze === USUAL_LAYERS.bronze ? {} : { schema: bronze };
  const log = formatTableName({ ...schema, name: EVENT_LOG });
  const message =
    'edp keeps change events in a table of this name: give yours another one, or the log another schema (layers: bronze)';
  for (const name of Object.keys(capture?.tables ?? {})) {
    if (isSameTable(name, log)) addFault({ path: ['capture', 'tables', name], message });
  }
  for (const [name, table] of Object.entries(tables)) {
    if (saysOfFolding(table) && isSameTable(name, log))
      addFault({ path: ['tables', name], message });
  }
}

function findFaultsOfCapture(
  { capture }: OtherSections,
  sound: SoundParts,
  addFault: ProjectReading['addFault'],
): void {
  if (capture === undefined) return;
  for (const fault of findCaptureFaults(capture, sound.tables)) {
    addFault({ path: ['capture', ...fault.path], message: fault.message });
  }
}

function findTableFaults(
  parts: readonly ProjectPart[],
  sound: SoundParts,
  addFault: ProjectReading['addFault'],
): void {
  const isIncomplete = parts.some((part) => part.mayLackTables(parts.length > 1));
  const hasUnclearKey = (table: string) =>
    parts.some(
      (part) => part.declares(['tables', table]) && part.isUnclear(['tables', table, 'key']),
    );
  const isUnsure = (table: string, column?: string) =>
    column === undefined
      ? hasUnclearKey(table) || (isIncomplete && !Object.hasOwn(sound.tables, table))
      : sound.isUnsure(table, column);
  for (const fault of findModelFaults(sound.tables, isUnsure)) {
    addFault({ path: ['tables', ...fault.path], message: fault.message });
  }
}

/** @param merged a value without faults */
function toProject(
  parts: readonly ProjectPart[],
  merged: unknown,
  tables: ParsedProject['tables'],
  { notify, capture, layers = {} }: OtherSections,
): ParsedProject {
  const { csv, ...others } = merged as Record<string, unknown> & {
    csv?: Record<string, unknown>;
  };
  return {
    options: Object.fromEntries(
      Object.entries(others).filter(([name]) => !NO_OPTIONS.includes(name)),
    ),
    csv: csv ?? {},
    tables,
    notify,
    bronzeSchema: layers.bronze === USUAL_LAYERS.bronze ? undefined : layers.bronze,
    capture:
      capture &&
      toCapture(
        capture,
        (path) => placeOf(parts, ['capture', ...path]),
        parts.flatMap((part) => part.lacks),
      ),
    places: new Map(
      Object.keys(tables ?? {}).map((name) => [
        name,
        parts.find((part) => part.declares(['tables', name]))!.source,
      ]),
    ),
  };
}

function placeOf(parts: readonly ProjectPart[], path: readonly string[]): string {
  const part = parts.find((one) => one.declares(path)) ?? parts[0]!;
  return `${part.source.name}:${part.lineOf(path)}`;
}

/** A fault of a file of SQL. */
export interface FileFault {
  /** As messages name it. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

function toError(
  parts: readonly ProjectPart[],
  faults: readonly PlacedFault[],
  fileFaults: readonly FileFault[],
): EdpError {
  // A fault of one text can quote another.
  const withoutValues = (message: string) =>
    parts.reduce((text, part) => part.withoutValues(text), message);
  const ofProject = [...faults]
    .sort((a, b) => parts.indexOf(a.part) - parts.indexOf(b.part) || a.line - b.line)
    .map(({ part, line, message }) => ({ file: part.source.name, line, message }));
  const ofFiles = [...fileFaults].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  const list = [...ofProject, ...ofFiles]
    .map(({ file, line, message }) => `  ${file}:${line}: ${withoutValues(message)}`)
    // The parser says the same of each bracket that is not closed.
    .filter((text, i, all) => text !== all[i - 1]);
  return new EdpError(
    'config',
    `${PROJECT_FILE} has ${list.length === 1 ? 'a fault' : `${list.length} faults`}:\n${list.join('\n')}`,
    {
      hint: 'docs/edp.schema.json of the package describes the file; editors complete and check it with that',
    },
  );
}
