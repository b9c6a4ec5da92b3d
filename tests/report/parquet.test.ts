/** Parquet as pyarrow reads it, against the CSV of the same report, value by value. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parquetWriter } from '../../src/report/format/parquet/report-parquet.js';
import { parseReport } from '../../src/report/report.js';
import { type Cell, ODD_REPORT, parseCsv, TYPES, withFile, writeBytes } from './odd-values.js';
import { findPython } from './python.js';
import { SLOW, startProject, type TestProject } from './setup.js';

const python = findPython();
const hasPython = 'program' in python;
const why = hasPython ? '' : ` (skipped: ${python.reason})`;

/** Each value as the server would print it, as far as its type decides that. */
const READ = `
import sys, json, datetime, decimal, uuid, pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
def show(v):
    if v is None: return None
    if v is True: return 't'
    if v is False: return 'f'
    if isinstance(v, bytes): return '\\\\x' + v.hex()
    if isinstance(v, datetime.datetime):
        text = v.strftime('%Y').zfill(4) + v.strftime('-%m-%d %H:%M:%S')
        if v.microsecond: text += ('.%06d' % v.microsecond).rstrip('0')
        return text + ('+00' if v.tzinfo else '')
    if isinstance(v, datetime.date): return v.isoformat()
    if isinstance(v, list): return [show(x) for x in v]
    if isinstance(v, float): return {'number': repr(v)}
    if isinstance(v, decimal.Decimal): return {'number': str(v)}
    return str(v)
print(json.dumps({
    'types': {f.name: str(f.type) for f in table.schema},
    'groups': pq.ParquetFile(sys.argv[1]).num_row_groups,
    'rows': [[show(table.column(i)[r].as_py()) for i in range(table.num_columns)] for r in range(table.num_rows)],
}))`;

type Shown = Cell | { readonly number: string } | readonly Shown[];

interface ReadBack {
  readonly types: Readonly<Record<string, string>>;
  readonly groups: number;
  readonly rows: readonly (readonly Shown[])[];
}

async function readBack(bytes: Uint8Array): Promise<ReadBack> {
  return withFile('a.parquet', bytes, async (file) => {
    const printed = execFileSync((python as { program: string }).program, ['-c', READ, file], {
      maxBuffer: 1 << 28,
    });
    return JSON.parse(printed.toString()) as ReadBack;
  });
}

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
}, SLOW);
afterAll(() => project.stop(), SLOW);

describe.skipIf(!hasPython)(`parquet${why}`, () => {
  it(
    'has the values of the CSV, of each type',
    async () => {
      const [, ...expected] = parseCsv(await writeBytes(project.client, ODD_REPORT, 'csv'));
      const { types, rows } = await readBack(
        await writeBytes(project.client, ODD_REPORT, 'parquet'),
      );
      expect(types).toEqual({
        smallint: 'int16',
        int: 'int32',
        bigint: 'int64',
        real: 'float',
        double: 'double',
        'numeric(20,4)': 'decimal128(38, 4)',
        // 17 digits before the point and 23 behind it are more than a decimal holds.
        numeric: 'string',
        text: 'string',
        boolean: 'bool',
        date: 'date32[day]',
        timestamp: 'timestamp[us]',
        timestamptz: 'timestamp[us, tz=UTC]',
        uuid: 'extension<arrow.uuid>',
        jsonb: 'extension<arrow.json>',
        json: 'extension<arrow.json>',
        bytea: 'binary',
        interval: 'string',
        time: 'string',
        'int[]': 'list<element: int32>',
        'text[]': 'list<element: string>',
        'timestamptz[]': 'list<element: timestamp[us, tz=UTC]>',
        '<i>note</i>': 'string',
      });
      expect(rows).toHaveLength(expected.length);
      for (const [r, row] of rows.entries()) {
        for (const [c, value] of row.entries()) {
          const cell = expected[r]![c]!;
          expect(comparable(value, cell), `${TYPES[c]} of row ${r + 1}`).toEqual(
            value !== null && typeof value === 'object' && 'number' in value
              ? toNumber(cell, c)
              : cell,
          );
        }
      }
    },
    SLOW,
  );

  it(
    'is written in groups, and empty where there are no rows',
    async () => {
      const series = (rows: number) =>
        parseReport(
          `-- title: t\n\nSELECT n, n / 4.0 AS quarter, 'name ' || n % 7 AS name FROM generate_series(1, ${rows}) AS n`,
          'series',
          'series.sql',
        );
      const large = await readBack(await writeBytes(project.client, series(120_001), 'parquet'));
      expect(large.groups).toBe(3);
      expect(large.rows).toHaveLength(120_001);
      expect(large.rows.at(-1)).toEqual([
        '120001',
        { number: '30000.25000000000000000000' },
        'name 0',
      ]);
      const empty = await readBack(await writeBytes(project.client, series(0), 'parquet'));
      expect(empty).toMatchObject({ rows: [], types: { n: 'int32', name: 'string' } });
    },
    SLOW,
  );

  it('values without a place make the column text', async () => {
    const report = parseReport(
      `-- title: t\n\nSELECT 'infinity'::timestamptz AS a, '0044-03-15 BC'::date AS b, 'NaN'::numeric AS c, '{{1,2}}'::int[] AS d, '[0:1]={1,2}'::int[] AS e, 1e40::numeric AS f`,
      'odd',
      'odd.sql',
    );
    const { rows, types } = await readBack(await writeBytes(project.client, report, 'parquet'));
    expect(new Set(Object.values(types))).toEqual(new Set(['string']));
    const [, expected] = parseCsv(await writeBytes(project.client, report, 'csv'));
    expect(rows).toEqual([expected]);
  });
});

describe('what a later row has', () => {
  const rowsOf = (last: string) => {
    const writer = parquetWriter([{ name: 'n', typeOid: 1700 }]);
    writer.rows(Array.from({ length: 50_000 }, (_, i) => [String(i)]));
    writer.rows([[last]]);
    return writer.tail(0, []);
  };

  it('but no place among those before is an error with the remedy', () => {
    expect(() => rowsOf('0.5')).toThrow(
      expect.objectContaining({
        message: 'column "n" of row 50,001 is 0.5, which has no place among the values before it',
        hint: expect.stringMatching(/CAST it/),
      }),
    );
    expect(
      Buffer.from(rowsOf('7') as Uint8Array)
        .subarray(-4)
        .toString(),
    ).toBe('PAR1');
  });

  it('no columns are an error: the rows would be lost', () => {
    expect(() => parquetWriter([])).toThrow(/no columns/);
  });

  it('two columns of one name are an error', () => {
    const twice = [
      { name: 'a', typeOid: 23 },
      { name: 'a', typeOid: 25 },
    ];
    expect(() => parquetWriter(twice)).toThrow(/two columns of the report are called "a"/);
  });
});

/** Lists are compared as the server writes them. */
function comparable(value: Shown, cell: Cell): unknown {
  if (Array.isArray(value)) {
    const elements = (value as Cell[]).map((element) =>
      element === null ? 'NULL' : /^$|[,\s"]/.test(element) ? `"${element}"` : element,
    );
    return `{${elements.join(',')}}`;
  }
  if (value !== null && typeof value === 'object') {
    const { number } = value as { number: string };
    return /^(nan|-?inf)$/.test(number) ? cell : Number(number);
  }
  return value;
}

function toNumber(cell: Cell, column: number): unknown {
  if (cell === null || /NaN|Infinity/.test(cell)) return cell;
  return TYPES[column] === 'real' ? Math.fround(Number(cell)) : Number(cell);
}
