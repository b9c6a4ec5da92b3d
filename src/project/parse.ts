/**
 * The text of an edp.yaml, and of what it includes → options and tables, both checked.
 *
 * Every fault is reported at once, each with its line, in one message.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { csvSectionSchema } from '../model/csv-settings.js';
import { findModelFaults, tablesSchema } from '../model/schema.js';
import { OPTIONS, type OptionName } from '../options/option-definitions.js';
import { PROJECT_FILE } from './file.js';
import { type Environment, type ExpandedValue, expandVariables } from './variables.js';

/** Options that only make sense for one invocation, not for a project. */
export const NOT_IN_PROJECT: ReadonlySet<string> = new Set([
  'column',
  'create',
  'extra-column',
  'dry-run',
  'force',
  'from',
  'json',
  'key',
  'list',
  'port',
  'tcp',
  'out',
  'param',
  'passed-over',
  'raw',
  'replace',
  'runs',
  'to',
  'type',
  'whole',
  'yes',
]);

/** The schema of edp.yaml; docs/edp.schema.json is its JSON Schema. */
export const projectSchema = z.strictObject({
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

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function toFaults(error: z.core.$ZodError): Fault[] {
  return error.issues.flatMap((issue) => issueFaults(issue, issue.path));
}

/** @param path of the issue from the root of the file */
function issueFaults(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): Fault[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `"${key}" is not known here`,
      }));
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message }));
    case 'invalid_union': {
      // One that is there in all that makes it up, but for some of its settings.
      const meant = issue.errors.find((issues) =>
        issues.every(({ path: [first] }) => first !== undefined && first !== 'type'),
      );
      if (meant !== undefined) {
        return meant.flatMap((inner) => issueFaults(inner, [...path, ...inner.path]));
      }
      // Of several forms, the user likely meant the one that fits best.
      const depth = (issues: readonly z.core.$ZodIssue[]) =>
        Math.max(0, ...issues.map((inner) => inner.path.length));
      const [furthest = []] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
      // If even that one fails at its first level, the message for all forms is more helpful.
      if (depth(furthest) < 2) return [{ path, message: issue.message }];
      return furthest.flatMap((inner) => issueFaults(inner, [...path, ...inner.path]));
    }
    default:
      return [{ path, message: issue.message }];
  }
}

/** A text of the project: edp.yaml, or a file that it includes. */
export interface SourceText {
  /** As messages name it. */
  readonly name: string;
  /** Absolute; undefined for a text that is in no file. */
  readonly path?: string;
  readonly text: string;
}

export interface ParsedProject {
  readonly options: Record<string, unknown>;
  readonly csv: Record<string, unknown>;
  readonly tables: z.output<typeof tablesSchema> | undefined;
  /** Table → the text that declares it. */
  readonly places: ReadonlyMap<string, SourceText>;
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
  const parts = texts.map((text) => new Part(text, environment));
  const faults = parts.flatMap((part) => part.faults);
  const merged = faults.length > 0 ? undefined : mergeParts(parts, faults);
  const addFault = ({ path, message }: Fault) => {
    const part = parts.find((one) => one.declares(path)) ?? parts[0]!;
    const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
    faults.push({ part, line: part.lineOf(path), message: `${where}${message}` });
  };
  let parsed: z.output<typeof projectSchema> | undefined;
  if (faults.length === 0) {
    const result = projectSchema.safeParse(merged);
    if (result.success) parsed = result.data;
    else for (const fault of toFaults(result.error)) addFault(fault);
  }
  if (parsed?.tables !== undefined) {
    for (const fault of findModelFaults(parsed.tables)) {
      addFault({ path: ['tables', ...fault.path], message: fault.message });
    }
  }
  if (faults.length > 0 || parsed === undefined) throw toError(parts, faults);
  const {
    tables,
    csv,
    include: _,
    ...options
  } = merged as Record<string, unknown> & {
    tables?: unknown;
    csv?: Record<string, unknown>;
  };
  return {
    options,
    csv: csv ?? {},
    tables: tables === undefined ? undefined : parsed.tables,
    places: new Map(
      Object.keys(parsed.tables ?? {}).map((name) => [
        name,
        parts.find((part) => part.declares(['tables', name]))!.source,
      ]),
    ),
  };
}

/** A fault with its place. */
interface PlacedFault {
  readonly part: Part;
  readonly line: number;
  readonly message: string;
}

function toError(parts: readonly Part[], faults: readonly PlacedFault[]): EdpError {
  const list = [...faults]
    .sort((a, b) => parts.indexOf(a.part) - parts.indexOf(b.part) || a.line - b.line)
    .map(
      ({ part, line, message }) => `  ${part.source.name}:${line}: ${part.withoutValues(message)}`,
    );
  return new EdpError(
    'config',
    `${PROJECT_FILE} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${list.join('\n')}`,
    { hint: 'docs/edp.schema.json describes the file; editors complete and check it with that' },
  );
}

/** One text, parsed. */
class Part {
  readonly source: SourceText;
  readonly faults: PlacedFault[];
  /** Undefined where it has faults. */
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();
  readonly #expanded: readonly ExpandedValue[];

  constructor(source: SourceText, environment: Environment) {
    this.source = source;
    this.#document = parseDocument(source.text, { lineCounter: this.#lines, prettyErrors: false });
    const { expanded, faults } = expandVariables(this.#document, environment);
    this.#expanded = expanded;
    this.faults = [
      ...this.#document.errors.map(({ pos: [offset], message }) => ({ offset, message })),
      ...faults,
    ].map(({ offset, message }) => ({
      part: this,
      line: this.#lines.linePos(offset).line,
      message,
    }));
    this.value = this.faults.length > 0 ? undefined : (this.#document.toJS() ?? {});
  }

  /** Whether it has what a path leads to: an option, a setting of `csv:`, a table. */
  declares(path: readonly PropertyKey[]): boolean {
    const [first, second] = path;
    if (typeof this.value !== 'object' || this.value === null || first === undefined) return false;
    if (!Object.hasOwn(this.value, first)) return false;
    if (second === undefined || !SECTIONS.includes(String(first))) return true;
    const section = (this.value as Record<PropertyKey, unknown>)[first];
    return typeof section !== 'object' || section === null || Object.hasOwn(section, second);
  }

  /** Line of the key that a path ends with, or of its nearest existing parent. */
  lineOf(path: readonly PropertyKey[]): number {
    for (let depth = path.length; depth > 0; depth--) {
      const parent = this.#document.getIn(path.slice(0, depth - 1), true);
      const name = path[depth - 1];
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
        : undefined;
      const node = pair?.key ?? this.#document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]).line;
    }
    return 1;
  }

  /** A message that quotes no value of a variable. */
  withoutValues(message: string): string {
    return this.#expanded.reduce(
      (text, { value, written }) => text.replaceAll(JSON.stringify(value), JSON.stringify(written)),
      message,
    );
  }
}

/** Keys whose entries may stand in several texts. */
const SECTIONS: readonly string[] = ['tables', 'csv'];

/** One value of all texts; what is there twice is a fault. */
function mergeParts(parts: readonly Part[], faults: PlacedFault[]): unknown {
  if (parts.length === 1) return parts[0]!.value;
  const merged: Record<string, unknown> = {};
  const placeOf = new Map<string, Part>();
  const add = (
    into: Record<string, unknown>,
    part: Part,
    path: readonly string[],
    value: unknown,
  ) => {
    const name = path.join('.');
    const first = placeOf.get(name);
    if (first === undefined) {
      placeOf.set(name, part);
      into[path.at(-1)!] = value;
      return;
    }
    const { name: file } = first.source;
    const message = `${name}: ${file}:${first.lineOf(path)} has it, too`;
    faults.push({ part, line: part.lineOf(path), message });
  };
  for (const part of parts) {
    const isMapping =
      typeof part.value === 'object' && part.value !== null && !Array.isArray(part.value);
    if (!isMapping) {
      faults.push({ part, line: 1, message: 'a file has keys with values' });
      continue;
    }
    for (const [key, value] of Object.entries(part.value as object)) {
      if (key === 'include') continue;
      const isSection =
        SECTIONS.includes(key) &&
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value);
      if (!isSection) {
        add(merged, part, [key], value);
        continue;
      }
      merged[key] ??= {};
      const section = merged[key];
      if (typeof section !== 'object' || section === null) continue;
      for (const [name, entry] of Object.entries(value)) {
        add(section as Record<string, unknown>, part, [key, name], entry);
      }
    }
  }
  return merged;
}
