/**
 * The text of an edp.yaml → options and tables, both checked.
 *
 * Every fault is reported at once, each with its line, in one message.
 */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { csvSectionSchema } from '../model/csv-settings.js';
import { findModelFaults, tablesSchema } from '../model/schema.js';
import { OPTIONS, type OptionName } from '../options/option-definitions.js';
import { PROJECT_FILE } from './file.js';

/** Options that only make sense for one invocation, not for a project. */
export const NOT_IN_PROJECT: ReadonlySet<string> = new Set([
  'column',
  'create',
  'extra-column',
  'dry-run',
  'force',
  'from',
  'json',
  'list',
  'out',
  'param',
  'passed-over',
  'raw',
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

/** @throws EdpError `config` that lists the faults */
export function parseProject(text: string): {
  options: Record<string, unknown>;
  csv: Record<string, unknown>;
  tables: z.output<typeof tablesSchema> | undefined;
} {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults: { line: number; message: string }[] = document.errors.map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    message: error.message,
  }));
  const value: unknown = faults.length > 0 ? undefined : (document.toJS() ?? {});
  /** Line of the key that a path ends with, or of its nearest existing parent. */
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const parent = document.getIn(path.slice(0, depth - 1), true);
      const name = path[depth - 1];
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
        : undefined;
      const node = pair?.key ?? document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const addFault = ({ path, message }: Fault) => {
    const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
    faults.push({ line: lineOf(path), message: `${where}${message}` });
  };

  let parsed: z.output<typeof projectSchema> | undefined;
  if (faults.length === 0) {
    const result = projectSchema.safeParse(value);
    if (result.success) parsed = result.data;
    else for (const fault of toFaults(result.error)) addFault(fault);
  }
  if (parsed?.tables !== undefined) {
    for (const fault of findModelFaults(parsed.tables)) {
      addFault({ path: ['tables', ...fault.path], message: fault.message });
    }
  }
  if (faults.length > 0 || parsed === undefined) {
    const list = faults
      .sort((a, b) => a.line - b.line)
      .map(({ line, message }) => `  ${PROJECT_FILE}:${line}: ${message}`);
    throw new EdpError(
      'config',
      `${PROJECT_FILE} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${list.join('\n')}`,
      { hint: 'docs/edp.schema.json describes the file; editors complete and check it with that' },
    );
  }
  const { tables, csv, ...options } = value as Record<string, unknown> & {
    tables?: unknown;
    csv?: Record<string, unknown>;
  };
  return { options, csv: csv ?? {}, tables: tables === undefined ? undefined : parsed.tables };
}
