/** Change events of all tables of a model, as `edp capture run` writes them: the same seed gives the same files. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  formatSequence,
  pathSegment,
  schemaPath,
  TYPE_OF_OP,
} from '../../src/events/change-event.js';
import { eventId } from '../../src/events/event-id.js';
import { keyTextOf, subjectOf } from '../../src/events/event-key.js';
import type { EventTable } from '../../src/events/event-table.js';
import { Random } from '../../src/generate/random.js';
import type { ColumnType } from '../../src/model/types.js';

const SOURCE = 'edp:source';
const FIRST_MOMENT = Date.UTC(2026, 0, 1);
const MOMENT_MS = 37;
/** Of a hundred events of a table with rows. */
const UPDATES = 60;
const DELETES = 8;
/** Attributes that an update changes, at most. */
const MOST_CHANGED = 4;

interface Row {
  readonly key: Record<string, unknown>;
  readonly values: Record<string, unknown>;
}

interface WrittenFile {
  readonly path: string;
  readonly table: string;
  readonly events: number;
}

/** Makes events that follow each other; what it made before decides what can happen next. */
export class SourceEvents {
  readonly #random: Random;
  readonly #rows = new Map<string, Row[]>();
  #sequence = 0;
  #serial = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** The next event of a table, as a line. */
  next(table: EventTable): string {
    const rows = this.#rows.get(table.name) ?? [];
    this.#rows.set(table.name, rows);
    const chance = this.#random.below(100);
    const sequence = ++this.#sequence;
    if (rows.length > 0 && chance < UPDATES) return this.#update(table, rows, sequence);
    if (rows.length > 0 && chance < UPDATES + DELETES) return this.#delete(table, rows, sequence);
    return this.#create(table, rows, sequence);
  }

  #create(table: EventTable, rows: Row[], sequence: number): string {
    const values: Record<string, unknown> = {};
    for (const { name, type } of table.columns) {
      values[name] = this.#random.below(5) === 0 ? null : this.#value(type);
    }
    const serial = ++this.#serial;
    const key: Record<string, unknown> = {};
    for (const name of table.key) {
      const { type } = table.columns.find((one) => one.name === name)!;
      key[name] = keyValue(type, serial);
      values[name] = key[name];
    }
    rows.push({ key, values });
    return toLine(table, 'create', sequence, key, { after: values, partial: false });
  }

  #update(table: EventTable, rows: readonly Row[], sequence: number): string {
    const { key, values } = rows[this.#random.below(rows.length)]!;
    const after: Record<string, unknown> = {};
    const before: Record<string, unknown> = {};
    const others = table.columns.filter(({ name }) => !table.key.includes(name));
    for (let i = 0; i <= this.#random.below(MOST_CHANGED) && others.length > 0; i++) {
      const { name, type } = others[this.#random.below(others.length)]!;
      before[name] ??= values[name];
      after[name] = this.#value(type);
      values[name] = after[name];
    }
    return toLine(table, 'update', sequence, key, { after, before, partial: true });
  }

  #delete(table: EventTable, rows: Row[], sequence: number): string {
    const place = this.#random.below(rows.length);
    const { key, values } = rows[place]!;
    rows[place] = rows.at(-1)!;
    rows.pop();
    return toLine(table, 'delete', sequence, key, { before: values, partial: false });
  }

  #value(type: ColumnType): unknown {
    const number = this.#random.below(1_000_000);
    switch (type) {
      case 'smallint':
        return number % 30_000;
      case 'int':
        return number;
      case 'bigint':
        return String(number * 1_000_003);
      case 'numeric':
        return `${number}.${String(number % 100).padStart(2, '0')}`;
      case 'real':
      case 'double':
        return number / 64;
      case 'boolean':
        return number % 2 === 0;
      case 'date':
        return moment(number * 1000).slice(0, 10);
      case 'timestamp':
        return moment(number).slice(0, -1);
      case 'timestamptz':
        return moment(number);
      case 'uuid':
        return uuidOf(number);
      case 'json':
      case 'jsonb':
        return { level: number % 7, words: ['a', String(number)] };
      default:
        return `text of ${number} ${'x'.repeat(number % 24)}`;
    }
  }
}

function keyValue(type: ColumnType, serial: number): unknown {
  switch (type) {
    case 'smallint':
    case 'int':
      return serial;
    case 'uuid':
      return uuidOf(serial);
    case 'date':
      return moment(serial * 1000).slice(0, 10);
    case 'timestamp':
      return moment(serial).slice(0, -1);
    case 'timestamptz':
      return moment(serial);
    default:
      return String(serial);
  }
}

function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

function moment(count: number): string {
  return `${new Date(FIRST_MOMENT + count * MOMENT_MS).toISOString().slice(0, -1)}000Z`;
}

function toLine(
  { name, version, key: keyNames }: EventTable,
  op: 'create' | 'update' | 'delete',
  sequence: number,
  key: Readonly<Record<string, unknown>>,
  values: object,
): string {
  const texts = keyNames.map((one) => keyTextOf(key[one]));
  return `${JSON.stringify({
    specversion: '1.0',
    id: eventId(SOURCE, name, String(sequence), texts),
    source: SOURCE,
    type: `${name}.${TYPE_OF_OP[op]}`,
    subject: subjectOf(texts),
    time: moment(sequence),
    datacontenttype: 'application/json',
    dataschema: schemaPath(name, version),
    sequence: formatSequence(sequence),
    data: { op, key, ...values, transaction: String(Math.floor(sequence / 4)) },
  })}\n`;
}

/** A few tables have most of the events, and each has some. */
export function sharesOf(tables: readonly EventTable[], events: number): Map<EventTable, number> {
  const weights = tables.map((_, i) => 1 / (i + 10));
  const sum = weights.reduce((total, one) => total + one, 0);
  return new Map(tables.map((table, i) => [table, Math.ceil((events * weights[i]!) / sum)]));
}

/** @returns one file for each table, in a folder of its name */
export async function writeEvents(
  made: SourceEvents,
  shares: ReadonlyMap<EventTable, number>,
  directory: string,
  name: string,
): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  for (const [table, events] of shares) {
    const folder = path.join(directory, pathSegment(table.name));
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, `${name}.jsonl`);
    const output = createWriteStream(file);
    for (let i = 0; i < events; i++) {
      if (!output.write(made.next(table))) await once(output, 'drain');
    }
    output.end();
    await once(output, 'close');
    files.push({ path: file, table: table.name, events });
  }
  return files;
}
