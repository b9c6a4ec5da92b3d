/**
 * 100 random changes of a model, one after the other: numbers and names of fields are kept through all of them, and what
 * buf calls breaking is what docs/codegen.md says of the changes that `edp schema check` reports.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, type CatalogueTable, toCatalogue } from '../../src/codegen/catalogue.js';
import { checkSchemas, type TableCheck } from '../../src/codegen/check-schemas.js';
import { wordsOf } from '../../src/codegen/code-names.js';
import { planPublication } from '../../src/codegen/publish-schemas.js';
import { readLock } from '../../src/codegen/published.js';
import { lockCatalogue, proto } from '../../src/codegen/targets/proto/proto.js';
import { writeChanges } from '../../src/codegen/write-files.js';
import { parseModel } from '../../src/model/schema.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';
import { makeTemporary } from '../support/temporary.js';
import { findTool } from '../support/tools.js';

const CHANGES = 100;
/** Others are worth a try by hand. */
const SEED = Number(process.env.EDP_TEST_SEED ?? 7);
const run = promisify(execFile);
const buf = findTool('buf');
const LACKS_BUF = buf === undefined ? ' (skipped: no buf; .ci/parts installs it)' : '';

// ---------------------------------------------------------------- a model, and what may happen to it

interface DraftColumn {
  readonly type: ColumnType;
  readonly nullable?: false;
  readonly values?: Readonly<Record<string, readonly string[]>>;
  readonly description?: string;
}
interface DraftTable {
  version: number;
  key: string[];
  columns: Record<string, DraftColumn>;
  'soft-delete'?: string | false;
  timestamps?: readonly [string, string];
  migrations?: Record<number, { drop?: string[]; rename?: Record<string, string> }>;
}
type Draft = Record<string, DraftTable>;

/** Some come out as the same name in code; one has no letters that code can have. */
const COLUMN_NAMES = ['a', 'b', 'a b', 'a_b', 'A', 'größe', 'b_bytes', '金額', 'v2', 'reserved'];
const TABLE_NAMES = ['orders', 'Orders', 'order lines', 'regions'];
const KEYS = ['id', 'uid'];
const KEY_TYPES: readonly ColumnType[] = ['smallint', 'int', 'bigint', 'uuid', 'text', 'numeric'];

class Walk {
  readonly #seed: number;
  #drawn = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Undefined of an empty list. */
  one<T>(list: readonly T[]): T {
    const hash = createHash('sha256')
      .update(`${this.#seed} ${this.#drawn++}`)
      .digest();
    return list[hash.readUInt32LE() % list.length]!;
  }

  newTable(): DraftTable {
    return { version: 1, key: ['id'], columns: { id: { type: 'int' }, a: { type: 'text' } } };
  }

  /** Changes the draft; undefined where this change cannot be made of it. */
  change(draft: Draft): string | undefined {
    const [name, table] = this.one(Object.entries(draft));
    const plain = Object.keys(table.columns).filter((column) => !table.key.includes(column));
    const free = COLUMN_NAMES.filter((column) => !(column in table.columns));
    const column = this.one([...plain, '']);
    const kind = this.one(KINDS);
    const said = `${kind} of ${name} ${column}`;
    const step: { drop?: string[]; rename?: Record<string, string> } = {};
    switch (kind) {
      case 'add': {
        const added = this.one(free);
        table.columns[added] = { type: this.one(COLUMN_TYPES) };
        break;
      }
      case 'remove':
      case 'drop':
        if (column === '') return undefined;
        delete table.columns[column];
        if (kind === 'drop') step.drop = [column];
        break;
      case 'rename': {
        if (column === '') return undefined;
        const next = this.one(free);
        table.columns[next] = table.columns[column]!;
        delete table.columns[column];
        step.rename = { [column]: next };
        break;
      }
      case 'retype':
        if (column === '') return undefined;
        table.columns[column] = { type: this.one(COLUMN_TYPES) };
        break;
      case 'real or double':
        if (column === '') return undefined;
        table.columns[column] = {
          type: table.columns[column]!.type === 'real' ? 'double' : 'real',
        };
        break;
      case 'retype the key':
        table.columns[table.key[0]!] = { type: this.one(KEY_TYPES) };
        break;
      case 'another key': {
        const wanted = this.one([['id'], ['uid'], ['id', 'uid'], ['uid', 'id']]);
        for (const one of KEYS) table.columns[one] ??= { type: this.one(KEY_TYPES) };
        table.key = wanted;
        break;
      }
      case 'nullable':
        if (column === '') return undefined;
        table.columns[column] = { ...table.columns[column]!, nullable: false };
        break;
      case 'describe':
        if (column === '') return undefined;
        table.columns[column] = { ...table.columns[column]!, description: `*/ ${said}` };
        break;
      case 'values': {
        const listed = this.one(plain.filter((one) => table.columns[one]!.type === 'text'));
        if (listed === undefined) return undefined;
        table.columns[listed] = { type: 'text', values: { [this.one(['x', 'y'])]: ['z'] } };
        break;
      }
      case 'reorder':
        table.columns = Object.fromEntries(Object.entries(table.columns).reverse());
        break;
      case 'soft delete':
        table['soft-delete'] = this.one([false, 'deleted_at', 'gone_at']);
        break;
      case 'timestamps':
        if (table.timestamps === undefined) table.timestamps = ['made_at', this.one(['at', 'on'])];
        else delete table.timestamps;
        break;
      case 'remove the table':
        if (Object.keys(draft).length === 1) return undefined;
        delete draft[name];
        return said;
      case 'add a table': {
        const added = this.one(TABLE_NAMES);
        if (added in draft) return undefined;
        draft[added] = this.newTable();
        return said;
      }
    }
    table.version++;
    table.migrations = { [table.version]: step };
    return said;
  }
}

/** Columns are added twice as often, so that there are some. */
const KINDS = [
  ...['add', 'add', 'remove', 'drop', 'rename', 'retype', 'real or double', 'retype the key'],
  ...['another key', 'nullable', 'describe', 'values', 'reorder', 'soft delete', 'timestamps'],
  ...['remove the table', 'add a table'],
] as const;

function toInput(draft: Draft): Parameters<typeof parseModel>[0] {
  return structuredClone(draft) as unknown as Parameters<typeof parseModel>[0];
}

// ---------------------------------------------------------------- the walk

type Lock = ReturnType<typeof lockCatalogue>;

interface Step {
  readonly said: string;
  readonly before: State;
  readonly after: State;
  /** Of the change, by table. */
  readonly checks: ReadonlyMap<string, TableCheck>;
}

interface State {
  readonly catalogue: Catalogue;
  readonly locked: Lock;
  readonly files: ReadonlyMap<string, string>;
}

function stateOf(draft: Draft, lock: string | undefined): State {
  const catalogue = toCatalogue(parseModel(toInput(draft)));
  const files = new Map(
    [...proto.generate(catalogue, lock)].map((file) => [file.path, file.text] as const),
  );
  return { catalogue, locked: lockCatalogue(catalogue, lock), files };
}

async function walk(seed: number): Promise<Step[]> {
  const directory = await makeTemporary();
  const walker = new Walk(seed);
  const draft: Draft = { orders: walker.newTable(), regions: walker.newTable() };
  const lastVersions = new Map<string, number>();
  const steps: Step[] = [];
  let before = stateOf(draft, undefined);
  while (steps.length < CHANGES) {
    const { tables } = before.catalogue;
    const { changes } = await planPublication(directory, tables, await readLock(directory));
    await writeChanges(directory, changes);
    for (const { name, version } of tables) lastVersions.set(name, version);
    const said = walker.change(draft);
    if (said === undefined) continue;
    for (const [name, table] of Object.entries(draft)) {
      // A table that returns: its published versions never change.
      const isNew = tables.every((one) => one.name !== name);
      if (isNew) table.version = (lastVersions.get(name) ?? 0) + 1;
    }
    const after = stateOf(draft, before.locked.text);
    const checks = await checkSchemas(directory, after.catalogue, await readLock(directory));
    steps.push({ said, before, after, checks: new Map(checks.map((one) => [one.table, one])) });
    before = after;
  }
  await rm(directory, { recursive: true });
  return steps;
}

// ---------------------------------------------------------------- what buf is to say, by what `edp schema check` says

/** @returns rule, message and field of each finding */
function expected({ before, after, checks }: Step): string[] {
  return before.catalogue.tables.flatMap((table) => {
    const old = before.locked.messages.get(table.name)!;
    const check = checks.get(table.name)!;
    if (check.state === 'removed') return [`FILE_NO_DELETE ${old.message}`];
    const { fields } = after.locked.messages.get(table.name)!;
    const next = after.catalogue.tables.find(({ name }) => name === table.name)!;
    const request = `Get${old.message}Request`;
    const isKept = (column: string) => fields[column]?.type === old.fields[column]?.type;
    const names = new Set(Object.values(fields).map(({ name }) => name));
    const noKey = (name: string) =>
      ['FIELD_NO_DELETE', 'FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED', NAME_RESERVED].map(
        (rule) => `${rule} ${request} ${name}`,
      );
    const gone = new Set([
      ...betweenFloats(table, next),
      ...check.changes.flatMap(({ kind, attribute, before: was }) => {
        if (kind === 'removed' || kind === 'values') return [attribute!];
        return kind === 'renamed' ? [was!] : [];
      }),
    ]);
    const ofGone = [...gone]
      .filter((column) => old.fields[column] !== undefined && !isKept(column))
      .flatMap((column) => {
        const { name } = old.fields[column]!;
        return [
          `FIELD_NO_DELETE ${old.message} ${name}`,
          ...(names.has(name) ? [`${NAME_RESERVED} ${old.message} ${name}`] : []),
          ...(table.key.includes(column) ? noKey(name) : []),
        ];
      });
    if (!check.changes.some(({ kind }) => kind === 'key')) return ofGone;
    const [left, joined] = [
      table.key.filter((column) => !next.key.includes(column)),
      next.key.filter((column) => !table.key.includes(column)),
    ].map((columns) => columns.filter((one) => old.fields[one] !== undefined && isKept(one)));
    return [
      ...ofGone,
      ...left!.flatMap((column) => noKey(old.fields[column]!.name)),
      ...[...left!, ...joined!].map(
        (column) => `FIELD_SAME_CARDINALITY ${old.message} ${old.fields[column]!.name}`,
      ),
    ];
  });
}

/** Columns whose type changes from real to double or back, which is no change of a schema. */
function betweenFloats(before: CatalogueTable, after: CatalogueTable): string[] {
  const types = new Map(after.columns.map(({ name, type }) => [name, type]));
  const isFloat = (type: string | undefined) => type === 'real' || type === 'double';
  return before.columns.flatMap(({ name, type }) => {
    const next = types.get(name);
    return isFloat(type) && isFloat(next) && type !== next ? [name] : [];
  });
}

const NAME_RESERVED = 'FIELD_NO_DELETE_UNLESS_NAME_RESERVED';

/** All steps at once, each in a package of its own: buf takes longer to start than to compare. */
async function askBuf(steps: readonly Step[]): Promise<string[][]> {
  const directory = await makeTemporary();
  const packageOf = (i: number) => `step${i}`;
  for (const [i, { before, after }] of steps.entries()) {
    for (const [side, { files }] of Object.entries({ before, after })) {
      for (const [name, text] of files) {
        if (!name.endsWith('.proto')) continue;
        const file = path.join(directory, side, packageOf(i), path.basename(name));
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text.replaceAll('edp.tables.v1', packageOf(i)));
      }
    }
  }
  const config = { version: 'v2', breaking: { use: ['FILE', 'WIRE_JSON', 'WIRE'] } };
  const args = ['--against', path.join(directory, 'before'), '--config', JSON.stringify(config)];
  // Its status is 100 where it finds something.
  const { stdout, stderr } = await run(buf!, ['breaking', ...args, '--error-format', 'json'], {
    cwd: path.join(directory, 'after'),
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout: string; stderr: string }) => error);
  expect(stderr).toBe('');
  await rm(directory, { recursive: true });
  const found: string[][] = steps.map(() => []);
  for (const line of stdout.split('\n').filter(Boolean)) {
    const { path: file, type, message } = JSON.parse(line) as Record<string, string>;
    const place = /ield "\d+" with name "([^"]+)" on message "([^"]+)"/.exec(message!);
    const lost = /file "step(\d+)\/(\w+)\.proto"/.exec(message!);
    const i = Number(lost?.[1] ?? /^step(\d+)\//.exec(file!)![1]);
    const { messages } = steps[i]!.before.locked;
    const ofFile = [...messages.values()].find(
      (one) => `${wordsOf(one.message).join('_')}` === lost?.[2],
    );
    if (place === null && ofFile === undefined) found[i]!.push(`${type} ${message}`);
    else
      found[i]!.push(
        [type, place?.[2] ?? ofFile!.message, ...(place === null ? [] : [place[1]])].join(' '),
      );
  }
  return found;
}

describe(`${CHANGES} random changes`, () => {
  let steps: Step[];
  beforeAll(async () => {
    steps = await walk(SEED);
  });

  it('are of all kinds', () => {
    for (const kind of KINDS)
      expect(
        steps.some(({ said }) => said.startsWith(`${kind} of`)),
        kind,
      ).toBe(true);
  });

  it('never change a number, nor give it or a name that is reserved to another field', () => {
    const given = new Map<string, string>();
    for (const { said, before, after } of steps) {
      for (const [table, { message, fields, reserved }] of after.locked.messages) {
        const old = before.locked.messages.get(table);
        expect(old?.message ?? message).toBe(message);
        for (const [column, { name, number, type }] of Object.entries(fields)) {
          const place = `${table} ${number}`;
          const what = `${column} ${name} ${type}`;
          expect([said, given.get(place) ?? what]).toEqual([said, what]);
          given.set(place, what);
        }
        const current = Object.values(fields).map(({ number }) => number);
        const all = [...current, ...reserved.map(({ number }) => number)].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1));
        const inUse = new Set(Object.values(old?.fields ?? {}).map(({ name }) => name));
        for (const { name } of old?.reserved ?? []) {
          if (inUse.has(name)) continue;
          expect(
            Object.values(fields).map((field) => field.name),
            said,
          ).not.toContain(name);
        }
      }
    }
  });

  it.skipIf(buf === undefined)(
    `mean to buf what docs/codegen.md says of what edp schema check reports${LACKS_BUF}`,
    { timeout: 120_000 },
    async () => {
      const found = await askBuf(steps);
      const said = steps.map((step, i) => ({
        said: step.said,
        changes: [...step.checks.values()].flatMap(({ changes }) => changes),
        buf: [...new Set(found[i])].sort(),
      }));
      const wanted = steps.map((step, i) => ({
        ...said[i]!,
        buf: [...new Set(expected(step))].sort(),
      }));
      for (const [i, one] of said.entries()) expect(one).toEqual(wanted[i]);
      for (const [i, { before, after, checks }] of steps.entries()) {
        for (const table of before.catalogue.tables) {
          const { name } = table;
          const { message } = before.locked.messages.get(name)!;
          const ofTable = found[i]!.filter((one) =>
            [message, `Get${message}Request`].includes(one.split(' ')[1]!),
          );
          const { compatibility, changes } = checks.get(name)!;
          const next = after.catalogue.tables.find((one) => one.name === name);
          if (compatibility !== 'full' || betweenFloats(table, next!).length > 0) continue;
          // What a step drops breaks no event, but the code that names it.
          const dropped = changes.flatMap(({ kind, attribute }) =>
            kind === 'removed' ? [before.locked.messages.get(name)!.fields[attribute!]!.name] : [],
          );
          expect([steps[i]!.said, ofTable]).toEqual([
            steps[i]!.said,
            dropped.map((field) => `FIELD_NO_DELETE ${message} ${field}`),
          ]);
        }
      }
    },
  );
});
