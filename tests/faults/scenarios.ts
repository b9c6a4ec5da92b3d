/** The scenarios: each command that writes, in the states that matter. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Failpoint } from '../../src/base/failpoints.js';
import {
  DIVIDED_LOG_MODEL,
  DIVIDED_MEMBER_MODEL,
  EVENT_COLUMNS,
  LOG_COLUMNS,
  LOG_MODEL,
  MEMBER_COLUMNS,
  MEMBER_MODEL,
  VISIT_COLUMNS,
  VISIT_MODEL,
  type WrittenFile,
  writeEvents,
  writeLog,
  writeMembers,
  writeVisits,
} from './fixtures.js';
import type { ExpectedLoad, Row, Scenario, Workplace } from './scenario.js';

const SMALL_SPLITS = ['--read-batch-size', '250', '--process-count', '3'];

const RUN: readonly Failpoint[] = [
  'run.migrating',
  'run.migrated',
  'run.table',
  'run.model_held',
  'run.planned',
  'dispatch.answer',
  'dispatch.committed',
  'claim.locked',
  'claim.judged',
  'claim.created',
  'claim.committed',
  'claim.released',
  'end.begin',
  'end.written',
  'end.released',
];
const SPLIT: readonly Failpoint[] = [
  'worker.connected',
  'split.opened',
  'split.begun',
  'split.read',
  'split.hashed',
  'split.copied',
  'split.unchanged',
  'split.allowed',
  'split.settled',
  'split.rejects_written',
  'split.receipt_written',
  'split.acknowledged',
  'split.committed',
  'lane.encoded',
  'copy.begin',
  'copy.middle',
  'copy.end',
  'receipt.inserted',
];
const CAREFUL: readonly Failpoint[] = [
  'split.careful',
  'stage.created',
  'stage.copied',
  'stage.references',
  'stage.keys',
  'stage.inserted',
  'stage.merged',
];
const HELD: readonly Failpoint[] = [
  'held.locked',
  'held.taken',
  'held.begun',
  'held.before_commit',
  'held.acknowledged',
];
const RETRY: readonly [Failpoint, string] = ['dispatch.retry', 'split.settled=sql/40001'];

async function write(place: Workplace, name: string, { bytes }: WrittenFile): Promise<void> {
  await writeFile(path.join(place.cwd, name), bytes);
}

function loaded(
  name: string,
  { bytes, dataStart, counts, rejects }: WrittenFile,
  state: ExpectedLoad['state'] = 'loaded',
): ExpectedLoad {
  return state === 'undone'
    ? { path: name, state, bytes: bytes.length, dataStart, counts: [0, 0, 0, 0], rejects: [] }
    : { path: name, state, bytes: bytes.length, dataStart, counts, rejects };
}

/** The built-in tables with twenty members in each dimension. */
async function seed(place: Workplace): Promise<void> {
  const ids = Array.from({ length: 20 }, (_, i) => i + 1);
  const first = `id,name\n${ids.map((id) => `${id},d${id}\n`).join('')}`;
  const second = `id,name,first_dimension_id\n${ids.map((id) => `${id},d${id},${id}\n`).join('')}`;
  await writeFile(path.join(place.cwd, 'first_dimensions.csv'), first);
  await writeFile(path.join(place.cwd, 'second_dimensions.csv'), second);
  await writeFile(path.join(place.cwd, 'events-none.csv'), '');
  await place.edp(['ingest', 'first_dimensions.csv,second_dimensions.csv']);
  await place.edp(['ingest', 'events-none.csv']);
  // The harness checks only the loads of the command under faults.
  await place.query('TRUNCATE edp.loads CASCADE');
}

async function useModel(place: Workplace, yaml: string): Promise<void> {
  await writeFile(path.join(place.cwd, 'edp.yaml'), yaml);
}

const log = (rows: readonly Row[]) => ({ table: 'log', columns: LOG_COLUMNS, rows });
const events = (rows: readonly Row[]) => ({ table: 'events', columns: EVENT_COLUMNS, rows });

/** Into a table without a key, so that only the ledger keeps a split from loading twice. */
const plain: Scenario = {
  name: 'plain',
  commands: [['ingest', 'log.csv', '--write-batch-size', '40', ...SMALL_SPLITS]],
  failpoints: [...RUN, ...SPLIT, 'lane.full', RETRY],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const file = writeLog(0, 3000);
    await write(place, 'log.csv', file);
    return {
      tables: [log(file.rows)],
      loads: [loaded('log.csv', file)],
      lineageOf: 'log',
    };
  },
};

/** Continues what a killed run left. */
const resume: Scenario = {
  name: 'resume',
  commands: [['ingest', 'log.csv', ...SMALL_SPLITS]],
  failpoints: ['claim.resumed', ...RUN.slice(4), ...SPLIT],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const file = writeLog(0, 3000, true);
    await write(place, 'log.csv', file);
    await place.edp(['ingest', 'log.csv', ...SMALL_SPLITS], {
      EDP_FAILPOINTS: 'split.committed=kill@2',
    });
    return {
      tables: [log(file.rows)],
      loads: [loaded('log.csv', file)],
      lineageOf: 'log',
    };
  },
};

/** Rejects of every kind, including those that only the server finds, conflicts and duplicates. */
const rejects: Scenario = {
  name: 'rejects',
  commands: [['ingest', 'events.csv', ...SMALL_SPLITS]],
  failpoints: [...RUN, ...SPLIT, ...CAREFUL, 'stage.blame', 'split.refused', RETRY],
  async prepare(place) {
    await seed(place);
    await place.query('ALTER TABLE events ADD CONSTRAINT no_beast CHECK (metric_n <> 666)');
    const file = writeEvents({ from: 1, count: 2000, spoils: true });
    await write(place, 'events.csv', file);
    return {
      tables: [events(file.rows)],
      loads: [loaded('events.csv', file)],
      lineageOf: 'events',
    };
  },
};

function conflicts(
  onConflict: 'update' | 'skip',
  name: string = onConflict,
  model = MEMBER_MODEL,
  more: readonly Failpoint[] = [],
): Scenario {
  return {
    name,
    commands: [['ingest', 'members.csv', '--on-conflict', onConflict, ...SMALL_SPLITS]],
    failpoints: [...RUN.slice(4), ...SPLIT, ...CAREFUL, ...more],
    async prepare(place) {
      await useModel(place, model);
      const file = writeMembers(2500, onConflict);
      await write(place, 'members.csv', file);
      return {
        tables: [{ table: 'members', columns: MEMBER_COLUMNS, rows: file.remaining }],
        loads: [loaded('members.csv', file)],
        ...(onConflict === 'skip' ? { lineageOf: 'members' } : {}),
      };
    },
  };
}

/** Days that have no partition yet, for all splits of one command or of two. */
function divided(
  name: string,
  commands: number,
  settings: Pick<Scenario, 'failpoints' | 'settings'>,
): Scenario {
  return {
    name,
    commands: Array.from({ length: commands }, () => ['ingest', 'log-*.csv', ...SMALL_SPLITS]),
    ...settings,
    async prepare(place) {
      await useModel(place, DIVIDED_LOG_MODEL);
      const files = [0, 1].map((i) => writeLog(i * 5000, 1500, i === 1));
      for (const [i, file] of files.entries()) await write(place, `log-${i}.csv`, file);
      return {
        tables: [log(files.flatMap(({ rows }) => rows))],
        loads: files.map((file, i) => loaded(`log-${i}.csv`, file)),
        lineageOf: 'log',
      };
    },
  };
}

const MADE: readonly Failpoint[] = ['split.partitions', 'dispatch.partitions'];

const dividedOnes: readonly Scenario[] = [
  divided('partitions', 1, { failpoints: [...RUN, ...SPLIT, ...MADE] }),
  divided('partitions at once', 2, { failpoints: [...RUN.slice(4), ...MADE] }),
  divided('partitions in bulk', 1, {
    settings: 'bulk.min_bytes:=1000',
    failpoints: [
      'bulk.begun',
      'bulk.indexes_off',
      'bulk.write',
      'bulk.settled',
      'bulk.copied',
      'bulk.indexes_built',
      'bulk.committed',
    ],
  }),
  conflicts('update', 'partitions of a list, update', DIVIDED_MEMBER_MODEL, ['stage.partitions']),
  conflicts('skip', 'partitions of a list, skip', DIVIDED_MEMBER_MODEL, ['stage.partitions']),
];

/** Several files, two of them with the same content. */
const several: Scenario = {
  name: 'several files',
  commands: [['ingest', 'log-*.csv', ...SMALL_SPLITS]],
  failpoints: [...RUN, ...SPLIT],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const files = [0, 1, 2, 3, 4].map((i) => writeLog(i * 1000, 100 + i * 150, i % 2 === 1));
    for (const [i, file] of files.entries()) await write(place, `log-${i}.csv`, file);
    await write(place, 'log-again.csv', files[3]!);
    return {
      tables: [log(files.flatMap(({ rows }) => rows))],
      // Either of the two may come first: a file is identified by its content, not by its name.
      loads: files.map((file, i) => loaded(i === 3 ? 'log-(3|again).csv' : `log-${i}.csv`, file)),
      lineageOf: 'log',
    };
  },
};

/** Many small files, several to a transaction; the server refuses records of some of them. */
const small: Scenario = {
  name: 'small files',
  commands: [['ingest', 'events-??.csv', '--process-count', '2']],
  failpoints: [...RUN, ...SPLIT, ...CAREFUL, RETRY],
  async prepare(place) {
    await seed(place);
    await place.query('ALTER TABLE events ADD CONSTRAINT no_beast CHECK (metric_n <> 666)');
    const files = Array.from({ length: 40 }, (_, i) =>
      writeEvents({
        from: 1 + i * 1000,
        count: 120,
        ...(i === 20 ? { spoils: true } : { spoilsLightly: true }),
      }),
    );
    const nameOf = (i: number) => `events-${String(i + 1).padStart(2, '0')}.csv`;
    for (const [i, file] of files.entries()) await write(place, nameOf(i), file);
    return {
      tables: [events(files.flatMap(({ rows }) => rows))],
      loads: files.map((file, i) => loaded(nameOf(i), file)),
      lineageOf: 'events',
    };
  },
};

const BULK = 'bulk.min_bytes:=1000';

/** A bulk load into an empty table whose indexes are dropped. */
const bulk: Scenario = {
  name: 'bulk',
  commands: [['ingest', 'events-1.csv,events-2.csv', ...SMALL_SPLITS]],
  settings: BULK,
  failpoints: [
    ...RUN.filter((name) => !name.startsWith('dispatch') && name !== 'run.planned'),
    'split.read',
    'split.hashed',
    'split.copied',
    'split.unchanged',
    'lane.encoded',
    'copy.begin',
    'copy.middle',
    'copy.end',
    'receipt.inserted',
    'bulk.begun',
    'bulk.locked',
    'bulk.indexes_off',
    'bulk.write',
    'bulk.settled',
    'bulk.copied',
    'bulk.index_built',
    'bulk.indexes_built',
    'bulk.receipts',
    'bulk.acknowledged',
    'bulk.committed',
  ],
  async prepare(place) {
    await seed(place);
    const files = [1, 2].map((i) =>
      writeEvents({ from: i * 10_000, count: 1500, spoilsLightly: true }),
    );
    for (const [i, file] of files.entries()) await write(place, `events-${i + 1}.csv`, file);
    return {
      tables: [events(files.flatMap(({ rows }) => rows))],
      loads: files.map((file, i) => loaded(`events-${i + 1}.csv`, file)),
      lineageOf: 'events',
    };
  },
};

/** The bulk load is refused, since a key occurs twice; then it continues split by split. */
const bulkRefused: Scenario = {
  name: 'bulk refused',
  commands: [['ingest', 'events.csv', ...SMALL_SPLITS]],
  settings: BULK,
  failpoints: [
    'bulk.begun',
    'bulk.indexes_off',
    'bulk.write',
    'bulk.settled',
    'run.planned',
    ...SPLIT,
    ...CAREFUL,
  ],
  async prepare(place) {
    await seed(place);
    await place.query('ALTER TABLE events ADD CONSTRAINT no_beast CHECK (metric_n <> 666)');
    const file = writeEvents({ from: 1, count: 1500, spoils: true });
    await write(place, 'events.csv', file);
    return {
      tables: [events(file.rows)],
      loads: [loaded('events.csv', file)],
      lineageOf: 'events',
    };
  },
};

const PLACES = (until: number) =>
  `INSERT INTO places SELECT i, 'p' || i FROM generate_series(1, ${until}) AS i ON CONFLICT DO NOTHING`;

/** Rejects of a table without a key, tried again when most of the missing rows exist. */
const replay: Scenario = {
  name: 'replay',
  commands: [['replay', '1']],
  failpoints: [
    ...HELD,
    'replay.read',
    'replay.tried',
    'replay.refused',
    'replay.taken_out',
    'replay.receipts',
    'replay.counted',
    'stage.created',
    'stage.copied',
    'stage.references',
    'stage.inserted',
    'stage.merged',
    'copy.begin',
    'copy.middle',
    'copy.end',
  ],
  async prepare(place) {
    await useModel(place, VISIT_MODEL);
    const before = writeVisits(0, 4000, 10);
    await write(place, 'visits.csv', before);
    await writeFile(path.join(place.cwd, 'places.csv'), 'id,name\n1,p1\n');
    await place.edp(['ingest', 'places.csv']);
    await place.query(`TRUNCATE edp.loads RESTART IDENTITY CASCADE; ${PLACES(10)}`);
    await place.edp(['ingest', 'visits.csv', ...SMALL_SPLITS]);
    await place.query(PLACES(35));
    const after = writeVisits(0, 4000, 35);
    return {
      tables: [{ table: 'visits', columns: VISIT_COLUMNS, rows: after.rows }],
      loads: [loaded('visits.csv', after)],
      lineageOf: 'visits',
    };
  },
};

/** One of two loads is undone, with its rejects and the members that only it needed. */
const undo: Scenario = {
  name: 'undo',
  commands: [['undo', '1', '--yes']],
  failpoints: [
    ...HELD,
    'undo.checked',
    'undo.marked',
    'undo.rows_deleted',
    'undo.rows_removed',
    'undo.members_removed',
    'undo.rejects_removed',
    'undo.receipts_removed',
    'undo.closed',
  ],
  async prepare(place) {
    await useModel(place, VISIT_MODEL);
    const goes = writeVisits(0, 3000, 40);
    const stays = writeVisits(50_000, 500, 10);
    await write(place, 'visits-1.csv', goes);
    await write(place, 'visits-2.csv', stays);
    await writeFile(path.join(place.cwd, 'places.csv'), 'id,name\n1,p1\n');
    await place.edp(['ingest', 'places.csv']);
    await place.query(`TRUNCATE edp.loads RESTART IDENTITY CASCADE; ${PLACES(10)}`);
    const infer = ['--missing-dimensions', 'infer', ...SMALL_SPLITS];
    await place.edp(['ingest', 'visits-1.csv', ...infer]);
    const places = Array.from({ length: 10 }, (_, i): Row => [String(i + 1), `p${i + 1}`]);
    // Loaded while only the first ten exist: records that refer to others are rejects.
    await place.query(`ALTER TABLE visits DROP CONSTRAINT visits_place_fkey;
      CREATE TABLE held AS SELECT * FROM places WHERE id > 10; DELETE FROM places WHERE id > 10;
      ALTER TABLE visits ADD CONSTRAINT visits_place_fkey FOREIGN KEY (place) REFERENCES places NOT VALID`);
    await place.edp(['ingest', 'visits-2.csv', ...SMALL_SPLITS]);
    await place.query('INSERT INTO places SELECT * FROM held; DROP TABLE held');
    await place.query('ALTER TABLE visits VALIDATE CONSTRAINT visits_place_fkey');
    return {
      tables: [
        { table: 'visits', columns: VISIT_COLUMNS, rows: stays.rows },
        { table: 'places', columns: 'id::text, name', rows: places },
      ],
      loads: [loaded('visits-1.csv', goes, 'undone'), loaded('visits-2.csv', stays)],
      lineageOf: 'visits',
    };
  },
};

const PROMOTED_COLUMNS = `${EVENT_COLUMNS}, metric_x::text`;

/** A kept metric becomes a column; values that do not fit stay. */
const promote: Scenario = {
  name: 'promote',
  commands: [['promote', 'metric_x']],
  writesFiles: true,
  failpoints: [
    'promote.locked',
    'promote.adding',
    'promote.noted',
    'promote.added',
    'promote.file_written',
    'promote.declared',
    'promote.step_read',
    'promote.step_moved',
    'promote.step_noted',
    'promote.step_acknowledged',
    'promote.pass_ended',
    'promote.done',
  ],
  async prepare(place) {
    await seed(place);
    const file = writeEvents({ from: 1, count: 3000, spoilsLightly: true });
    await write(place, 'events.csv', file);
    await place.edp(['ingest', 'events.csv', ...SMALL_SPLITS]);
    const rows = file.rows.map((row): Row => {
      const extra = row.at(-1)!;
      const number = extra === null ? null : /: (\d+)}$/.exec(extra);
      return number === null ? [...row, null] : [...row.slice(0, -1), null, number[1]!];
    });
    return {
      tables: [{ table: 'events', columns: PROMOTED_COLUMNS, rows }],
      loads: [loaded('events.csv', file)],
      lineageOf: 'events',
    };
  },
};

/** Four commands on the same twenty files; one of them meets a fault. */
const four: Scenario = {
  name: 'four at once',
  commands: Array.from({ length: 4 }, () => ['ingest', 'log-*.csv', ...SMALL_SPLITS]),
  failpoints: [...RUN, ...SPLIT],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const files = Array.from({ length: 20 }, (_, i) =>
      writeLog(i * 1000, 40 + i * 30, i % 3 === 0),
    );
    for (const [i, file] of files.entries()) await write(place, `log-${i}.csv`, file);
    return {
      tables: [log(files.flatMap(({ rows }) => rows))],
      loads: files.map((file, i) => loaded(`log-${i}.csv`, file)),
      lineageOf: 'log',
    };
  },
};

/** Two commands on one file: one loads it, the other waits for it. */
const twoAtOnce: Scenario = {
  name: 'two at once',
  commands: [0, 1].map(() => ['ingest', 'log.csv', ...SMALL_SPLITS]),
  failpoints: [...RUN, ...SPLIT, 'claim.resumed'],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const file = writeLog(0, 2500, true);
    await write(place, 'log.csv', file);
    return {
      tables: [log(file.rows)],
      loads: [loaded('log.csv', file)],
      lineageOf: 'log',
    };
  },
};

/** From a pipe, through a copy in the project's directory. */
const stdin: Scenario = {
  name: 'stdin',
  commands: [['ingest', '-', '--table', 'log', ...SMALL_SPLITS]],
  input: 'log.csv',
  failpoints: [],
  async prepare(place) {
    await useModel(place, LOG_MODEL);
    const file = writeLog(0, 5000);
    await write(place, 'log.csv', file);
    return { tables: [log(file.rows)], loads: [loaded('.*', file)], lineageOf: 'log' };
  },
};

export const SCENARIOS: readonly Scenario[] = [
  plain,
  resume,
  rejects,
  conflicts('update'),
  conflicts('skip'),
  several,
  small,
  bulk,
  bulkRefused,
  replay,
  undo,
  promote,
  twoAtOnce,
  four,
  stdin,
  ...dividedOnes,
];
