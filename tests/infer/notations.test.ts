/** Numbers and dates in the notation of a country: what is declared, and that all of them load. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inferType } from '../../src/infer/infer-type.js';
import { ColumnReader, mergeSummaries } from '../../src/infer/inferred-column.js';
import { Corrector } from '../../src/values/correct/corrector.js';
import { makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);

function summarize(values: readonly string[]) {
  const reader = new ColumnReader();
  for (const [line, value] of values.entries()) {
    reader.addText(Buffer.from(value).toString('latin1'), line);
  }
  return reader.summary;
}

type Declared = Readonly<Record<string, unknown>>;

describe('values', () => {
  it.each<[values: string[], type: string, corrections: Declared]>([
    [['7.820,16', '12', '1,5'], 'numeric', { decimal: ',', thousands: '.' }],
    [['12', '1.234', '7.820,16'], 'numeric', { decimal: ',', thousands: '.' }],
    [['1.234', '2.500', '0,5'], 'numeric', { decimal: ',', thousands: '.' }],
    [['0,5', '12,25', '-3,125'], 'numeric', { decimal: ',' }],
    [['1,234', '0,5'], 'numeric', { decimal: ',' }],
    [['1.234.567', '12'], 'int', { decimal: ',', thousands: '.' }],
    [['1,234.50', '12', '7.5'], 'numeric', { thousands: ',' }],
    [['1,234,567', '12'], 'int', { thousands: ',' }],
    [['12,345,678,901', '5'], 'bigint', { thousands: ',' }],
    [['1 234 567,89', '5,1'], 'numeric', { decimal: ',', thousands: ' ' }],
    [['1\u00a0234,5', '1\u202f234,5', '7'], 'numeric', { decimal: ',', thousands: ' ' }],
    [["1'234.50", '7.25'], 'numeric', { thousands: "'" }],
    [['1’234.50', '7.25'], 'numeric', { thousands: "'" }],
    [['€ 1.234,50', '€ 7'], 'numeric', { decimal: ',', thousands: '.', currency: '€' }],
    [['12,5 %', '7 %'], 'numeric', { decimal: ',', currency: '%' }],
    [['$12.50', '$7'], 'numeric', { currency: '$' }],
    [['26.08.2024', '1.2.2024'], 'date', { format: '%d.%m.%Y' }],
    [['26/08/2024', '01/02/2024'], 'date', { format: '%d/%m/%Y' }],
    [['08/26/2024', '01/02/2024'], 'date', { format: '%m/%d/%Y' }],
    [['26-08-2024'], 'date', { format: '%d-%m-%Y' }],
    [['2024/08/26', '2024/01/02'], 'date', { format: '%Y/%m/%d' }],
    [['26.08.2024 12:30', '01.09.2024 00:00'], 'timestamp', { format: '%d.%m.%Y %H:%M' }],
    [
      ['26.08.2024 12:30:05', '01.09.2024'],
      'timestamp',
      { format: ['%d.%m.%Y %H:%M:%S', '%d.%m.%Y'] },
    ],
  ])('%j are %s with %j', (values, type, corrections) => {
    for (const order of [values, [...values].reverse()]) {
      const found = inferType(summarize(order));
      expect(found).toMatchObject({ type, corrections });
      // Merged from any two stretches, the same comes of it.
      const first = summarize(order.slice(0, 1));
      mergeSummaries(first, summarize(order.slice(1)), 1);
      expect(inferType(first)).toMatchObject({ type, corrections });
    }
  });

  it.each<[values: string[], remark: RegExp | undefined]>([
    [['01/02/2024', '03/04/2024'], /%d\/%m\/%Y.* or .*%m\/%d\/%Y/],
    [['01.02.2024'], /declare type date/],
    [['1,234', '5,678'], /decimal: "," or thousands: ","/],
    [['555 123 456', '555 123 457'], /numbers or codes/],
    [['13/14/2024'], undefined],
    [['31.02.2024', '26.08.2024'], undefined],
    [['26/08/2024', '08/26/2024'], undefined],
    [['26.08.2024', '26/08/2024'], undefined],
    [['7.820,16', '7,820.16'], undefined],
    [['€ 5', '$ 5'], undefined],
    [['01,5', '2,5'], undefined],
    [['+49 123 456', '12'], undefined],
    [['0123', '12'], undefined],
    [['1.2.3', '1.2.4'], undefined],
    [['192.168.1.1'], undefined],
    [['12,34,567', '5'], undefined],
    [['1,5', 'x'], undefined],
  ])('%j stay text', (values, remark) => {
    const { type, corrections, doubt } = inferType(summarize(values));
    expect([type, corrections]).toEqual(['text', undefined]);
    if (remark !== undefined) expect(doubt).toMatch(remark);
  });

  it.each<[values: string[], type: string]>([
    [['1.234', '2.500'], 'numeric'],
    [['1.5', '2.250'], 'numeric'],
    [['2024-08-26', '2024-08-27'], 'date'],
    [['12', '7'], 'int'],
  ])('%j are plain: %s', (values, type) => {
    expect(inferType(summarize(values))).toMatchObject({ type });
    expect(inferType(summarize(values)).corrections).toBeUndefined();
  });
});

it('a blank between groups stands for those that do not break', () => {
  const blanks = new Corrector({ decimal: ',', thousands: ' ' }, 'numeric');
  for (const blank of [' ', '\u00a0', '\u202f', '\u2009']) {
    const written = Buffer.from(`10${blank}237,65`).toString('latin1');
    expect(blanks.correct(written)).toBe('10237.65');
  }
  const typographic = new Corrector({ thousands: "'" }, 'numeric');
  expect(typographic.correct(Buffer.from('1’234.5').toString('latin1'))).toBe('1234.5');
});

it('a file with all of them loads into typed columns without a reject', async () => {
  const cwd = await makeDirectory();
  const rows = Array.from(
    { length: 300 },
    (_, i) => `${i};${(i % 28) + 1}.08.2024;${i % 7}.820,1${i % 10};1\u00a0${100 + i};${i / 2}`,
  );
  const text = `id;tag;preis;menge;x\n${rows.join('\n')}\n`.replaceAll(/;0\.820/g, ';820');
  await writeFile(path.join(cwd, 'umsatz.csv'), text);
  const { json, stderr } = await run(cwd, 'ingest', 'umsatz.csv', '--create');
  expect(json.rows, stderr).toMatchObject({ loaded: 300, rejected: 0 });
  const yaml = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
  expect(yaml).toContain('format: "%d.%m.%Y"');
  expect(
    await database.query(
      `SELECT pg_typeof(tag)::text, pg_typeof(preis)::text, tag::text, preis::text
       FROM umsatz WHERE id = 15`,
    ),
  ).toEqual([['date', 'numeric', '2024-08-16', '1820.15']]);
});
