/**
 * The generated SQL makes the tables that `edp realize` makes, on each PostgreSQL that is there: realize then takes them
 * as they are, and `edp model import` reads the model out of them.
 */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogueTable, toCatalogue } from '../../src/codegen/catalogue.js';
import { ddl } from '../../src/codegen/targets/ddl/ddl-files.js';
import { schemaPath } from '../../src/events/change-event.js';
import { chooseTables, nameTables } from '../../src/import-model/choose-tables.js';
import { withoutAdded } from '../../src/import-model/find-realized.js';
import { proposeImport } from '../../src/import-model/propose-import.js';
import { readSourceTables } from '../../src/import-model/read-source-tables.js';
import { formatImport } from '../../src/import-model/write-import.js';
import { quoteTable } from '../../src/model/ddl.js';
import type { Table } from '../../src/model/model.js';
import { toModel } from '../../src/model/schema.js';
import { formatTableName, plainTableName } from '../../src/model/table-name.js';
import type { ColumnType } from '../../src/model/types.js';
import { withClient } from '../../src/postgres/connection.js';
import {
  type EmbeddedLease,
  leaseEmbeddedServer,
} from '../../src/postgres/embedded/embedded-server.js';
import { toUrl } from '../../src/postgres/which-server.js';
import { parseProject } from '../../src/project/parse.js';
import { cloudEvent, toLines } from '../realize/event-lines.js';
import { edp } from '../support/cli.js';
import { OLDER_SERVERS } from '../support/older-servers.js';
import { makeProject } from '../support/scratch.js';
import { makeTemporary } from '../support/temporary.js';

const SERVERS = [
  ...OLDER_SERVERS.map(({ major, packageName, isInstalled }) => ({
    name: `PostgreSQL ${major}`,
    packageName,
    isInstalled,
  })),
  { name: 'the PostgreSQL that edp brings', packageName: undefined, isInstalled: true },
];

/** Names that SQL, PL/pgSQL and psql could take for something else; comments that end where they should not. */
const HOSTILE = `
tables:
  accounts:
    description: "it's a \\\\ \\" -- /* $edp$ :x \\n\\\\! rm\\n; DROP TABLE accounts"
    owner: o'neil
    tags: [pii, "a'b"]
    key: [id, "a\\"b"]
    history: true
    soft-delete: gone_at
    timestamps: [created_at, updated_at]
    indexes: [[found], ["it's $edp$", region]]
    columns:
      id: bigint
      "a\\"b": text
      found: { type: text, nullable: false, description: "\\\\' OR 1=1; $edp$ END $edp$;" }
      "it's $edp$": int
      "$edp2$ \\\\": text
      ":name": text
      "a -- b": text
      "a/*": text
      user: text
      Größe: numeric
      日本: jsonb
      region: { type: text, references: regions, owner: maps, tags: geo }
      ${'ä'.repeat(31)}x: date
  regions: { key: code, version: 1, columns: { code: text } }
  Accounts: { key: select, version: 1, columns: { select: uuid } }
  '"a.b"': { key: x, history: true, soft-delete: false, columns: { x: int, y: real } }
  '"s $edp$".t': { key: x, version: 1, indexes: [y], columns: { x: int, y: timestamp, deleted_at: timestamptz } }
  notes: { key: id, version: 1, lineage: false, columns: { id: int, load_id: bigint } }
`;
const ALL_TYPES = `
tables:
  everything:
    description: one column of each type
    key: [id, at]
    history: true
    columns: { id: uuid, at: timestamptz, a: smallint, b: int, c: bigint, d: real, e: double, f: numeric, g: text, h: boolean, i: date, j: timestamp, k: json, l: jsonb }
`;

const VALUES: Readonly<Record<ColumnType, unknown>> = {
  smallint: 1,
  int: 2,
  bigint: '3',
  real: 1.5,
  double: 2.5,
  numeric: '1.50',
  text: "it's",
  boolean: true,
  date: '2026-01-31',
  timestamp: '2026-01-31T10:00:00.000001',
  timestamptz: '2026-01-31T10:00:00.000001Z',
  uuid: '00000000-0000-4000-8000-000000000001',
  json: { a: [1] },
  jsonb: { b: null },
};

/** A create, and an update of all that is no key. */
function eventsOf(table: CatalogueTable): object[] {
  const valuesOf = (names: (name: string) => boolean) =>
    Object.fromEntries(
      table.columns.filter(({ name }) => names(name)).map(({ name, type }) => [name, VALUES[type]]),
    );
  const key = valuesOf((name) => table.key.includes(name));
  const more = valuesOf((name) => !table.key.includes(name));
  const base = { table: table.name, key };
  const created = cloudEvent({ ...base, op: 'create', sequence: 1, after: { ...key, ...more } });
  const updated = cloudEvent({ ...base, op: 'update', sequence: 2, after: more });
  const dataschema = schemaPath(table.name, table.version);
  const events = Object.keys(more).length === 0 ? [created] : [created, updated];
  return events.map((event) => ({ ...event, dataschema }));
}

/** All that the catalog has of the tables, by their names. */
const DEFINITIONS = `
  SELECT c.oid::regclass::text AS name, obj_description(c.oid, 'pg_class') AS comment,
    (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
       col_description(c.oid, a.attnum)) ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT json_agg(json_build_array(pg_get_constraintdef(k.oid), k.conname) ORDER BY k.conname)
     FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
    (SELECT json_agg(pg_get_indexdef(i.indexrelid) ORDER BY i.indexrelid::regclass::text)
     FROM pg_index i WHERE i.indrelid = c.oid) AS indexes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname NOT IN ('edp', 'information_schema') AND n.nspname !~ '^pg_'
    AND c.relname <> 'change_events'
  ORDER BY 1`;

/** What the catalog can tell of a table of the model. */
const brief = ({ name, key, notes, columns, softDelete, hasHistory }: Table) => ({
  ...{ name: plainTableName(name), key, notes, softDelete, hasHistory },
  columns: columns.map((column) => ({
    name: column.name,
    type: column.type,
    notes: column.notes,
  })),
});

/**
 * It does not tell times that edp fills from those of the source. A column of that name is the one of rows that were
 * deleted; another name is not known.
 */
function asCatalogHas(table: Table): Table {
  const { columns, softDelete = 'deleted_at', timestamps = [] } = table;
  const isUsual = softDelete === 'deleted_at';
  const times = [...timestamps, ...(isUsual || softDelete === false ? [] : [softDelete])];
  const { softDelete: _, ...rest } = table;
  return {
    ...rest,
    ...(isUsual ? {} : { softDelete: false }),
    columns: [
      ...columns.filter(({ name }) => name !== 'deleted_at'),
      ...times.map((name) => ({
        ...{ name, type: 'timestamptz' as const, field: name, isNullable: true },
      })),
    ],
  };
}

const byText = ({ name: a }: { name: string }, { name: b }: { name: string }) => (a < b ? -1 : 1);

describe.each(SERVERS)('$name', ({ packageName, isInstalled }) => {
  let directory: string;
  let server: EmbeddedLease;
  beforeAll(async () => {
    directory = await makeTemporary();
    if (isInstalled) server = await leaseEmbeddedServer(directory, packageName);
  }, 60_000);
  afterAll(async () => {
    await server?.release();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  });

  async function makeDatabase(name: string) {
    const admin = server.client;
    await withClient(admin, 'test', (client) =>
      client.query(`CREATE DATABASE ${name} TEMPLATE template0`),
    );
    const config = { ...admin, database: name };
    const query = (sql: string) =>
      withClient(config, 'test', async (client) => (await client.query(sql)).rows as object[]);
    return { config, query, url: toUrl(config) };
  }

  it.skipIf(!isInstalled).each([
    ['hostile', HOSTILE],
    ['all_types', ALL_TYPES],
  ])(
    'makes the tables of the project %s that realize makes',
    async (name, yaml) => {
      const model = toModel(parseProject(yaml).tables!);
      const catalogue = toCatalogue(model);
      expect(catalogue.others).toEqual([]);
      const files = [...ddl.generate(catalogue)];
      const own = await makeDatabase(`${name}_own`);
      for (const { text } of files) await own.query(text);
      const before = await own.query(DEFINITIONS);
      expect(before).toHaveLength(
        catalogue.tables.reduce((sum, { hasHistory }) => sum + (hasHistory ? 2 : 1), 0),
      );
      // What is there stays as it is.
      for (const { text } of files.toReversed()) await own.query(text);
      expect(await own.query(DEFINITIONS)).toEqual(before);

      const events = toLines(catalogue.tables.flatMap(eventsOf));
      const cwd = await makeProject(yaml, { 'events.jsonl': events });
      const realize = (url: string) =>
        edp(['realize', 'events.jsonl', '--json', '--database-url', url], { cwd });
      const other = await makeDatabase(`${name}_other`);
      await other.query('CREATE SCHEMA "s $edp$"');
      for (const { url } of [own, other]) {
        const done = await realize(url);
        expect(done.status, `${done.stdout}${done.stderr}`).toBe(0);
      }
      expect(await own.query(DEFINITIONS)).toEqual(before);
      expect(await other.query(DEFINITIONS)).toEqual(before);
      for (const table of catalogue.tables) {
        const rows = await own.query(`SELECT to_jsonb(t) FROM ${quoteTable(table.name)} AS t`);
        expect(rows, table.name).toHaveLength(1);
        expect(await other.query(`SELECT to_jsonb(t) FROM ${quoteTable(table.name)} AS t`)).toEqual(
          rows,
        );
      }

      // A column that is lacking, and a comment that was changed, are put right.
      const [first] = catalogue.tables as [CatalogueTable];
      const target = quoteTable(first.name);
      await own.query(
        `ALTER TABLE ${target} DROP COLUMN change_sequence; COMMENT ON TABLE ${target} IS 'other'`,
      );
      for (const { text } of files) await own.query(text);
      expect(await own.query(DEFINITIONS)).toEqual(before);

      // The model is read back, apart from what the catalog does not have.
      const source = withoutAdded(await withClient(own.config, 'test', readSourceTables));
      const named = nameTables(source, []);
      const imported = proposeImport(chooseTables(named, [], []), named, {});
      expect(imported.leftOut).toEqual([]);
      expect(
        imported.tables
          .filter(({ source: { name: bare } }) => bare !== 'change_events')
          .map(({ source: place, table }) => ({
            ...brief(table),
            name: formatTableName(place.schema === 'public' ? { name: place.name } : place),
          }))
          .sort(byText),
      ).toEqual(model.tables.map((table) => brief(asCatalogHas(table))).sort(byText));
      const { tables: again } = parseProject(formatImport(imported, 'shop'), {
        SOURCE_URL: own.url,
      });
      expect(toModel(again!).tables.map(brief)).toEqual(
        imported.tables.map(({ table }) => brief(table)),
      );
    },
    180_000,
  );
});
