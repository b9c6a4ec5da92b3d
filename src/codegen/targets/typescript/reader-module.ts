/** The reader of events as TypeScript: a line → an event of a known type, or what is wrong with it. */
import { TYPE_OF_OP } from '../../../events/change-event.js';
import type { CatalogueTable } from '../../catalogue.js';
import { importLine } from './import-line.js';

export interface TableModule {
  readonly table: CatalogueTable;
  readonly type: string;
  /** Without its extension. */
  readonly file: string;
}

export function readerModule(modules: readonly TableModule[]): string {
  const imports = modules.map(({ type, file }) =>
    importLine(`{ type ${type}Event, schema as of${type} }`, `./tables/${file}.js`),
  );
  const events = modules.map(({ type }) => `\n  | ${type}Event`);
  const schemas = modules.map(
    ({ table, type }) =>
      `  [${JSON.stringify(table.name)}, { version: ${table.version}, schema: of${type} }],\n`,
  );
  return [
    importLine('{ Ajv2020, type ErrorObject, type ValidateFunction }', 'ajv/dist/2020.js'),
    ...imports,
    `\n/** A change of any table. */\nexport type ChangeEvent =${events.length === 0 ? ' never' : events.join('')};\n`,
    `\nconst TABLES: ReadonlyMap<string, { readonly version: number; readonly schema: object }> = new Map([\n${schemas.join('')}]);\n`,
    READER,
  ].join('');
}

const WORDS = Object.entries(TYPE_OF_OP).map(([op, word]) => `  ${op}: '${word}',\n`);

const READER = `
/** Why something is no event that this reader knows. */
export type Reason = 'json' | 'envelope' | 'unknown-table' | 'other-version' | 'schema';

export class InvalidEvent extends Error {
  readonly reason: Reason;
  /** Each with the place that it is about. */
  readonly problems: readonly string[];

  constructor(reason: Reason, problems: readonly string[]) {
    super(problems.join('; '));
    this.name = 'InvalidEvent';
    this.reason = reason;
    this.problems = problems;
  }
}

const WORD_OF_OP: Readonly<Record<string, string>> = {
${WORDS.join('')}};

const ajv = new Ajv2020({ allErrors: true });
const compiled = new Map<string, ValidateFunction>();

/**
 * @param input a line of JSON, or what JSON.parse has made of it
 * @throws InvalidEvent
 */
export function readEvent(input: string | object): ChangeEvent {
  const event: unknown = typeof input === 'string' ? parse(input) : input;
  if (!isObject(event)) throw new InvalidEvent('envelope', ['it is no JSON object']);
  const problems = [
    ...(event['specversion'] === '1.0' ? [] : ['specversion is not "1.0"']),
    ...['id', 'source', 'type', 'time', 'sequence'].flatMap((name) =>
      typeof event[name] === 'string' && event[name] !== '' ? [] : [\`\${name} is not a text\`],
    ),
    ...['subject', 'dataschema'].flatMap((name) =>
      event[name] === undefined || typeof event[name] === 'string' ? [] : [\`\${name} is not a text\`],
    ),
    ...(isObject(event['data']) ? [] : ['data is no object']),
  ];
  if (problems.length === 0 && !/^\\d+$/.test(String(event['sequence']))) {
    problems.push('sequence is not a text of digits');
  }
  if (problems.length > 0) throw new InvalidEvent('envelope', problems);
  const type = String(event['type']);
  const point = type.lastIndexOf('.');
  const table = type.slice(0, Math.max(point, 0));
  const known = TABLES.get(table);
  if (known === undefined) {
    throw new InvalidEvent('unknown-table', [\`\${JSON.stringify(type)} is a change of no known table\`]);
  }
  const data = event['data'] as Record<string, unknown>;
  const op = String(data['op']);
  if (Object.hasOwn(WORD_OF_OP, op) && type.slice(point + 1) !== WORD_OF_OP[op]) {
    throw new InvalidEvent('envelope', [\`type does not end in "\${WORD_OF_OP[op]}", though data.op is "\${op}"\`]);
  }
  const version = versionOf(event['dataschema'], table);
  if (version !== known.version) {
    throw new InvalidEvent('other-version', [
      \`it is of version \${version} of \${table}, and this code of version \${known.version}\`,
    ]);
  }
  let check = compiled.get(table);
  if (check === undefined) {
    check = ajv.compile(known.schema);
    compiled.set(table, check);
  }
  if (!check(data)) throw new InvalidEvent('schema', (check.errors ?? []).map(describe));
  return event as unknown as ChangeEvent;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new InvalidEvent('json', [error instanceof Error ? error.message : String(error)]);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function versionOf(dataschema: unknown, table: string): number {
  if (typeof dataschema !== 'string') return 1;
  const found = /(?:^|\\/)schemas\\/([^/]+)\\/change\\/v(\\d+)\\.json$/.exec(dataschema);
  if (found === null || decode(found[1] ?? '') !== table) {
    throw new InvalidEvent('envelope', [\`dataschema is not the schema of a change of \${table}\`]);
  }
  return Number(found[2]);
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function describe({ instancePath, message, params }: ErrorObject): string {
  return \`data\${instancePath} \${message ?? 'is wrong'} \${JSON.stringify(params)}\`;
}
`;
