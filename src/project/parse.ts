/**
 * The text of an edp.yaml → options and tables, both checked.
 *
 * Every fault is reported at once, each with its line, in one message.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { EdpError } from '../base/errors.js';
import { csvSectionSchema } from '../model/csv-settings.js';
import { findModelFaults, tablesSchema } from '../model/schema.js';
import { soundParts } from '../model/sound-parts.js';
import { OPTIONS, type OptionName } from '../options/option-definitions.js';
import { PROJECT_FILE } from './file.js';
import { type Fault, toFaults } from './schema-faults.js';

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
  // Where one line is no YAML, those before it are read as they are meant.
  const broken = document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY');
  const endLine = firstLineOfBlock(
    document,
    (offset) => lines.linePos(offset).line,
    Math.min(...broken.map(({ pos }) => pos[0])),
  );
  const value = toValue(document);
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
    const line = lineOf(path);
    if (line < endLine) {
      faults.push({ line, message: `${where}${message}` });
    }
  };

  let parsed: z.output<typeof projectSchema> | undefined;
  const result = projectSchema.safeParse(value);
  if (result.success) parsed = result.data;
  else
    for (const fault of toFaults(result.error, Object.keys(projectSchema.shape))) addFault(fault);
  const { tables, isUnsure } = result.success
    ? { tables: result.data.tables ?? {}, isUnsure: undefined }
    : soundParts((value as { tables?: unknown }).tables);
  for (const fault of findModelFaults(tables, isUnsure)) {
    addFault({ path: ['tables', ...fault.path], message: fault.message });
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
  const {
    tables: _,
    csv,
    ...options
  } = value as Record<string, unknown> & {
    tables?: unknown;
    csv?: Record<string, unknown>;
  };
  return { options, csv: csv ?? {}, tables: parsed.tables };
}

/** The first line of the table, or of the part of the file, that has something at `offset`. */
function firstLineOfBlock(
  document: Document.Parsed,
  lineOf: (offset: number) => number,
  offset: number,
): number {
  if (offset === Number.POSITIVE_INFINITY) return offset;
  const starts = [document.contents, document.get('tables', true)].flatMap((map) =>
    isMap(map)
      ? map.items.flatMap(({ key }) => (isNode(key) && key.range ? [key.range[0]] : []))
      : [],
  );
  return lineOf(Math.max(0, ...starts.filter((start) => start <= offset)));
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS() ?? {};
  } catch {
    return {};
  }
}
