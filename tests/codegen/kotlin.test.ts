/** The generated Kotlin: Kotlin's compiler takes it, and its server answers from realized tables as the proto says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { accessorOf } from '../../src/codegen/targets/kotlin/java-names.js';
import { kotlin } from '../../src/codegen/targets/kotlin/kotlin.js';
import { pathSegment } from '../../src/events/change-event.js';
import { toModel } from '../../src/model/schema.js';
import { COLUMN_TYPES } from '../../src/model/types.js';
import { parseProject } from '../../src/project/parse.js';
import { cloudEvent, type LineOptions, toLines } from '../realize/event-lines.js';
import { makeTemporary } from '../support/temporary.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { buildKotlin, LACKS_KOTLIN } from './build-kotlin.js';

/** Those that mean something in Kotlin, Java, or what protoc makes for them, and some that come out the same. */
const NAMES = [
  ...['Orders', 'orders_service', 'orders_proto', 'get_orders', 'builder', 'descriptor', 'class'],
  ...[
    'object',
    'next_page_token',
    'y1b',
    'y1b_outer_class',
    '注文',
    'status',
    'flow',
    'result_set',
  ],
];
const COLUMNS = [
  ...['class', 'fun', 'it', 'row', '$x', 'a"b\\', 'größe', 'a1b', 'a1_c', '__', 'message', 'count'],
  ...['text', 'text_bytes', 'descriptor', 'default_instance', 'unknown_fields', 'serialized_size'],
  ...[
    'unknown_field_set_builder',
    'parent_for_children',
    'default_instance_for_type',
    'x?',
    'field',
  ],
  ...[
    'cached_size',
    'page_token',
    'id_list',
    'id_count',
    'id_builder',
    'hash_code',
    "it's",
    '\u2028',
  ],
];
const HOSTILE = `o'rders $a"b\\?`;

const table = (name: string, columns: readonly string[]) =>
  `  ${JSON.stringify(name)}: { key: id, description: "a */ /* $x \\n b", columns: { id: text, ${columns.map((column) => `${JSON.stringify(column)}: text`).join(', ')} } }\n`;

const MODEL = `tables:
  everything:
    key: [id, at]
    timestamps: [made, changed]
    columns:
      id: uuid
      at: timestamptz
      a_smallint: smallint
      a_int: int
      a_bigint: bigint
      a_real: real
      a_double: double
      a_numeric: numeric
      a_text: text
      a_boolean: boolean
      a_date: date
      a_timestamp: timestamp
      a_json: json
      a_jsonb: jsonb
  counts: { key: n, columns: { n: int, note: text } }
  measures: { key: [m, n, yes], soft-delete: false, columns: { m: double, n: numeric, yes: boolean } }
  never: { key: n, columns: { n: int } }
${table(HOSTILE, COLUMNS)}${NAMES.map((name) => table(name, ['name'])).join('')}`;

const UUIDS = [1, 2, 3].map((n) => `aaaaaaaa-0000-4000-8000-00000000000${n}`);

const EVERYTHING = [
  {
    key: { id: UUIDS[0], at: '2026-11-29T10:00:00.123456Z' },
    after: {
      id: UUIDS[0],
      at: '2026-11-29T10:00:00.123456Z',
      a_smallint: -32768,
      a_int: 2147483647,
      a_bigint: '-9223372036854775808',
      a_real: 0.1,
      a_double: 1e300,
      a_numeric: '12345678901234567890.123456789',
      a_text: 'é"\\ 日本\n\t$',
      a_boolean: true,
      a_date: '2026-11-29',
      a_timestamp: '2026-11-29T10:00:00.000000',
      a_json: [1, { a: null }],
      a_jsonb: { a: 'HERE' },
    },
  },
  {
    key: { id: UUIDS[1], at: 'infinity' },
    after: { id: UUIDS[1], at: 'infinity' },
  },
  {
    key: { id: UUIDS[2], at: '0044-03-15T12:00:00.5Z BC' },
    after: {
      id: UUIDS[2],
      at: '0044-03-15T12:00:00.5Z BC',
      a_smallint: 0,
      a_real: '-Infinity',
      a_double: 'NaN',
      a_numeric: 'NaN',
      a_text: '',
      a_boolean: false,
      a_date: '0044-03-15 BC',
      a_timestamp: '0044-03-15T23:59:59.000001 BC',
    },
  },
];

function created(name: string, sequence: number, key: object, after: object = {}): LineOptions {
  const all = { ...key, ...after };
  return { table: name, op: 'create', sequence, key: { ...key }, after: all };
}

const MEASURES = [
  { m: '-Infinity', n: '1', yes: false },
  { m: 0, n: '10.5', yes: false },
  { m: 0, n: '12345678901234567890.123', yes: false },
  { m: 0.1, n: 'NaN', yes: true },
  { m: 'NaN', n: '2.00', yes: false },
  { m: 'NaN', n: '2', yes: true },
];

const EVENTS: readonly LineOptions[] = [
  ...EVERYTHING.map(({ key, after }, i) => created('everything', i + 1, key, after)),
  ...[3, -5, 0, 10, 1, 4, 2].map((n, i) => created('counts', 10 + i, { n }, { note: `note ${n}` })),
  { table: 'counts', op: 'delete', sequence: 20, key: { n: 4 } },
  ...MEASURES.map((key, i) => created('measures', 40 + i, key)),
  created('never', 50, { n: 1 }),
  created(HOSTILE, 60, { id: 'k' }, Object.fromEntries(COLUMNS.map((one) => [one, `is ${one}`]))),
  created('builder', 61, { id: 'b' }, { name: 'nn' }),
];

const catalogueOf = (yaml: string) => toCatalogue(toModel(parseProject(yaml).tables ?? {}));

it('has no function that grows with the columns of a table', () => {
  const columns = Array.from({ length: 1500 }, (_, i) => `c${i}: int`).join(', ');
  const files = [
    ...kotlin.generate(
      catalogueOf(`tables: { wide: { key: id, columns: { id: int, ${columns} } } }`),
    ),
  ];
  const text = files.find((file) => file.path.endsWith('/WideJdbcService.kt'))!.text;
  const parts = text.split('private fun readPart').slice(1);
  expect(parts).toHaveLength(8);
  expect(Math.max(...parts.map((part) => part.split('message.set').length - 1))).toBe(200);
});

it('of 420 tables with 8,000 columns is made in a few seconds', () => {
  const columns = Array.from({ length: 18 }, (_, i) => `c${i}: ${COLUMN_TYPES[i % 14]}`).join(', ');
  const tables = Array.from(
    { length: 420 },
    (_, i) => `  t${i}: { key: id, columns: { id: int, ${columns} } }\n`,
  );
  const catalogue = catalogueOf(`tables:\n${tables.join('')}`);
  const started = performance.now();
  expect([...kotlin.generate(catalogue)]).toHaveLength(422);
  expect(performance.now() - started).toBeLessThan(5000);
});

it.each([
  ['id', 'Id'],
  ['a_b', 'AB'],
  ['a1b', 'A1B'],
  ['a1_b', 'A1B'],
  ['a_1', 'A1'],
  ['class', 'Class_'],
  ['unknown_fields', 'UnknownFields_'],
])('the field %s has the accessor get%s', (field, accessor) => {
  expect(accessorOf(field)).toBe(accessor);
});

const skipped =
  LACKS_KOTLIN === undefined ? '' : ` (skipped: ${LACKS_KOTLIN}; .ci/parts installs it)`;

describe.skipIf(LACKS_KOTLIN !== undefined)(`a server over realized tables${skipped}`, () => {
  const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
  let server: ChildProcess;
  let answers: AsyncIterator<string>;
  let relay: net.Server;

  const realize = async (name: string, events: readonly LineOptions[]) => {
    const lines = events.map((event) => ({
      ...cloudEvent(event),
      dataschema: `schemas/${pathSegment(event.table)}/change/v1.json`,
    }));
    // More digits than a number of JavaScript has.
    await folder.write(name, toLines(lines).replace('"HERE"', '12345678901234567890.10'));
    const { status, stderr, json } = await folder.edp('realize', name);
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({ rows: { loaded: events.length, rejected: 0 } });
  };

  beforeAll(async () => {
    const directory = await makeTemporary();
    const own = [path.join(import.meta.dirname, 'kotlin/Main.kt')];
    const classPath = await buildKotlin(directory, catalogueOf(MODEL), own);
    await realize('first.jsonl', EVENTS);
    // The tests' PostgreSQL listens on a socket of the file system, and JDBC speaks TCP.
    const { host, port, user, database } = folder.database.config;
    relay = net.createServer((client) => {
      const socket = net.connect(path.join(host!, `.s.PGSQL.${port}`));
      for (const end of [client, socket]) end.on('error', () => {});
      client.pipe(socket).pipe(client);
    });
    await once(relay.listen(0, '127.0.0.1'), 'listening');
    const at = (relay.address() as net.AddressInfo).port;
    const url = `jdbc:postgresql://127.0.0.1:${at}/${database}?user=${user}&sslmode=disable`;
    server = spawn('java', ['-cp', classPath, 'edp.test.MainKt'], {
      env: { ...process.env, EDP_JDBC_URL: url, TZ: 'Asia/Tokyo' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    answers = createInterface({ input: server.stdout! })[Symbol.asyncIterator]();
    const ready = await answers.next();
    expect(ready.value).toBe(`ready: ${3 * (NAMES.length + 5)} methods`);
  }, 400_000);

  afterAll(async () => {
    server?.stdin?.end();
    if (server !== undefined && server.exitCode === null) await once(server, 'exit');
    relay?.close();
  });

  interface Answer {
    readonly messages?: readonly Record<string, unknown>[];
    readonly status?: string;
    readonly description?: string;
  }

  async function call(message: string, method: string, request: object): Promise<Answer> {
    const name = `edp.tables.v1.${message}Service/${method}${message}`;
    server.stdin!.write(`${JSON.stringify({ method: name, request })}\n`);
    const { value } = await answers.next();
    return JSON.parse(value as string) as Answer;
  }

  /** @returns values of a field, page by page */
  async function listAll(message: string, row: string, field: string, request: object) {
    const pages: unknown[][] = [];
    let token: unknown = '';
    do {
      const { messages, ...failed } = await call(message, 'List', {
        ...request,
        page_token: token,
      });
      expect(failed).toEqual({});
      const rows = (messages![0]![row] ?? []) as Record<string, unknown>[];
      pages.push(rows.map((one) => one[field] ?? null));
      token = messages![0]!.next_page_token;
    } while (token !== undefined && pages.length < 20);
    return pages;
  }

  it('gets a row with values of all types, as events write them', async () => {
    const [first, , last] = EVERYTHING;
    expect(await call('Everything', 'Get', first!.key)).toEqual({
      messages: [
        {
          everything: {
            ...first!.after,
            a_bigint: '-9223372036854775808',
            a_json: '[1, {"a": null}]',
            a_jsonb: '{"a": 12345678901234567890.10}',
            made: '2026-11-29T10:00:01.000000Z',
            changed: '2026-11-29T10:00:01.000000Z',
            change_sequence: '1',
          },
        },
      ],
    });
    expect(await call('Everything', 'Get', last!.key)).toMatchObject({
      messages: [
        {
          everything: {
            at: '0044-03-15T12:00:00.500000Z BC',
            a_real: '-Infinity',
            a_double: 'NaN',
            a_numeric: 'NaN',
            a_date: '0044-03-15 BC',
            a_timestamp: '0044-03-15T23:59:59.000001 BC',
            a_text: '',
            a_boolean: false,
            a_smallint: 0,
          },
        },
      ],
    });
  });

  it('leaves NULL out', async () => {
    const { messages } = await call('Everything', 'Get', EVERYTHING[1]!.key);
    expect(Object.keys(messages![0]!.everything as object).sort()).toEqual(
      ['id', 'at', 'made', 'changed', 'change_sequence'].sort(),
    );
  });

  it('says of a key that is not there, or deleted, NOT_FOUND', async () => {
    expect(await call('Counts', 'Get', { n: 0 })).toMatchObject({ messages: [{ counts: {} }] });
    for (const n of [4, 1000]) {
      expect(await call('Counts', 'Get', { n })).toEqual({
        status: 'NOT_FOUND',
        description: 'counts has no row with this key',
      });
    }
  });

  it.each([
    ['Everything', 'Get', { id: 'x', at: '2026-11-29T10:00:00Z' }],
    ['Everything', 'Get', { id: UUIDS[0], at: '2026-13-29T10:00:00Z' }],
    ['Everything', 'Get', {}],
    ['Builder2', 'Get', { id: 'a\u0000' }],
    ['Counts', 'List', { page_size: -1 }],
    ['Counts', 'List', { page_token: 'x' }],
    ['Counts', 'List', { page_token: '1.!' }],
    ['Counts', 'List', { page_token: '1.AAAA' }],
    ['Counts', 'List', { page_token: 'AAAA' }],
    ['Everything', 'List', { page_token: '1.CgF4EgF4' }],
  ])(
    'says of what fits no key, page or size INVALID_ARGUMENT: %s %s %j',
    async (message, method, request) => {
      expect(await call(message, method, request)).toMatchObject({ status: 'INVALID_ARGUMENT' });
    },
  );

  it('lists rows in the order of their keys, page by page, each once', async () => {
    const n = (request: object) => listAll('Counts', 'counts', 'n', request);
    // A number that is 0 is not written in JSON.
    expect(await n({ page_size: 2 })).toEqual([
      [-5, null],
      [1, 2],
      [3, 10],
    ]);
    expect(await n({ page_size: 3 })).toEqual([
      [-5, null, 1],
      [2, 3, 10],
    ]);
    expect(await n({ page_size: 4 })).toEqual([
      [-5, null, 1, 2],
      [3, 10],
    ]);
    expect(await n({ page_size: 3, include_deleted: true })).toEqual([
      [-5, null, 1],
      [2, 3, 4],
      [10],
    ]);
    expect(await n({})).toEqual([[-5, null, 1, 2, 3, 10]]);
    expect(await n({ page_size: 2_000_000_000 })).toEqual([[-5, null, 1, 2, 3, 10]]);
    const { messages } = await call('Counts', 'List', { include_deleted: true });
    const deleted = (messages![0]!.counts as { n: number; deleted_at?: string }[]).find(
      (row) => row.n === 4,
    );
    expect(deleted?.deleted_at).toBe('2026-11-29T10:00:20.000000Z');
  });

  it('has pages of 100 rows, and of 1000 at most', async () => {
    await folder.database.query(
      'INSERT INTO counts (n, change_sequence) SELECT n, 99 FROM generate_series(100001, 101200) n',
    );
    try {
      const sizes = async (request: object) =>
        (await listAll('Counts', 'counts', 'n', request)).map(({ length }) => length);
      expect((await sizes({})).slice(0, 12)).toEqual(Array.from({ length: 12 }, () => 100));
      expect(await sizes({ page_size: 5000 })).toEqual([1000, 206]);
    } finally {
      await folder.database.query('DELETE FROM counts WHERE n > 100000');
    }
  });

  it('goes through keys of several columns, NaN and decimals among them', async () => {
    const keys = (await listAll('Measures', 'measures', 'n', { page_size: 1 })).flat();
    expect(keys).toEqual(['1', '10.5', '12345678901234567890.123', 'NaN', '2', '2']);
    const { messages } = await call('Measures', 'Get', { m: 'NaN', n: '2.0', yes: true });
    expect(messages![0]!.measures).toEqual({ m: 'NaN', n: '2', yes: true, change_sequence: '45' });
    expect(await listAll('Everything', 'everything', 'id', { page_size: 1 })).toEqual(
      UUIDS.map((id) => [id]),
    );
  });

  it('has tables and columns of any name', async () => {
    const hostile = 'ORdersAB';
    const list = await call(hostile, 'List', {});
    const [rows] = Object.values(list.messages![0]!) as Record<string, string>[][];
    expect(Object.values(rows![0]!).sort()).toEqual(
      ['k', ...COLUMNS.map((c) => `is ${c}`), '60'].sort(),
    );
    expect(await call('Builder2', 'Get', { id: 'b' })).toMatchObject({
      messages: [{ builder2: { id: 'b', name: 'nn' } }],
    });
  });

  it('says that it cannot watch, and that a table is not there', async () => {
    expect(await call('Counts', 'Watch', {})).toMatchObject({
      status: 'UNIMPLEMENTED',
      description: expect.stringContaining('change events'),
    });
    await folder.database.query('DROP TABLE IF EXISTS never');
    expect(await call('Never', 'List', {})).toEqual({
      status: 'FAILED_PRECONDITION',
      description: 'the database does not have never as the model does: run edp realize',
    });
  });
});
