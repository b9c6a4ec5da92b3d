/** `edp verify` of values that the server calls equal, though they are written in different ways. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Case, checkCase, useVerifyDatabases, verifyCase } from './setup.js';

const { database } = useVerifyDatabases();
let hasCitext = false;
let hasIcu = false;

beforeAll(async () => {
  const [[extensions], [collations]] = (await database.query(
    `SELECT count(*)::int FROM pg_available_extensions WHERE name = 'citext'
     UNION ALL SELECT count(*)::int FROM pg_collation WHERE collprovider = 'i'`,
  )) as [[number], [number]];
  hasCitext = extensions > 0;
  hasIcu = collations > 0;
  if (hasCitext) await database.query('CREATE EXTENSION IF NOT EXISTS citext');
  if (!hasIcu) return;
  await database.query(
    "CREATE COLLATION anyway (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
  );
});

const table = (key: string, value = 'text') =>
  `CREATE TABLE $t (k ${key} PRIMARY KEY, v ${value}, load_id bigint)`;
const model = (key: string, value = 'text') =>
  `    columns: { k: ${key}, v: ${value} }\n    key: k\n`;

describe('a record that replaced a row whose key is spelled in another way', () => {
  const UPDATE = ['--on-conflict', 'update'];
  const CASES: readonly Case[] = [
    { name: 'numeric', model: model('numeric'), file: 'k,v\n1,a\n1.0,a\n1.00,b\n2,c\n' },
    { name: 'zero', model: model('double'), file: 'k,v\n0,a\n-0,b\n' },
    {
      name: 'padded',
      model: model('text'),
      make: table('bpchar'),
      file: 'k,v\na,1\n"a ",1\n"a  ",2\n',
    },
    {
      name: 'against the table',
      model: model('numeric'),
      before: ['k,v\n1,a\n'],
      file: 'k,v\n1.0,b\n',
    },
  ];
  it.each(CASES)('agrees: $name', (one) => checkCase(database, { ...one, args: UPDATE }));

  it('agrees: citext', async () => {
    if (!hasCitext) return;
    const file = 'k,v\na,1\nA,1\nA,2\n';
    await checkCase(database, {
      name: '',
      model: model('text'),
      make: table('citext'),
      file,
      args: UPDATE,
    });
  });

  it('differs where its values were changed', async () => {
    await checkCase(database, {
      name: '',
      model: model('numeric'),
      file: 'k,v\n1,a\n1.0,b\n',
      args: UPDATE,
      change: "UPDATE $t SET v = 'c'",
      counts: { changed: 1 },
    });
  });
});

describe('texts that only the server calls equal', () => {
  it('blanks behind a text of no given length', () =>
    checkCase(database, {
      name: '',
      model: model('text'),
      make: table('bpchar'),
      file: 'k,v\na,x\n"a ",x\nb,y\n',
    }));

  it('letters of citext beyond ASCII, by the locale of the database', async () => {
    if (!hasCitext) return;
    await checkCase(database, {
      name: '',
      model: model('text'),
      make: table('citext'),
      file: 'k,v\n\u00c9,x\n\u00e9,x\n\u00e9,x\nA,x\na,x\n',
    });
  });

  const LOOSE = 'text COLLATE anyway';

  it('a nondeterministic collation, where no record is a duplicate: compared exactly', async () => {
    if (!hasIcu) return;
    const one = { name: '', model: model('text'), make: table(LOOSE, LOOSE) };
    await checkCase(database, { ...one, file: 'k,v\nabc,x\nABC,y\nd,z\n' });
    await checkCase(database, {
      ...one,
      file: 'k,v\nabc,x\nd,z\n',
      change: "UPDATE $t SET v = 'X' WHERE k = 'ABC'",
      counts: { changed: 1 },
    });
  });

  it('a nondeterministic collation and duplicates: left out, and said', async () => {
    if (!hasIcu) return;
    const file = 'k,v\na,x\na,X\nb,y\n';
    const make = table('text', LOOSE);
    await checkCase(database, { name: '', model: model('text'), make, file, uncompared: ['v'] });
  });

  it('a key with such a collation and duplicates: refused', async () => {
    if (!hasIcu) return;
    const file = 'k,v\na,x\nA,x\n';
    const one = { name: '', model: model('text'), make: table(LOOSE), file };
    const { status, json } = await verifyCase(database, one);
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'table_mismatch' });
  });
});
