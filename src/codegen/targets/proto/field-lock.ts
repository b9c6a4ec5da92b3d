/**
 * The names and numbers of messages and fields, as they were given: `fields.lock.json`. Data that was written by a number is
 * read by it, so a number is never changed, and never given to another field; a column that returns gets a new one.
 */
import { z } from 'zod';
import { EdpError } from '../../../base/errors.js';
import type { Catalogue } from '../../catalogue.js';
import { pascalCase, uniqueNames, wordsOf } from '../../code-names.js';

export const LOCK_FILE = 'fields.lock.json';

const fieldSchema = z.strictObject({
  name: z.string(),
  number: z.int().positive(),
  type: z.string(),
});
const lockSchema = z.strictObject({
  tables: z.record(
    z.string(),
    z.strictObject({
      message: z.string(),
      fields: z.record(z.string(), fieldSchema),
      /** Of fields that are gone; a name that is in use again has only its number here. */
      reserved: z.array(z.strictObject({ name: z.string(), number: z.int().positive() })),
    }),
  ),
});

type FieldLock = z.infer<typeof lockSchema>;
export type LockedMessage = FieldLock['tables'][string];

export interface LockedMessages {
  /** By table; also those of tables that are gone. */
  readonly messages: ReadonlyMap<string, LockedMessage>;
  /** Of the lock file. */
  readonly text: string;
}

/** A field as the model has it. */
export interface WantedField {
  readonly column: string;
  readonly type: string;
}

/** @throws EdpError `config` */
function readLock(text: string | undefined): FieldLock {
  if (text === undefined) return { tables: {} };
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new EdpError('config', `${LOCK_FILE} cannot be read: ${firstLine(error)}`, {
      hint: 'restore it from version control: it has the numbers by which others read what was written',
      cause: error,
    });
  }
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0]!;
}

/** Messages in Java and their builders have such getters by themselves. */
const NO_FIELDS = ['descriptor', 'defaultinstance', 'unknownfieldsetbuilder', 'parentforchildren'];

/**
 * Names of messages, in lower case, that would be given twice: a response has the token of the next page beside the field
 * of the row; in the code that protoc makes for Java, a class has the others of its own.
 */
const NO_MESSAGES = ['nextpagetoken', 'builder', ...NO_FIELDS];

/** @param madeOf names that are made of the name of a message, and must be free, too */
export function lockFields(
  { tables }: Catalogue,
  fieldsOf: (table: Catalogue['tables'][number]) => readonly WantedField[],
  text: string | undefined,
  madeOf: (message: string) => readonly string[],
): LockedMessages {
  const lock = readLock(text);
  const before = new Map(Object.entries(lock.tables));
  const known = new Set(
    [...before.values()].flatMap(({ message }) =>
      [message, ...madeOf(message)].map((name) => name.toLowerCase()),
    ),
  );
  const added = tables.map(({ name }) => name).filter((name) => !before.has(name));
  const names = uniqueNames(added, pascalCase, [...known, ...NO_MESSAGES], madeOf);
  const messages = new Map(before);
  for (const table of tables) {
    const old = before.get(table.name) ?? {
      message: names.get(table.name)!,
      fields: {},
      reserved: [],
    };
    messages.set(table.name, lockMessage(old, fieldsOf(table)));
  }
  // A table that is gone keeps its numbers, should it return: its fields stay as they were.
  const sorted = [...messages].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    messages,
    text: `${JSON.stringify({ tables: Object.fromEntries(sorted) }, null, 2)}\n`,
  };
}

function lockMessage(old: LockedMessage, wanted: readonly WantedField[]): LockedMessage {
  const before = new Map(Object.entries(old.fields));
  const kept = wanted.filter(({ column, type }) => before.get(column)?.type === type);
  const isKept = new Set(kept.map(({ column }) => column));
  const gone = [...before].filter(([column]) => !isKept.has(column)).map(([, field]) => field);
  const reserved = [...old.reserved, ...gone.map(({ name, number }) => ({ name, number }))];
  const numbers = [...before.values(), ...reserved].map(({ number }) => number);
  let last = Math.max(0, ...numbers);
  const taken: TakenNames = new Map(reserved.map(({ name }) => [bare(name), RESERVED]));
  for (const { column, type } of wanted) {
    const field = before.get(column);
    if (field !== undefined) taken.set(bare(field.name), type);
  }
  const fields = wanted.map(({ column, type }) => {
    const field = before.get(column);
    if (field !== undefined && isKept.has(column)) return [column, field] as const;
    last = nextNumber(last);
    if (field !== undefined) taken.delete(bare(field.name));
    // A column that has another type has the name that it had, where nothing speaks against it.
    const name = freeName(field?.name ?? wordsOf(column).join('_'), type, taken);
    taken.set(bare(name), type);
    return [column, { name, number: last, type }] as const;
  });
  return {
    message: old.message,
    fields: Object.fromEntries(fields),
    reserved: reserved.sort((a, b) => a.number - b.number),
  };
}

/** Numbers that Protocol Buffers keeps for itself. */
const [FIRST_KEPT, LAST_KEPT] = [19_000, 19_999];

function nextNumber(last: number): number {
  const next = last + 1;
  return next >= FIRST_KEPT && next <= LAST_KEPT ? LAST_KEPT + 1 : next;
}

/** In JSON, names have no underscores, and must differ all the same. */
function bare(name: string): string {
  return name.replaceAll('_', '');
}

/** Instead of the type of a field that is gone: its name is never given to another one. */
const RESERVED = 'reserved';

/** Types of fields by {@link bare} name. */
type TakenNames = Map<string, string>;

/** In Java, a text `x` has the getter `getXBytes` beside its own one. */
const BYTES = 'bytes';

function isFree(name: string, type: string, taken: TakenNames): boolean {
  const plain = bare(name);
  if (taken.has(plain) || NO_FIELDS.includes(plain)) return false;
  if (type === 'string' && taken.has(`${plain}${BYTES}`)) return false;
  return !plain.endsWith(BYTES) || taken.get(plain.slice(0, -BYTES.length)) !== 'string';
}

function freeName(base: string, type: string, taken: TakenNames): string {
  let name = base;
  for (let i = 2; !isFree(name, type, taken); i++) name = `${base}_v${i}`;
  return name;
}
