import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeEach, describe, expect, it } from 'vitest';
import { prepareDimensions } from '../../src/generate/dimensions.js';
import { makeDirectory } from '../support/cli.js';

let directory: string;
beforeEach(async () => {
  directory = await makeDirectory();
});

const put = (name: string, text: string) => writeFile(path.join(directory, name), text);
const read = async (name: string) =>
  parse(await readFile(path.join(directory, name), 'utf8'), { columns: true }) as Record<
    string,
    string
  >[];

describe('where there are no dimension files', () => {
  it('writes both, with unique names, and uses them', async () => {
    const { dimensions, isWritten, warnings } = await prepareDimensions(directory, 1);
    expect([isWritten, warnings]).toEqual([true, []]);
    const [first, second] = [
      await read('first_dimensions.csv'),
      await read('second_dimensions.csv'),
    ];
    expect(Object.keys(first[0]!)).toEqual(['id', 'name']);
    expect(Object.keys(second[0]!)).toEqual(['id', 'name', 'first_dimension_id']);
    expect([first.length, second.length]).toEqual([20, 100]);
    expect(new Set(first.map(({ name }) => name)).size).toBe(20);
    expect(new Set(second.map(({ name }) => name)).size).toBe(100);
    const parents = new Map(second.map(({ id, first_dimension_id }) => [id, first_dimension_id]));
    expect(dimensions.second).toHaveLength(100);
    for (const { id, firstId } of dimensions.second)
      expect(parents.get(`${id}`)).toBe(`${firstId}`);
    expect((await readdir(directory)).sort()).toEqual([
      'first_dimensions.csv',
      'second_dimensions.csv',
    ]);
  });

  it('finds its own files again, and chooses the same', async () => {
    const written = await prepareDimensions(directory, 3);
    const found = await prepareDimensions(directory, 3);
    expect(found).toEqual({ ...written, isWritten: false });
  });
});

describe('where there are dimension files', () => {
  it('uses their ids, whatever the order and dialect', async () => {
    await put('first_dimensions.csv', '\ufeffname\tid\r\n"One, or so"\t7\r\nTwo\t8\r\n');
    await put('second_dimensions.csv', 'id,name,first_dimension_id\n31,x,8\n30.0,"y\nz",7\n');
    const { dimensions, isWritten, warnings } = await prepareDimensions(directory, 1);
    expect([isWritten, warnings]).toEqual([false, []]);
    expect(dimensions.firstIds).toEqual([7, 8]);
    expect([...dimensions.second].sort((a, b) => a.id - b.id)).toEqual([
      { id: 30, firstId: 7 },
      { id: 31, firstId: 8 },
    ]);
  });

  it('writes the second to go with the first', async () => {
    await put('first_dimensions.csv', 'id,name\n7,a\n8,b\n');
    const { dimensions } = await prepareDimensions(directory, 1);
    expect(new Set(dimensions.second.map(({ firstId }) => firstId))).toEqual(new Set([7, 8]));
    expect(await read('second_dimensions.csv')).toHaveLength(100);
  });

  it('writes the first to go with the second', async () => {
    await put('second_dimensions.csv', 'id,name,first_dimension_id\n1,a,40\n2,b,41\n3,c,40\n');
    const { isWritten } = await prepareDimensions(directory, 1);
    expect(isWritten).toBe(true);
    expect((await read('first_dimensions.csv')).map(({ id }) => id)).toEqual(['40', '41']);
  });

  it('knows ids that no member has', async () => {
    await put('first_dimensions.csv', 'id,name\n900001,a\n900002,b\n');
    const { dimensions } = await prepareDimensions(directory, 1);
    expect([dimensions.noFirstId, dimensions.noSecondId]).toEqual([900_003, 900_001]);
  });

  it('warns of members it passes over', async () => {
    await put('first_dimensions.csv', 'id,name\n1,a\nx,b\n3000000000,c\n');
    await put('second_dimensions.csv', 'id,name,first_dimension_id\n1,a,1\n2,b,2\n');
    const { dimensions, warnings } = await prepareDimensions(directory, 1);
    expect(dimensions.second).toEqual([{ id: 1, firstId: 1 }]);
    expect(warnings).toEqual([
      expect.stringContaining('2 records not used'),
      expect.stringContaining('1 members not used'),
    ]);
  });

  it.each([
    ['no ids', { first: 'id,name\n' }, 'not_csv'],
    ['no usable ids', { first: 'id,name\nx,a\n,b\n' }, 'not_csv'],
    ['nothing at all', { first: '' }, 'not_csv'],
    ['no CSV', { first: 'id,name\n1,"a\n' }, 'not_csv'],
    ['no id column', { first: 'key,name\n1,a\n' }, 'header_mismatch'],
    ['no parents', { second: 'id,name\n1,a\n' }, 'header_mismatch'],
    [
      'only unknown parents',
      { first: 'id,name\n1,a\n', second: 'id,name,first_dimension_id\n1,a,2\n' },
      'not_csv',
    ],
  ])(
    'refuses files with %s',
    async (_, { first, second }: { first?: string; second?: string }, code) => {
      if (first !== undefined) await put('first_dimensions.csv', first);
      if (second !== undefined) await put('second_dimensions.csv', second);
      await expect(prepareDimensions(directory, 1)).rejects.toMatchObject({
        code,
        place: expect.stringContaining('_dimensions.csv'),
        hint: expect.any(String),
      });
    },
  );
});
