/**
 * Fuzzing of the whole load: files of random bytes, files that were mutated, tables of random
 * models. In all cases the run ends in order and in time, and accounts for each record.
 *
 * Files come in batches, each with a model of its own, since a run takes many files in little more
 * time than one. The expected outcome of a file follows from its bytes: receipts cover it from its
 * first record to its end, rejects have the bytes and lines at their places, and there are as many
 * rows as the ledger says.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { type LoadedFile, parseResult } from '../support/json.js';
import { Host } from './command.js';
import { FaultServer } from './server.js';

export interface FuzzOptions {
  readonly directory: string;
  readonly inputs: number;
  readonly seed: number;
  readonly deadline: number;
  say(text: string): void;
}

export interface FuzzResults {
  readonly inputs: number;
  readonly models: number;
  readonly badModels: number;
  readonly loaded: number;
  readonly skipped: number;
  readonly failed: number;
  readonly records: number;
  readonly rejects: number;
  readonly seconds: number;
  readonly problems: readonly string[];
}

const FILES_PER_BATCH = 200;
const BATCHES_PER_DATABASE = 20;

const TYPES = [
  ...['smallint', 'int', 'bigint', 'real', 'double', 'numeric', 'text', 'boolean', 'date'],
  ...['timestamp', 'timestamptz', 'uuid', 'json', 'jsonb'],
] as const;
type Type = (typeof TYPES)[number];

interface FuzzColumn {
  readonly name: string;
  readonly type: Type;
}

interface FuzzModel {
  readonly columns: readonly FuzzColumn[];
  readonly hasKey: boolean;
  readonly hasMetrics: boolean;
  /** Text appended to edp.yaml, which need not be YAML. */
  readonly litter: string;
}

interface FuzzFile {
  readonly bytes: Buffer;
  /** Records of a file without faults. */
  readonly records: number | undefined;
  /** The lines of such a file that are no records. */
  readonly passedOver?: LoadedFile['passedOver'];
}

const VALUES: Readonly<Record<Type, fc.Arbitrary<string>>> = {
  smallint: fc.integer({ min: -32_768, max: 32_767 }).map(String),
  int: fc.integer().map(String),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  real: fc.integer({ min: -1000, max: 1000 }).map((n) => String(n / 8)),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => String(n)),
  numeric: fc.integer().map((n) => String(n / 1000)),
  text: fc.string({ unit: 'grapheme', maxLength: 12 }).map(quoteAlways),
  boolean: fc.constantFrom('true', 'false', 't', 'no', '1'),
  date: fc.constantFrom('2024-02-29', '1999-12-31', '20240131', 'infinity'),
  timestamp: fc.constantFrom(
    '2024-02-29 10:11:12',
    '2024-02-29T10:11:12.5Z',
    '0001-01-01 00:00:00',
  ),
  timestamptz: fc.constantFrom('2024-02-29 10:11:12+02', '2024-02-29T10:11:12.123456Z'),
  uuid: fc.uuid(),
  json: fc.json({ maxDepth: 2 }).map(quoteAlways),
  jsonb: fc.constantFrom('{"a": 1}', '[1, 2, null]', '"x"', 'true').map(quoteAlways),
};

function quoteAlways(text: string): string {
  return `"${text.replaceAll('\0', '').replaceAll('"', '""')}"`;
}

const columnNames = fc.uniqueArray(
  fc.oneof(
    fc.stringMatching(/^[a-z][a-z_0-9]{0,8}$/),
    fc.constantFrom('Odd Name', 'se;lect', "quo'te", 'ünder', 'order', 'user'),
  ),
  { minLength: 1, maxLength: 6 },
);

const models: fc.Arbitrary<FuzzModel> = columnNames.chain((names) =>
  fc.record({
    columns: fc.tuple(
      ...names.map((name) => fc.constantFrom(...TYPES).map((type) => ({ name, type }))),
    ),
    hasKey: fc.boolean(),
    hasMetrics: fc.boolean(),
    litter: fc.oneof(
      { arbitrary: fc.constant(''), weight: 12 },
      { arbitrary: fc.string({ maxLength: 20 }), weight: 1 },
    ),
  }),
);

/** Not `__proto__`, whose name makes it a reject; mutations add it. */
const METRICS = fc
  .dictionary(
    fc.constantFrom('one', 'two', 'other', 'constructor'),
    fc.integer({ min: 0, max: 99 }),
    {
      maxKeys: 3,
    },
  )
  .map((metrics) => quoteAlways(JSON.stringify({ metrics })));

/** Files without faults, with the header and blank lines among the records. */
function cleanFiles(model: FuzzModel): fc.Arbitrary<FuzzFile> {
  const fields = model.columns.map(({ type }) => VALUES[type]);
  if (model.hasMetrics) fields.push(METRICS);
  const names = model.columns.map(({ name }) => quoteAlways(name));
  if (model.hasMetrics) names.push('payload');
  return fc
    .record({
      records: fc.array(fc.tuple(...fields), { maxLength: 12 }),
      lineEnd: fc.constantFrom('\n', '\n', '\r\n'),
      isEnded: fc.boolean(),
      more: fc.oneof(
        fc.constant([]),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('blank', 'header', 'marked')), {
          maxLength: 5,
        }),
      ),
    })
    .map(({ records, lineEnd, isEnded, more }) => {
      const header = names.join(',');
      // A record may be the header by chance.
      const lines = records.map((record) => record.join(',')).filter((line) => line !== header);
      const counts = { comment: 0, preamble: 0, footer: 0, blank: 0, header: 1 };
      const { length } = lines;
      for (const [place, kind] of more) {
        // In a file of one column a blank line is a record.
        if (kind === 'blank' && fields.length === 1) continue;
        const line = kind === 'blank' ? '' : kind === 'header' ? header : `\ufeff${header}`;
        // Not at the end, where it need not be a line.
        if (lines.length > 0) lines.splice(place % lines.length, 0, line);
        else continue;
        counts[kind === 'blank' ? 'blank' : 'header']++;
      }
      return {
        bytes: Buffer.from([header, ...lines].join(lineEnd) + (isEnded ? lineEnd : '')),
        records: length,
        passedOver: counts,
      };
    });
}

interface Mutation {
  readonly at: number;
  readonly drop: number;
  readonly insert: Uint8Array;
}

const mutations = fc.array(
  fc.record({
    at: fc.nat(1000),
    drop: fc.nat(6),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom(
          '"',
          '""',
          '\n',
          '\r',
          '\r\n',
          ',',
          '\0',
          '\ufeff',
          '{',
          '""__proto__"": 1, ',
          '\\',
          '9'.repeat(40),
          '"\n',
        )
        .map((text) => new Uint8Array(Buffer.from(text))),
    ),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate({ bytes }: FuzzFile, changes: readonly Mutation[]): FuzzFile {
  let mutated = bytes;
  for (const { at, drop, insert } of changes) {
    const start = mutated.length === 0 ? 0 : at % (mutated.length + 1);
    mutated = Buffer.concat([
      mutated.subarray(0, start),
      insert,
      mutated.subarray(Math.min(mutated.length, start + drop)),
    ]);
  }
  return { bytes: mutated, records: undefined };
}

function files(model: FuzzModel): fc.Arbitrary<FuzzFile> {
  const clean = cleanFiles(model);
  const litter = fc
    .uint8Array({ maxLength: 300 })
    .map((bytes): FuzzFile => ({ bytes: Buffer.from(bytes), records: undefined }));
  return fc.oneof(
    { arbitrary: clean, weight: 2 },
    {
      arbitrary: fc.tuple(clean, mutations).map(([file, changes]) => mutate(file, changes)),
      weight: 6,
    },
    { arbitrary: litter, weight: 1 },
    {
      // A valid header, and random bytes behind it.
      arbitrary: fc.tuple(clean, litter).map(([file, tail]) => {
        const header = file.bytes.subarray(0, file.bytes.indexOf('\n') + 1);
        return { bytes: Buffer.concat([header, tail.bytes]), records: undefined };
      }),
      weight: 2,
    },
  );
}

const batches = models.chain((model) =>
  fc.record({
    model: fc.constant(model),
    files: fc.array(files(model), {
      minLength: FILES_PER_BATCH,
      maxLength: FILES_PER_BATCH,
      size: 'max',
    }),
    splitRecords: fc.constantFrom(2, 5, 100_000, 100_000),
  }),
);

function toYaml({ columns, hasKey, hasMetrics, litter }: FuzzModel, table: string): string {
  const lines = columns.map(({ name, type }) => `      ${JSON.stringify(name)}: ${type}`);
  const key = columns.find(({ type }) => type !== 'json' && type !== 'jsonb');
  return [
    `tables:\n  ${table}:\n    columns:`,
    ...lines,
    ...(hasKey && key !== undefined ? [`    key: ${JSON.stringify(key.name)}`] : []),
    ...(hasMetrics
      ? [
          '    metrics: { from: payload, path: metrics, columns: { m_one: { type: int, key: one } } }',
        ]
      : []),
    litter,
  ].join('\n');
}

export async function runFuzz(options: FuzzOptions): Promise<FuzzResults> {
  const server = await FaultServer.create();
  const host = new Host(path.join(options.directory, 'rules-fuzz'));
  const fuzz = new Fuzz(options, server, host);
  try {
    return await fuzz.run();
  } finally {
    host.close();
    await server.remove();
  }
}

class Fuzz {
  readonly #options: FuzzOptions;
  readonly #server: FaultServer;
  readonly #host: Host;
  readonly #problems: string[] = [];
  readonly #counts = {
    inputs: 0,
    models: 0,
    badModels: 0,
    loaded: 0,
    skipped: 0,
    failed: 0,
    interrupted: 0,
  };
  #records = 0;
  #rejects = 0;
  #database = '';

  constructor(options: FuzzOptions, server: FaultServer, host: Host) {
    this.#options = options;
    this.#server = server;
    this.#host = host;
  }

  async run(): Promise<FuzzResults> {
    const startedAt = Date.now();
    const { inputs, seed, deadline, say } = this.#options;
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        if (Date.now() > deadline || this.#problems.length > 20) return;
        await this.#runBatch(batch);
        if (this.#counts.models % 10 === 0) {
          say(`${this.#counts.inputs} inputs, ${this.#problems.length} problems`);
        }
      }),
      { numRuns: Math.ceil(inputs / FILES_PER_BATCH), seed, endOnFailure: true },
    );
    return {
      ...this.#counts,
      records: this.#records,
      rejects: this.#rejects,
      seconds: (Date.now() - startedAt) / 1000,
      problems: this.#problems,
    };
  }

  async #runBatch({
    model,
    files: inputs,
    splitRecords,
  }: typeof batches extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    const number = this.#counts.models++;
    if (number % BATCHES_PER_DATABASE === 0) await this.#changeDatabase(number);
    const cwd = await mkdtemp(path.join(this.#options.directory, 'fuzz-'));
    const table = `t${number}`;
    try {
      await mkdir(path.join(cwd, 'in'));
      await writeFile(path.join(cwd, 'edp.yaml'), toYaml(model, table));
      await Promise.all(
        inputs.map(({ bytes }, i) => writeFile(path.join(cwd, 'in', `${i}.csv`), bytes)),
      );
      const running = this.#host.start(
        [
          'ingest',
          'in/*.csv',
          '--table',
          table,
          '--read-batch-size',
          String(splitRecords),
          '--json',
        ],
        cwd,
        this.#server.url(this.#database),
        '',
        '',
      );
      const { status, signal, output, hasHung } = await running.ended;
      this.#counts.inputs += inputs.length;
      const say = (problem: string) => {
        this.#problems.push(`batch ${number}: ${problem}`);
        this.#options.say(`BAD batch ${number}: ${problem}`);
      };
      if (hasHung) return say('the run hung');
      if (status === 2) {
        // A model that is not valid, or whose parts do not fit together.
        this.#counts.badModels++;
        if (!/"code":"(config|model|usage)"/.test(output)) say(`refused: ${output}`);
        return;
      }
      if (![0, 1, 3].includes(status ?? -1))
        return say(`ended with ${status ?? signal}: ${output}`);
      const { files: outcomes, error } = parseResult<'ingest'>(output);
      if (outcomes === undefined) return say(`no files in ${output}`);
      if (error !== undefined)
        return say(`the whole run failed: ${output.slice(-600)}\n${toYaml(model, table)}`);
      await this.#checkBatch(model, inputs, outcomes, table, say);
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  }

  async #changeDatabase(number: number): Promise<void> {
    if (this.#database !== '') {
      await this.#server.query(`DROP DATABASE ${this.#database} WITH (FORCE)`);
    }
    this.#database = `fuzz_${number}`;
    await this.#server.query(`CREATE DATABASE ${this.#database}`);
  }

  async #checkBatch(
    model: FuzzModel,
    inputs: readonly FuzzFile[],
    outcomes: readonly LoadedFile[],
    table: string,
    say: (problem: string) => void,
  ): Promise<void> {
    const client = new pg.Client({ ...this.#server.config, database: this.#database });
    await client.connect();
    try {
      const read = async (sql: string) =>
        (await client.query<unknown[]>({ text: sql, values: [table], rowMode: 'array' })).rows;
      const loads = new Map(
        (
          await read(
            `SELECT load_id, state, rows_read, rows_loaded, rows_rejected, rows_duplicate
             FROM edp.loads WHERE table_name = $1`,
          )
        ).map(([id, ...rest]) => [Number(id), rest] as const),
      );
      const accounts = groupBy(await read(ACCOUNTS));
      const receipts = groupBy(
        await read(
          `SELECT load_id, start_byte, end_byte FROM edp.receipts JOIN edp.loads USING (load_id)
           WHERE table_name = $1 ORDER BY start_byte`,
        ),
      );
      const rejects = groupBy(
        await read(
          `SELECT j.load_id, byte_offset, raw, first_line + line_in_split, code
           FROM edp.rejects j JOIN edp.receipts r USING (load_id, start_byte)
           JOIN edp.loads l ON l.load_id = j.load_id WHERE table_name = $1 ORDER BY byte_offset`,
        ),
      );
      const hasTable = (await client.query('SELECT to_regclass($1) AS name', [table])).rows[0].name;
      const inTable = new Map(
        hasTable === null
          ? []
          : (
              await client.query<unknown[]>({
                text: `SELECT load_id, count(*) FROM ${table} GROUP BY 1`,
                rowMode: 'array',
              })
            ).rows.map(([id, count]) => [Number(id), Number(count)] as const),
      );
      for (const outcome of outcomes) {
        const { path: name, loadId, status, rows, reason } = outcome;
        const input = inputs[Number(/(\d+)\.csv$/.exec(name)![1])]!;
        const where = (what: string) =>
          say(
            `${name}: ${what}; ${JSON.stringify(input.bytes.toString('latin1'))}\n${toYaml(model, table)}`,
          );
        this.#counts[status]++;
        if (status === 'failed') {
          if (reason === undefined || /not finished/.test(reason)) where(`failed: ${reason}`);
          if (input.records !== undefined) where(`a clean file failed: ${reason}`);
          continue;
        }
        if (status === 'skipped') continue;
        this.#records += rows.read;
        this.#rejects += rows.rejected;
        const load = loads.get(loadId!);
        if (load === undefined || load[0] !== 'loaded') {
          where(`its load is ${load?.[0]}`);
          continue;
        }
        const counts = load.slice(1).map(Number);
        const said = [rows.read, rows.loaded, rows.rejected, rows.duplicate];
        if (counts.join() !== said.join())
          where(`the ledger has ${counts}, the command said ${said}`);
        if (rows.read !== rows.loaded + rows.rejected + rows.duplicate) where('no equation');
        if ((inTable.get(loadId!) ?? 0) !== rows.loaded)
          where(`${inTable.get(loadId!)} rows in table`);
        const own = rejects.get(loadId!) ?? [];
        if (own.length !== rows.rejected) where(`${own.length} rejects`);
        const covering = receipts.get(loadId!) ?? [];
        const problem =
          findGap(covering, input.bytes) ??
          findUnaccounted(accounts.get(loadId!)?.[0], outcome, input) ??
          findWrongReject(own, input.bytes) ??
          findMiscount(input, rows, model);
        if (problem !== undefined) where(problem);
      }
    } finally {
      await client.end();
    }
  }
}

function groupBy(rows: readonly unknown[][]): Map<number, unknown[][]> {
  const groups = new Map<number, unknown[][]>();
  for (const [id, ...rest] of rows) {
    const own = groups.get(Number(id)) ?? [];
    groups.set(Number(id), own);
    own.push(rest);
  }
  return groups;
}

function findGap(receipts: readonly unknown[][], bytes: Buffer): string | undefined {
  let at: number | undefined;
  for (const [start, end] of receipts) {
    if (at !== undefined && Number(start) !== at)
      return `a receipt begins at ${start}, not at ${at}`;
    at = Number(end);
  }
  if (at === undefined || at === bytes.length) return undefined;
  return `receipts end at ${at} of ${bytes.length}`;
}

/** What the ledger accounts for: bytes of the ends and of the receipts, and of the text. */
const ACCOUNTS = `
  SELECT l.load_id, l.text_bytes, end_bytes, record_bytes, between_bytes FROM edp.loads l
  CROSS JOIN LATERAL (
    SELECT coalesce(sum((value ->> 'bytes')::bigint), 0)::bigint AS end_bytes
    FROM (VALUES (head_passed_over), (tail_passed_over)) AS ends (counts), jsonb_each(counts)) AS e
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.record_bytes), 0)::bigint AS record_bytes,
      coalesce(sum((SELECT sum((value ->> 'bytes')::bigint) FROM jsonb_each(r.passed_over))), 0)::bigint
        AS between_bytes
    FROM edp.receipts r WHERE r.load_id = l.load_id) AS b
  WHERE table_name = $1`;

/** Holds the equation of bytes: records + lines passed over = the text. */
function findUnaccounted(
  account: readonly unknown[] | undefined,
  { passedOver, byteCounts, dialect }: LoadedFile,
  { bytes, passedOver: expected }: FuzzFile,
): string | undefined {
  const [textBytes, ends, records, between] = (account ?? []).map(Number);
  if (textBytes === undefined || byteCounts === null) return 'its bytes are not counted';
  const sum = ends! + records! + between!;
  if (sum !== textBytes) return `${sum} bytes are accounted for, of ${textBytes}`;
  const said = Object.values(byteCounts).reduce((total, count) => total + count, 0);
  if (said !== sum) return `the command said ${said} bytes, the ledger has ${sum}`;
  const isPlain = dialect?.compression === 'none' && !dialect.encoding.startsWith('utf-16');
  if (isPlain && sum !== bytes.length) return `${sum} bytes are accounted for, of ${bytes.length}`;
  const isAsExpected =
    expected === undefined || JSON.stringify(passedOver) === JSON.stringify(expected);
  return isAsExpected ? undefined : `passed over: ${JSON.stringify(passedOver)}`;
}

function findWrongReject(rejects: readonly unknown[][], bytes: Buffer): string | undefined {
  const hasOnlyLf = !bytes.includes('\r');
  for (const [offset, raw, line, code] of rejects) {
    const kept = raw as Buffer;
    const at = Number(offset);
    const there = bytes.subarray(at, at + kept.length);
    // Bytes of another encoding are also kept as they are in the file.
    if (!there.equals(kept))
      return `reject ${code} at ${at} has other bytes: ${JSON.stringify(kept.toString('latin1'))}`;
    if (!hasOnlyLf) continue;
    let lines = 1;
    for (let i = 0; i < at; i++) if (bytes[i] === 0x0a) lines++;
    if (Number(line) !== lines)
      return `reject ${code} at ${at} is said to be on line ${line}, not ${lines}`;
  }
  return undefined;
}

function findMiscount(
  { records }: FuzzFile,
  { read, loaded, rejected }: LoadedFile['rows'],
  { hasKey }: FuzzModel,
): string | undefined {
  if (records === undefined) return undefined;
  if (read !== records) return `${read} records read of ${records}`;
  if (!hasKey && loaded !== records) return `${rejected} records of a clean file rejected`;
  return undefined;
}
