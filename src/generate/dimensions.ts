/**
 * The members of the two dimensions that events refer to. They come from the dimension files in the
 * directory; where these are missing, new members are written there.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { INT4_MAX, INT4_MIN } from '../values/integer-limits.js';
import { toIoError, withNewFile } from './new-file.js';
import { Random } from './random.js';

export interface SecondMember {
  readonly id: number;
  /** The member of first_dimensions that it belongs to. */
  readonly firstId: number;
}

/** Plain data: it crosses threads. */
export interface Dimensions {
  readonly firstIds: readonly number[];
  /** The most popular member first. */
  readonly second: readonly SecondMember[];
  /** Ids that no member has, for references that must fail. */
  readonly noFirstId: number;
  readonly noSecondId: number;
}

export interface PreparedDimensions {
  readonly dimensions: Dimensions;
  /** Whether a dimension file was written; false where both existed. */
  readonly isWritten: boolean;
  /** What was not used in existing files, as messages. */
  readonly warnings: readonly string[];
}

const FIRST_FILE = 'first_dimensions.csv';
const SECOND_FILE = 'second_dimensions.csv';
const NEW_FIRST_COUNT = 20;
const NEW_SECOND_COUNT = 100;

/** The purpose of the random numbers that decide which members are popular. */
const POPULARITY = 5;

/**
 * @param directory where the dimension files are, or will be; it must exist
 * @throws EdpError `io`, `not_csv` or `header_mismatch` for an existing file that cannot be used
 */
export async function prepareDimensions(
  directory: string,
  seed: number,
): Promise<PreparedDimensions> {
  const firstFile = path.join(directory, FIRST_FILE);
  const secondFile = path.join(directory, SECOND_FILE);
  const firstRead = await readMembers(firstFile, ['id']);
  const secondRead = await readMembers(secondFile, ['id', 'first_dimension_id']);
  const warnings = [firstRead?.warning, secondRead?.warning].filter((text) => text !== undefined);

  // Existing second members already name the first ones that they need.
  const isFirstId = new Set(
    firstRead?.members.map(([id]) => id as number) ??
      secondRead?.members.map(([, firstId]) => firstId as number) ??
      Array.from({ length: NEW_FIRST_COUNT }, (_, i) => i + 1),
  );
  const firstIds = [...isFirstId];
  const isSecondId = new Set(secondRead?.members.map(([id]) => id));

  let second: SecondMember[];
  if (secondRead === undefined) {
    second = Array.from({ length: NEW_SECOND_COUNT }, (_, i) => ({
      id: i + 1,
      firstId: firstIds[i % firstIds.length] as number,
    }));
    for (const { id } of second) isSecondId.add(id);
  } else {
    const all = secondRead.members.map(([id, firstId]) => ({ id, firstId }) as SecondMember);
    second = all.filter(({ firstId }) => isFirstId.has(firstId));
    if (second.length === 0) {
      throw new EdpError('not_csv', `no member belongs to one of ${firstFile}`, {
        place: secondFile,
        hint: 'correct first_dimension_id, or remove both files to have new ones written',
      });
    }
    if (second.length < all.length) {
      warnings.push(
        `${secondFile}: ${all.length - second.length} members not used, as ${FIRST_FILE} lacks their first_dimension_id`,
      );
    }
  }

  if (firstRead === undefined || secondRead === undefined) {
    const names = await chooseNames(seed);
    if (firstRead === undefined) {
      const rows = firstIds.map((id) => [id, names.first()]);
      await writeMembers(firstFile, ['id', 'name'], rows);
    }
    if (secondRead === undefined) {
      const rows = second.map(({ id, firstId }) => [id, names.second(), firstId]);
      await writeMembers(secondFile, ['id', 'name', 'first_dimension_id'], rows);
    }
  }

  // Sorted first, so that the order of records in the file does not matter.
  second.sort((a, b) => a.id - b.id);
  return {
    dimensions: {
      firstIds,
      second: new Random(seed, 0, POPULARITY).shuffle(second),
      noFirstId: findUnusedId(isFirstId),
      noSecondId: findUnusedId(isSecondId),
    },
    isWritten: firstRead === undefined || secondRead === undefined,
    warnings,
  };
}

interface ReadMembers {
  /** The values of the requested columns, one array per member. */
  readonly members: readonly (readonly number[])[];
  readonly warning: string | undefined;
}

/** @returns undefined where there is no such file */
async function readMembers(
  file: string,
  columns: readonly string[],
): Promise<ReadMembers | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw toIoError(error, file, 'cannot be read');
  }
  const header = text.slice(0, text.search(/[\r\n]|$/));
  const { parse } = await import('csv-parse/sync');
  let records: Record<string, string>[];
  try {
    records = parse(text, {
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim()),
      delimiter: header.includes('\t') ? '\t' : ',',
      skip_empty_lines: true,
    });
  } catch (error) {
    throw new EdpError('not_csv', `is not CSV: ${(error as Error).message}`, {
      place: file,
      hint: 'correct it, or remove it to have a new one written',
      cause: error,
    });
  }
  for (const column of columns) {
    if (records.length > 0 && !Object.hasOwn(records[0] as object, column)) {
      throw new EdpError('header_mismatch', `the header has no "${column}"`, {
        place: `${file}:1`,
        hint: `the columns needed are ${columns.join(', ')}`,
      });
    }
  }
  const members = records
    .map((record) => columns.map((column) => toId(record[column] ?? '')))
    .filter((values) => values.every((value) => value !== undefined));
  if (members.length === 0) {
    throw new EdpError('not_csv', 'has no usable ids', {
      place: file,
      hint: `${columns.join(' and ')} must be whole numbers; remove the file to have a new one written`,
    });
  }
  const unusable = records.length - members.length;
  return {
    members,
    warning:
      unusable === 0
        ? undefined
        : `${file}: ${unusable} records not used, as ${columns.join(' or ')} is no whole number`,
  };
}

/** The ids of the built-in model are of type int. */
function toId(text: string): number | undefined {
  const id = /^[+-]?\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
  return id >= INT4_MIN && id <= INT4_MAX ? id : undefined;
}

function findUnusedId(used: { has(id: number): boolean }): number {
  let id = 900_001;
  while (used.has(id)) id++;
  return id;
}

/** Names in a fixed order for each seed, each only once. */
async function chooseNames(seed: number): Promise<{ first(): string; second(): string }> {
  const { faker } = await import('@faker-js/faker/locale/en');
  faker.seed(seed);
  const unique = (make: () => string) => {
    const taken = new Set<string>();
    return () => {
      let name = make();
      // There are fewer names than an existing file may have members, so a number makes a repeated
      // name unique.
      if (taken.has(name)) name = `${name} ${taken.size + 1}`;
      taken.add(name);
      return name;
    };
  };
  return {
    first: unique(() => faker.company.name()),
    second: unique(() => faker.commerce.productName()),
  };
}

async function writeMembers(
  file: string,
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Promise<void> {
  const { stringify } = await import('csv-stringify/sync');
  await withNewFile(file, (handle) => handle.writeFile(stringify([header, ...rows])));
}
