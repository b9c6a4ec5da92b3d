/**
 * Every captured event is as the schema says that `edp codegen json-schema` writes, and the reader of `edp codegen typescript`
 * takes it: all ops, all types at their ends, errors, a snapshot.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { schemaFiles } from '../../src/codegen/targets/json-schema/json-schema.js';
import { typescript } from '../../src/codegen/targets/typescript/typescript.js';
import { COLUMN_TYPES, SQL_TYPE } from '../../src/model/types.js';
import { buildTypescript } from '../codegen/build-typescript.js';
import { withDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import type { ReadEvent } from './fold.js';
import { declare, installIn, snapshotOf, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TYPED = COLUMN_TYPES.map((type) => `c_${type}: ${type}`).join(', ');

const TEXT = `
tables:
  typed: { key: [id, part], version: 3, columns: { id: bigint, part: text, ${TYPED} } }
  formed:
    key: id
    columns: { id: uuid, wide: numeric, day: date, at: timestamptz, local: timestamp, shown: text, list: text, place: text, parent: text, number: double, ratio: numeric, late: int }
  parents: { key: code, columns: { code: text } }
capture:
  tables:
    typed: { columns: { part: { sql: "part || '!'" } }, where: "c_int IS NULL OR c_int <> 13" }
    formed:
      columns:
        wide: whole
        day: moment
        at: moment
        local: moment
        shown: document
        parent: { from: parent_id, reference: parents }
        ratio: { calculation: "1000 / whole" }
        late: { calculation: "(SELECT count(*)::int FROM parents)", also-on: { parents: id } }
    parents: {}
`;

/** By type: values that PostgreSQL takes, and that are hard to write. */
const ENDS: Readonly<Record<(typeof COLUMN_TYPES)[number], readonly string[]>> = {
  smallint: ['-32768', '32767', '0'],
  int: ['-2147483648', '2147483647', '-1'],
  bigint: ['-9223372036854775808', '9223372036854775807', '0'],
  real: ["'NaN'", "'-Infinity'", '1e-37'],
  double: ["'Infinity'", '1.7976931348623157e308', '-0.0'],
  numeric: ["'NaN'", "'-Infinity'", '123456789012345678901234567890.123456789000'],
  text: [`E'\\n\\r\\t"\\\\\\u2028\\u0001'`, "''", "'\u{1f600} é'"],
  boolean: ['true', 'false', 'true'],
  date: ["'infinity'", "'4713-01-01 BC'", "'5874897-12-31'"],
  timestamp: ["'-infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"],
  timestamptz: ["'infinity'", "'0001-12-31 23:59:59.999999Z BC'", "'9999-12-31 23:59:59.1+14'"],
  uuid: [
    "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    'gen_random_uuid()',
    "'00000000-0000-0000-0000-000000000000'",
  ],
  json: [`E'{"a":\\n [1e400, null]}'`, "'null'", `'"\\u0000"'`],
  jsonb: [`'{"b": 1.50}'`, "'null'", "'[]'"],
};

function validators() {
  const { capture, model } = declare(TEXT);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  return new Map(
    toCatalogue(model, capture).tables.flatMap((table) =>
      schemaFiles(table)
        .filter(({ path }) => path.includes('/change/'))
        .map(({ path, text }) => [path, ajv.compile(JSON.parse(text) as object)] as const),
    ),
  );
}

function generatedReader() {
  const { capture, model } = declare(TEXT);
  const files = [...typescript.generate(toCatalogue(model, capture))];
  return withDirectory(async (directory) => {
    const texts = new Map(files.map((file) => [file.path, file.text] as const));
    const built = await buildTypescript(directory, texts);
    const reader = pathToFileURL(path.join(built, 'typescript/read-event.js'));
    const { readEvent } = (await import(reader.href)) as { readEvent(event: object): object };
    return readEvent;
  });
}

it('is valid, whatever the value', { timeout: 60_000 }, async () => {
  const columns = COLUMN_TYPES.map((type) => `c_${type} ${SQL_TYPE[type]}`).join(', ');
  await source.query(`CREATE TABLE typed (id bigint, part varchar(40), ${columns}, PRIMARY KEY (id, part));
    CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE NOT NULL);
    CREATE TABLE formed (id uuid PRIMARY KEY, whole smallint, moment timestamptz, document jsonb, list int[][], place inet, parent_id int, number numeric)`);
  const { plan } = await installIn(source.config, TEXT);
  const row = (i: number) => COLUMN_TYPES.map((type) => ENDS[type][i]!).join(', ');
  await source.query(
    `SET timezone = 'America/St_Johns'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = -5`,
  );
  for (const i of [0, 1, 2]) {
    await source.query(`INSERT INTO typed VALUES (${i}, E'a"\\n${i}', ${row(i)})`);
  }
  await source.query(
    `INSERT INTO typed (id, part) VALUES (9, ''); INSERT INTO typed (id, part) SELECT i, 'many' FROM generate_series(100, 299) AS i`,
  );
  for (const type of COLUMN_TYPES) {
    await source.query(`UPDATE typed SET c_${type} = ${ENDS[type][1]!}`);
    await source.query(`UPDATE typed SET c_${type} = ${ENDS[type][2]!} WHERE id = 1`);
    await source.query(`UPDATE typed SET c_${type} = NULL WHERE id >= 200`);
  }
  await source.query(`UPDATE typed SET c_int = 13 WHERE id = 0; UPDATE typed SET c_int = 1 WHERE id = 0; UPDATE typed SET id = -1 WHERE id = 0;
    INSERT INTO formed VALUES (gen_random_uuid(), 0, '0044-03-15 BC', '{"a": "\\""}', '{{1,NULL}}', '::1/64', 7, 'NaN'), (gen_random_uuid(), 7, 'infinity', NULL, NULL, NULL, 1, 1e300)`);
  // In a transaction of its own: a calculation fails, and then no more.
  await source.query(`INSERT INTO parents VALUES (1, 'one"\\'), (2, 'two'); UPDATE parents SET code = 'other' WHERE id = 2; DELETE FROM parents WHERE id = 2;
    UPDATE formed SET whole = whole + 1, number = number - 1; DELETE FROM typed WHERE id >= 200; SELECT edp_capture.publish('parents', 1, 'update', '{"code": "x"}', '{"code": "x"}', NULL)`);
  for (const model of plan.models) await snapshotOf(source.config, model);
  await source.query('DELETE FROM formed; TRUNCATE typed; TRUNCATE parents; RESET ALL');

  const events = await takeEvents(source.config);
  const schemas = validators();
  const faults = events.flatMap((event) => {
    const { dataschema } = event as ReadEvent & { dataschema: string };
    const isValid = schemas.get(dataschema);
    if (isValid === undefined) return [`no schema ${dataschema}`];
    return isValid(event.data) ? [] : [JSON.stringify([event, isValid.errors])];
  });
  expect(faults).toEqual([]);
  const readEvent = await generatedReader();
  for (const event of events) expect(readEvent(event)).toBe(event);
  const seen = new Set(
    events.map(({ type, data }) =>
      `${type} ${data.errors === undefined ? '' : 'with errors'}`.trim(),
    ),
  );
  expect([...seen].sort()).toEqual([
    ...['created', 'deleted', 'read', 'truncated', 'updated', 'updated with errors'].map(
      (op) => `formed.${op}`,
    ),
    ...['created', 'deleted', 'read', 'truncated', 'updated'].map((op) => `parents.${op}`),
    ...['created', 'deleted', 'read', 'truncated', 'updated'].map((op) => `typed.${op}`),
  ]);
});
