/**
 * Bad records of every kind, strewn among good ones: exactly they are rejects, each with its line, its
 * place and its bytes, and every other record is in the table, however the file is cut.
 *
 * With the number of records that the promise is about (some minutes):
 *
 *     GOOD_RECORDS=1000000 npx vitest run tests/load/bad-among-good.test.ts
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase } from '../support/database.js';

const GOOD_RECORDS = Number(process.env.GOOD_RECORDS ?? 20_000);
const BAD_OF_EACH_KIND = 3;

/** Records a split: of a million, a thousand and a hundred thousand. */
const FEW = Math.max(200, GOOD_RECORDS / 1000);
const MANY = GOOD_RECORDS / 10;

const MODEL = `
tables:
  places:
    columns: { id: int, name: text }
    key: id
    lineage: false
  readings:
    columns:
      id: bigint
      place_id: { type: int, references: places }
      at: timestamp
      day: date
      amount: numeric
      ratio: double
      level: smallint
      flag: boolean
      uid: uuid
      note: text
      owner: { type: text, nullable: false }
    key: id
    indexes: [note]
    metrics: { from: metrics, columns: { one: int } }
`;
const FIELDS = 'id,place_id,at,day,amount,ratio,level,flag,uid,note,owner,metrics';

/** A small generator of numbers, so that every run meets the same file. */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

type Fields = Record<string, string>;

function goodFields(id: number): Fields {
  return {
    id: `${id}`,
    place_id: `${(id % 3) + 1}`,
    at: '2024-02-29T12:00:00.25',
    day: '2024-02-29',
    amount: `${id}.50`,
    ratio: '0.1',
    level: '7',
    flag: 'true',
    uid: '00112233-4455-6677-8899-aabbccddeeff',
    // Some go over several lines, so that lines and records differ.
    note: id % 50 === 0 ? `"a ""note""\n${id},second line\r\nthird"` : `note ${id % 1000}`,
    owner: 'me',
    metrics: `"{""one"":${id % 100}}"`,
  };
}

const random = makeRandom(5);
const noise = (length: number) =>
  Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[random(36)]).join('');

interface BadKind {
  readonly name: string;
  readonly code: string;
  /** Fields that are other than in a good record. */
  readonly fields?: (id: number) => Fields;
  /** The whole record, where it is its form that is bad. */
  readonly raw?: (good: string) => string | Buffer;
}

const KINDS: readonly BadKind[] = [
  { name: 'an integer that is none', code: 'bad_integer', fields: () => ({ place_id: '1x' }) },
  { name: 'a key that is no integer', code: 'bad_integer', fields: () => ({ id: '12.5' }) },
  { name: 'an integer out of range', code: 'out_of_range', fields: () => ({ level: '32768' }) },
  {
    name: 'a number that is none',
    code: 'bad_number',
    fields: () => ({ amount: '1_5' }),
  },
  { name: 'a float that is none', code: 'bad_number', fields: () => ({ ratio: 'abc' }) },
  { name: 'a boolean that is none', code: 'bad_boolean', fields: () => ({ flag: 'maybe' }) },
  { name: 'a day of no calendar', code: 'bad_date', fields: () => ({ day: '2023-02-29' }) },
  { name: 'a time of no clock', code: 'bad_timestamp', fields: () => ({ at: '2024-01-01 25:00' }) },
  { name: 'a uuid that is none', code: 'bad_uuid', fields: () => ({ uid: '0011' }) },
  { name: 'JSON that is none', code: 'bad_json', fields: () => ({ metrics: '"{""one"":"' }) },
  {
    name: 'a metric of another type',
    code: 'bad_metric',
    fields: () => ({ metrics: '"{""one"":1.5}"' }),
  },
  { name: 'no value where one is needed', code: 'null_value', fields: () => ({ owner: '' }) },
  {
    name: 'a dimension that is not there',
    code: 'missing_dimension',
    fields: () => ({ place_id: '99' }),
  },
  {
    name: 'a key that is there with other values',
    code: 'conflict',
    fields: () => ({ id: '1', note: 'other' }),
  },
  { name: 'what a check refuses', code: 'refused_by_server', fields: () => ({ amount: '-1' }) },
  {
    name: 'what an index cannot hold',
    code: 'refused_by_server',
    fields: () => ({ note: noise(9000) }),
  },
  { name: 'a NUL byte', code: 'nul_byte', fields: () => ({ note: 'a\0b' }) },
  {
    name: 'bytes that are no UTF-8',
    code: 'invalid_utf8',
    raw: (good) => Buffer.from(good.replace(',me,', ',m\xff,'), 'latin1'),
  },
  { name: 'a field too many', code: 'wrong_field_count', raw: (good) => `${good},more` },
  {
    name: 'fields too few',
    code: 'wrong_field_count',
    raw: (good) => good.split(',').slice(0, 4).join(','),
  },
  {
    name: 'a quote where none belongs',
    code: 'bad_quote',
    raw: (good) => good.replace(',me,', ',m"e,'),
  },
  {
    name: 'a quote that is never closed',
    code: 'unterminated_quote',
    raw: (good) =>
      good
        .replace(',me,', ',"me,')
        .replaceAll('"{""one', 'x')
        .replace(/""(:\d+)}"/, '$1'),
  },
];

interface Expected {
  readonly line: number;
  readonly byteOffset: number;
  readonly code: string;
  readonly raw: string;
}

function makeFile() {
  const pick = makeRandom(11);
  const bad = KINDS.flatMap((kind) => Array.from({ length: BAD_OF_EACH_KIND }, () => kind));
  /** Behind which good record a bad one comes. */
  const places = new Map<number, BadKind[]>();
  for (const [i, kind] of bad.entries()) {
    // The first and the last record of the file are bad ones, too.
    const place = i === 0 ? 0 : i === 1 ? GOOD_RECORDS : 1 + pick(GOOD_RECORDS - 1);
    places.set(place, [...(places.get(place) ?? []), kind]);
  }
  const chunks: Buffer[] = [Buffer.from(`${FIELDS}\n`)];
  let byteOffset = chunks[0]!.length;
  let line = 2;
  const rejects: Expected[] = [];
  const push = (record: Buffer) => {
    const bytes = Buffer.concat([record, Buffer.from('\n')]);
    chunks.push(bytes);
    byteOffset += bytes.length;
    for (const byte of bytes) if (byte === 0x0a) line++;
  };
  const write = (fields: Fields) =>
    FIELDS.split(',')
      .map((name) => fields[name])
      .join(',');
  let badId = 10_000_000;
  let duplicates = 0;
  for (let id = 0; id <= GOOD_RECORDS; id++) {
    if (id > 0) push(Buffer.from(write(goodFields(id))));
    for (const { code, fields, raw } of places.get(id) ?? []) {
      const own = goodFields(++badId * 10 + 1);
      const text = write({ ...own, ...fields?.(badId) });
      const made = raw?.(text) ?? text;
      const record = typeof made === 'string' ? Buffer.from(made) : made;
      rejects.push({ line, byteOffset, code, raw: record.toString('latin1') });
      push(record);
      // And one that is there already, just as it is.
      if (id > 0) {
        push(Buffer.from(write(goodFields(1 + pick(id)))));
        duplicates++;
      }
    }
  }
  return { bytes: Buffer.concat(chunks), rejects, duplicates };
}

describe(`${KINDS.length} kinds of bad records among ${GOOD_RECORDS} good ones`, async () => {
  const database = await createTestDatabase('empty');
  const { bytes, rejects, duplicates } = makeFile();

  it.each([
    { workers: 1, splitRecords: FEW },
    { workers: 8, splitRecords: FEW },
    { workers: 1, splitRecords: MANY },
    { workers: 8, splitRecords: MANY },
  ])(
    'are the rejects, with $workers workers and $splitRecords records a split',
    { timeout: 900_000 },
    async ({ workers, splitRecords }) => {
      const cwd = await makeDirectory();
      await database.query(
        'DROP TABLE IF EXISTS readings, places; DROP SCHEMA IF EXISTS edp CASCADE',
      );
      await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
      await writeFile(path.join(cwd, 'places.csv'), 'id,name\n1,a\n2,b\n3,c\n');
      await writeFile(path.join(cwd, 'empty.csv'), `${FIELDS}\n`);
      await writeFile(path.join(cwd, 'readings.csv'), bytes);
      const run = <const A extends readonly string[]>(...args: A) =>
        edp([...args, '--json', '--database-url', database.url], { cwd });
      expect(await run('ingest', 'places.csv')).toMatchObject({ status: 0 });
      expect(await run('ingest', 'empty.csv', '--table', 'readings')).toMatchObject({ status: 0 });
      await database.query('ALTER TABLE readings ADD CHECK (amount >= 0)');
      const size = ['--process-count', `${workers}`, '--read-batch-size', `${splitRecords}`];
      const result = await run('ingest', 'readings.csv', ...size);
      expect(result.status, result.stderr).toBe(3);
      expect(result.json.rows).toEqual({
        read: GOOD_RECORDS + duplicates + rejects.length,
        loaded: GOOD_RECORDS,
        rejected: rejects.length,
        duplicate: duplicates,
      });
      const { loadId } = result.json.files[0];
      const listed = await run('rejects', `${loadId}`, '--limit', `${rejects.length + 1}`);
      const raws = await database.query(
        "SELECT byte_offset::text, encode(raw, 'hex') FROM edp.rejects WHERE load_id = $1",
        [loadId],
      );
      const rawAt = new Map(raws.map(([at, hex]) => [Number(at), Buffer.from(String(hex), 'hex')]));
      expect(
        listed.json.rejects.map(({ line, byteOffset, code }) => ({
          line,
          byteOffset,
          code,
          raw: rawAt.get(byteOffset)?.toString('latin1'),
        })),
      ).toEqual(rejects);
      const sum = (GOOD_RECORDS * (GOOD_RECORDS + 1)) / 2;
      expect(
        await database.query(
          'SELECT count(*)::int, sum(id)::text, sum(amount)::numeric(20)::text, count(*) FILTER (WHERE note LIKE E\'a "note"\\n%third\')::int FROM readings',
        ),
      ).toEqual([
        [GOOD_RECORDS, `${sum}`, `${sum + GOOD_RECORDS / 2}`, Math.floor(GOOD_RECORDS / 50)],
      ]);
    },
  );
});
