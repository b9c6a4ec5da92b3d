/** Files of change events, most of them as edp writes them, and some that are written otherwise or damaged. */
import fc from 'fast-check';
import { schemaPath, TYPE_OF_OP } from '../../src/events/change-event.js';
import {
  EVENT_LOG,
  EVENT_LOG_COLUMNS,
  EVENT_LOG_FIELDS,
  EVENT_LOG_KEY,
} from '../../src/events/event-log.js';
import { type EventTable, toEventTable } from '../../src/events/event-table.js';
import { eventForm } from '../../src/formats/events/event-form.js';
import { planRecords } from '../../src/mapping/record-plan.js';
import type { Table } from '../../src/model/model.js';
import { parseModel } from '../../src/model/schema.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';
import type { Target } from './loading.js';

export interface EventShape {
  readonly tables: readonly EventTable[];
  readonly encoding: 'utf-8' | 'windows-1252';
}

export interface EventFile {
  readonly shape: EventShape;
  readonly bytes: Buffer;
}

const EVERY = Object.fromEntries(COLUMN_TYPES.map((type) => [`c_${type}`, type]));
const MODEL = parseModel({
  orders: { key: 'id', columns: { id: 'int', ...EVERY } },
  'orders.lines': {
    key: ['order', 'line'],
    columns: { order: 'text', line: 'uuid', more: 'text' },
  },
  größe: { key: 'c_timestamptz', version: 3, columns: EVERY },
  corrected: { key: 'id', columns: { id: 'int', name: { type: 'text', trim: true } } },
  numbers: { key: 'id', columns: { 7: 'text', id: 'bigint', x: 'double' } },
  ...Object.fromEntries(
    COLUMN_TYPES.filter((type) => type !== 'json').map((type) => [
      `by_${type}`,
      { key: ['k'], columns: { k: type, v: 'text' } },
    ]),
  ),
});
const TABLES = MODEL.tables.map((table) => toEventTable(table));
const CALCULATED = TABLES.map(
  (table): EventTable => ({
    ...table,
    knowsCalculated: true,
    columns: table.columns.map((column) =>
      column.name === 'v' || column.name === 'more' ? { ...column, isCalculated: true } : column,
    ),
  }),
);

const SHAPES: readonly EventShape[] = [
  { tables: TABLES, encoding: 'utf-8' },
  { tables: CALCULATED, encoding: 'utf-8' },
  { tables: TABLES, encoding: 'windows-1252' },
];

export function eventTargetOf({ tables, encoding }: EventShape): Target {
  const columns = Object.entries(EVENT_LOG_COLUMNS) as [string, ColumnType][];
  const table: Table = {
    name: EVENT_LOG,
    columns: columns.map(([name, type]) => ({
      name,
      type,
      field: name,
      isNullable: ['transaction', 'after', 'before', 'errors'].includes(name),
    })),
    key: EVENT_LOG_KEY,
    indexes: [],
    sources: [],
    lineageColumn: 'load_id',
    files: [],
    ignoredFields: [],
    eventCatalog: JSON.stringify(tables),
  };
  const layout = { recordForm: eventForm('cloudevents', encoding), fields: EVENT_LOG_FIELDS };
  return { ...planRecords(table, layout, 'memory.jsonl'), loadId: 7, references: [] };
}

/** Values as JSON, in the form that edp writes, and then in others, right and wrong. */
const VALUES: Readonly<Record<ColumnType, readonly [plain: string[], odd: string[]]>> = {
  smallint: [
    ['0', '7', '-32767'],
    ['-32768', '32768', '-0', '07', '1.0', '1e2', '"7"', 'true'],
  ],
  int: [
    ['0', '2147483647', '-12'],
    ['-2147483648', '2147483648', '99999999999', '-0', '1.5', '1E1'],
  ],
  bigint: [
    ['"0"', '"-17"', '"999999999999999999"'],
    ['"9223372036854775807"', '"9223372036854775808"', '"-0"', '"01"', '7', '""'],
  ],
  real: [
    ['0', '1.5', '-0.25', '0.000001'],
    ['1.50', '1e10', '1e39', '-0', '0.0000001', '"NaN"', '16777217.1', '3.4028236e38'],
  ],
  double: [
    ['0', '-1.5', '123456789012345'],
    ['1.0', '1234567890123456789', '1e400', '0.1e-5', '"Infinity"', '0.00000123', '-0.0'],
  ],
  numeric: [
    ['"0"', '"12.50"', '"-0.001"', '"123456789012345678901234567890.1"'],
    ['"NaN"', '"-0"', '"00.1"', '".5"', '"1."', '"1e5"', '1.5'],
  ],
  text: [
    ['""', '"x"', '"é 日本 \\\\ \\" \\n"', '"\\u0001\\u001f"'],
    [
      '"\\u00e9"',
      '"\\/"',
      '"\\u0000"',
      '"\\ud83d\\ude00"',
      '"\\ud83d"',
      '"\\u001F"',
      '"\\u0009"',
      '"\\u0020"',
      '5',
      '"a\tb"',
      '"\u007f\u2028"',
    ],
  ],
  boolean: [
    ['true', 'false'],
    ['"true"', '1', 'True', 'truth'],
  ],
  date: [
    ['"2026-11-29"', '"2024-02-29"'],
    [
      '"2025-02-29"',
      '"0000-01-01"',
      '"12026-01-01"',
      '"0044-03-15 BC"',
      '"infinity"',
      '"2026-1-1"',
    ],
  ],
  timestamp: [
    ['"2026-11-29T10:00:00.123456"', '"2026-11-29T10:00:00"'],
    [
      '"2026-11-29 10:00:00.123456"',
      '"2026-11-29T10:00:00.1234567"',
      '"2026-11-29T10:00:00.1Z"',
      '"2026-11-29T24:00:00"',
      '"2026-11-29T10:00"',
      '"2026-11-29T10:00:00+01"',
      '"-infinity"',
      '"2026-11-29T10:00:00."',
    ],
  ],
  timestamptz: [
    ['"2026-11-29T10:00:00.123456Z"', '"2026-11-29T10:00:00Z"'],
    [
      '"2026-11-29T10:00:00.5Z"',
      '"2026-11-29T10:00:00.123456+01:00"',
      '"2026-11-29T10:00:00.123456z"',
      '"2026-02-30T10:00:00Z"',
      '"0044-03-15T10:00:00.000000Z BC"',
      '"12026-11-29T10:00:00.123456Z"',
    ],
  ],
  uuid: [
    ['"6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c11"'],
    [
      '"6BFA2A1E-9c3b-5d0c-8a51-3f0d2a1b7c11"',
      '"6bfa2a1e9c3b5d0c8a513f0d2a1b7c11"',
      '"{6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c11}"',
      '"6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c1g"',
    ],
  ],
  json: [
    ['true', '"text"', '"a\\nb"'],
    [
      '1',
      '1.0',
      '12345678901234567890',
      '{"a": 1}',
      '{"a":1,"a":2}',
      '[1,null]',
      '"\\u00e9"',
      '"\\u0000"',
    ],
  ],
  jsonb: [
    ['false', '"text"'],
    ['1.50', '1e3', '{"b":{"a":[1]}}', '[]', '{}', '[1,', '"\\ud800"'],
  ],
};

interface Oddness {
  /** Of a hundred values and members. */
  readonly values: number;
  readonly members: number;
  readonly maxRecords: number;
}

export const PLAIN: Oddness = { values: 1, members: 1, maxRecords: 12 };
export const ODD: Oddness = { values: 12, members: 6, maxRecords: 8 };

/** An endless list of numbers below a hundred: what is chosen, one after the other. */
type Dice = () => number;

function pick<T>(dice: Dice, from: readonly T[]): T {
  return from[(dice() * 100 + dice()) % from.length]!;
}

function valueAs(dice: Dice, type: ColumnType, { values }: Oddness, mayBeNull: boolean): string {
  if (mayBeNull && dice() < 15) return 'null';
  const [plain, odd] = VALUES[type];
  return pick(dice, dice() < values ? odd : plain);
}

type Members = readonly (readonly [name: string, json: string])[];

function objectOf(members: Members): string {
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
}

function attributesOf(
  dice: Dice,
  table: EventTable,
  key: Members,
  odd: Oddness,
  share: number,
): string {
  const own = new Map(key);
  const members = table.columns.flatMap(({ name, type }): [string, string][] => {
    const isKey = own.has(name);
    if (dice() >= share && !(isKey && share > 90)) return [];
    return [
      [name, isKey && dice() >= odd.members ? own.get(name)! : valueAs(dice, type, odd, !isKey)],
    ];
  });
  if (dice() < odd.members) members.reverse();
  if (dice() < odd.members && members.length > 0) members.push(pick(dice, members));
  if (dice() < odd.members) members.push(['other', '1']);
  return objectOf(members);
}

const texts = (json: string): string => {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
};

function subjectOf(key: Members): string {
  const all = key.map(([, json]) => texts(json));
  return JSON.stringify(all.length === 1 ? all[0] : JSON.stringify(all));
}

function lineOf(dice: Dice, { tables }: EventShape, odd: Oddness): string {
  const isOdd = () => dice() < odd.members;
  const table = pick(dice, tables);
  const op = isOdd()
    ? 'truncate'
    : pick(dice, ['create', 'read', 'update', 'update', 'delete'] as const);
  const type = new Map(table.columns.map((column) => [column.name, column.type]));
  const key = table.key.map(
    (name) => [name, valueAs(dice, type.get(name)!, odd, isOdd())] as const,
  );
  const attributes = (share: number) => attributesOf(dice, table, key, odd, share);
  const isWhole = op === 'create' || op === 'read';
  const data: [string, string][] = [
    ['op', JSON.stringify(isOdd() ? 'update' : op)],
    ['key', isOdd() ? objectOf([...key, ['more', '1']]) : objectOf(key)],
  ];
  if (op !== 'delete' || isOdd()) data.push(['after', attributes(isWhole && !isOdd() ? 100 : 40)]);
  if ((!isWhole && dice() < 60) || isOdd()) data.push(['before', attributes(40)]);
  if (op === 'update' || isOdd()) data.push(['partial', isOdd() ? 'false' : 'true']);
  if (!isOdd()) data.push(['transaction', isOdd() ? '"a\\u0000"' : '"7781"']);
  if (isOdd()) data.push(['errors', '{"v":"division by zero"}']);
  const version = isOdd() ? pick(dice, [1, 2, 4]) : table.version;
  const event: [string, string][] = [
    ['specversion', isOdd() ? '"1.1"' : '"1.0"'],
    ['id', isOdd() ? pick(dice, ['""', '"\\u00e9"', '7']) : `"id ${dice()} é"`],
    ['source', isOdd() ? '""' : '"edp:shop"'],
    ['type', JSON.stringify(`${table.name}.${TYPE_OF_OP[isOdd() ? 'create' : op]}`)],
    ['subject', isOdd() ? '"other"' : subjectOf(key)],
    ['time', isOdd() ? valueAs(dice, 'timestamptz', ODD, false) : '"2026-12-01T05:55:18.306326Z"'],
    ['datacontenttype', isOdd() ? '"text/plain"' : '"application/json"'],
    ['dataschema', JSON.stringify(schemaPath(table.name, version))],
    [
      'sequence',
      isOdd()
        ? pick(dice, ['"1"', '"-1"', '""', `"${'9'.repeat(100)}"`, `"${'9'.repeat(101)}"`, '5'])
        : `"${String(dice()).padStart(20, '0')}"`,
    ],
    ['data', objectOf(data)],
  ];
  if (isOdd()) event.splice(dice() % event.length, 1);
  if (isOdd()) event.push(event.shift()!);
  const line = objectOf(event);
  return isOdd() ? line.replaceAll('":', '" : ') : line;
}

/** Tables all of whose events, where edp has written them, are for the byte lane. */
export const LANE_SHAPE: EventShape = {
  tables: TABLES.filter(({ name }) => ['orders', 'by_uuid', 'by_bigint'].includes(name)),
  encoding: 'utf-8',
};

export function eventFilesOf(
  odd: Oddness,
  shapes: readonly EventShape[] = [...SHAPES, SHAPES[0]!, SHAPES[0]!],
): fc.Arbitrary<EventFile> {
  return fc
    .record({
      shape: fc.constantFrom(...shapes),
      count: fc.integer({ min: 1, max: odd.maxRecords }),
      seed: fc.integer(),
      end: fc.constantFrom('\n', '\n', '\r\n'),
    })
    .map(({ shape, count, seed, end }) => {
      const dice = diceOf(seed);
      const lines = Array.from({ length: count }, () => lineOf(dice, shape, odd));
      const text = lines.join(end) + (dice() < 80 ? end : '');
      return { shape, bytes: Buffer.from(text, shape.encoding === 'utf-8' ? 'utf8' : 'latin1') };
    });
}

/** Mulberry32: a short generator, whose state is one number. */
function diceOf(seed: number): Dice {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % 100;
  };
}

/** The same with some bytes changed, taken out or put in. */
export function damagedEvents(files: fc.Arbitrary<EventFile>): fc.Arbitrary<EventFile> {
  const edit = fc.record({
    place: fc.nat(),
    removed: fc.nat(2),
    put: fc.constantFrom(
      '',
      '"',
      '\\',
      '{',
      '}',
      ',',
      ':',
      ' ',
      '\n',
      '0',
      '\0',
      '\xc3',
      'é',
      'null',
    ),
  });
  return fc.tuple(files, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([file, edits]) => {
    let { bytes } = file;
    for (const { place, removed, put } of edits) {
      const at = place % (bytes.length + 1);
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(put, 'latin1'),
        bytes.subarray(at + removed),
      ]);
    }
    return { ...file, bytes };
  });
}
