/** The server as the judge: it reads the same lines as `json`, key by key, and casts what it finds. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

const COLUMNS = {
  n: 'int',
  big: 'bigint',
  price: 'numeric',
  ratio: 'double precision',
  ok: 'boolean',
  name: 'text',
  at: 'timestamp',
  tags: 'jsonb',
  raw: 'json',
} as const;
const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

const MODEL = `tables:
  facts:
    columns:
      place: int
${NAMES.map((name) => `      ${name}: ${COLUMNS[name].split(' ')[0]}`).join('\n')}
`;

const TEXT = fc.string({ unit: 'grapheme', maxLength: 10 }).filter((text) => !text.includes('\0'));
const ANY = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom('1e5', '"12"', '"x"', '"true"', '1.5', '{"a": 1}', '[]'),
  },
  { weight: 2, arbitrary: fc.constantFrom('null', '""') },
);
const OWN: Readonly<Record<keyof typeof COLUMNS, fc.Arbitrary<string>>> = {
  n: fc.integer().map(String),
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map(String),
  price: fc.constantFrom(
    '0.10',
    '1.00e2',
    '-0',
    '0e0',
    '12345678901234567890.12345678901234567890',
  ),
  ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  ok: fc.constantFrom('true', 'false', '"on"', '1'),
  name: TEXT.map((text) => JSON.stringify(text)),
  at: fc.constantFrom('"2024-02-29 10:11:12.5"', '"2024-02-30"', '"2024-01-01T00:00:00"'),
  tags: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  raw: fc
    .jsonValue({ maxDepth: 3 })
    .map((value) => JSON.stringify(value, null, 1).replaceAll('\n', ' ')),
};
const RECORD = fc
  .tuple(
    ...NAMES.map((name) =>
      fc.option(fc.oneof({ weight: 9, arbitrary: OWN[name] }, { weight: 1, arbitrary: ANY })),
    ),
  )
  .chain((values) => fc.shuffledSubarray(NAMES.map((name, i) => [name, values[i]!] as const)));

const REFUSED = '(refused by the server)';

/** How the server reads a value: JSON as it is, but for null; of anything else the text. */
function readBy(name: keyof typeof COLUMNS): string {
  const isJson = name === 'tags' || name === 'raw';
  return isJson ? `nullif((line -> '${name}')::text, 'null')` : `line ->> '${name}'`;
}

const database = useEmptyDatabase();
const run = runnerFor(database);

/**
 * What a cast of the text gives, as text; {@link REFUSED} where it fails. An empty text is NULL in any column but one of text,
 * and whole numbers with zeros as decimals are integers, by the rules of edp.
 */
const CAST = `CREATE FUNCTION cast_to(value text, type text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE result text;
  BEGIN
    IF value IS NULL OR (value = '' AND type <> 'text') THEN RETURN NULL; END IF;
    IF type IN ('int', 'bigint') THEN value := regexp_replace(value, '^([-+]?\\d+)\\.0+$', '\\1'); END IF;
    EXECUTE format('SELECT %L::%s::text', value, type) INTO result;
    RETURN result;
  EXCEPTION WHEN data_exception THEN RETURN '${REFUSED}';
  END $$`;

it('edp loads what the server makes of each value, and rejects what it refuses', async () => {
  const records = fc.sample(RECORD, { numRuns: 1500, seed: 42 });
  const lines = records.map((members, place) => {
    const all = [['place', String(place)], ...members.filter(([, value]) => value !== null)];
    return `{${all.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ')}}`;
  });
  const cwd = await makeProject(MODEL);
  await writeFile(path.join(cwd, 'facts.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const result = await run(cwd, 'ingest', 'facts.jsonl');
  expect([0, 3], result.stderr).toContain(result.status);
  const { rejects } = (await run(cwd, 'rejects', '1')).json;
  expect(result.json.rows).toMatchObject({
    read: lines.length,
    loaded: lines.length - rejects.length,
    rejected: rejects.length,
  });

  await database.query(CAST);
  const judged = await database.query(
    `SELECT ${NAMES.map((name) => `cast_to(${readBy(name)}, '${COLUMNS[name]}')`).join(', ')}
     FROM unnest($1::json[]) WITH ORDINALITY AS l (line, i) ORDER BY i`,
    [lines],
  );
  const found = await database.query(
    `SELECT place, ${NAMES.map((name) => `${name}::text`).join(', ')} FROM facts ORDER BY place`,
  );
  const byPlace = new Map(found.map(([place, ...values]) => [place, values]));
  const rejected = new Map(rejects.map(({ line, column }) => [line - 1, column]));
  let refused = 0;
  for (const [place, expected] of judged.entries()) {
    const faulty = NAMES.filter((_, i) => expected[i] === REFUSED);
    if (faulty.length === 0) {
      expect(byPlace.get(place), lines[place]).toEqual(expected);
      continue;
    }
    refused++;
    expect(faulty, lines[place]).toContain(rejected.get(place));
  }
  expect(refused).toBe(rejects.length);
  expect(refused).toBeGreaterThan(100);
  expect(found.length).toBeGreaterThan(300);
});
