/** `--key`: the columns that the user named → fields of the files, verified against every record. */
import { EdpError } from '../base/errors.js';
import { toText } from '../formats/text/transcode.js';
import { takeColumnNames } from './inferred-names.js';
import { checkHashes } from './key-candidate.js';
import type { FoundRecord, TupleFindings, WantedRecords } from './key-tuple.js';

/** Of a name, the field; for columns as a table would name them, too. */
export function findKeyFields(
  key: readonly string[],
  fields: readonly string[],
  file: string,
): readonly number[] {
  const names = takeColumnNames(fields, (i) => `column_${i + 1}`, new Set());
  const places = key.map((name) =>
    fields.includes(name) ? fields.indexOf(name) : names.indexOf(name),
  );
  const unknown = key.filter((_, i) => places[i]! < 0);
  if (unknown.length > 0) {
    throw new EdpError(
      'usage',
      `--key: ${file} has no column ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
      { hint: `its columns are ${names.join(', ')}` },
    );
  }
  const twice = places.findIndex((place, i) => places.indexOf(place) !== i);
  if (twice < 0) return places;
  throw new EdpError('usage', `--key names column ${JSON.stringify(key[twice])} twice`, {
    hint: 'name each column once',
  });
}

/** The findings of a file, with the lines of its records. */
export interface FileTuples extends TupleFindings {
  /** Empty values of columns whose type has none: there they are NULL. */
  readonly empty: number;
  /** Lines count from 1 at the start of the file. */
  readonly found: readonly FoundRecord[];
}

/** A second reading; the results have the order of the files. */
export type ReadAgain = (wanted: WantedRecords) => Promise<readonly FileTuples[]>;

/** With more repeated hashes than this, the first ones are looked at. */
const MAX_WANTED = 1000;

/**
 * @param key the fields, as the user sees them
 * @param names of the files
 * @returns whether the key is verified; false where there are too many records for that
 * @throws EdpError `usage` that names the first records in the way of the key
 */
export async function verifyKey(
  key: readonly string[],
  names: readonly string[],
  tuples: readonly FileTuples[],
  readAgain: ReadAgain,
): Promise<boolean> {
  const list = key.join(', ');
  for (const reason of ['missing', 'empty', 'long'] as const) {
    if (tuples.every((one) => one[reason] === 0)) continue;
    const [first] = locate(await readAgain(reason), names);
    const where = first === undefined ? '' : `: see ${first.place}`;
    throw new EdpError(
      'usage',
      reason === 'long'
        ? `--key ${list} cannot be the key: values are too long for an index${where}`
        : `--key ${list} cannot be the key: a record has no value${describeMissing(key, first)}${where}`,
      { hint: 'name columns that have a value in every record, or load without --key' },
    );
  }
  const { isComplete, repeated } = checkHashes(tuples.map(({ hashes }) => hashes));
  if (repeated.length > 0) {
    const found = locate(await readAgain(repeated.slice(0, MAX_WANTED)), names);
    const earlier = new Map<string, Located>();
    for (const record of found) {
      const tuple = JSON.stringify(record.values);
      const first = earlier.get(tuple);
      if (first !== undefined) throw notUnique(key, first, record);
      earlier.set(tuple, record);
    }
    // Only their hashes are equal.
  }
  return isComplete;
}

interface Located {
  readonly place: string;
  readonly values: readonly (string | null)[];
}

function locate(files: readonly FileTuples[], names: readonly string[]): Located[] {
  return files.flatMap(({ found }, i) =>
    found.map(({ line, values }) => ({ place: `${names[i]}:${line}`, values })),
  );
}

function describeMissing(key: readonly string[], record: Located | undefined): string {
  const place = record?.values.findIndex((value) => value === null || value === '') ?? -1;
  return place < 0 ? '' : ` in ${key[place]}`;
}

const MAX_SHOWN = 60;

function notUnique(key: readonly string[], first: Located, second: Located): EdpError {
  const values = first.values
    .map((value, i) => {
      const shown = toText(value ?? '', 'utf-8');
      return `${key[i]} = ${shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown}`;
    })
    .join(', ');
  return new EdpError(
    'usage',
    `--key ${key.join(', ')} cannot be the key: the records at ${first.place} and ${second.place} both have ${values}`,
    {
      hint: 'name more columns, separated by commas, so that all records differ; or load without --key',
    },
  );
}
