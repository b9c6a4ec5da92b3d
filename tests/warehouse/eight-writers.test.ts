/** Histories while eight write: whoever reads never sees a key with two current versions, an overlap, or a gap that is no end. */
import { expect, it } from 'vitest';
import { Random } from '../faults/random.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const WRITERS = 8;
const FILES_EACH = 4;
const MEMBERS = 12;

const COLUMNS = 'columns: { member: int, plan: text, updated: timestamp }, key: member';
const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  kept: { ${COLUMNS}, versions: true }
  staff: { ${COLUMNS}, versions: true, snapshot: full }
silver:
  kept: { from: kept, key: member, columns: { member: member, plan: plan }, history: { by: updated } }
  staff: { from: staff, key: member, columns: { member: member, plan: plan }, history: { by: updated } }
dimensions:
  kept_dim: { from: silver.kept, natural-key: member, type-2: plan }
  staff_dim: { from: silver.staff, natural-key: member, type-2: plan }
  raw_dim: { from: staff, natural-key: member, type-2: plan }
`,
});

/** @param isFull whether members may end, so that a gap may lie between two versions */
const faultsOf = (table: string, isFull: boolean) => `
  SELECT '${table}' AS "table", member, valid_from::text FROM (
    SELECT *, lead(valid_from) OVER w AS next, count(*) FILTER (WHERE is_current) OVER (PARTITION BY member) AS current
    FROM ${table} WHERE member IS NOT NULL WINDOW w AS (PARTITION BY member ORDER BY valid_from)) AS v
  WHERE current > 1 OR is_current <> (valid_to IS NULL) OR valid_to <= valid_from
    OR next IS NOT NULL AND (valid_to IS NULL OR valid_to ${isFull ? '>' : '<>'} next)
    ${isFull ? '' : 'OR next IS NULL AND NOT is_current'}`;

const FAULTS = [
  faultsOf('silver.kept', false),
  faultsOf('gold.kept_dim', false),
  faultsOf('silver.staff', true),
  faultsOf('gold.staff_dim', true),
  faultsOf('gold.raw_dim', true),
].join(' UNION ALL ');

const COUNTS = `SELECT (SELECT count(*) FROM silver.kept)::int, (SELECT count(*) FROM silver.staff)::int,
  (SELECT count(*) FROM silver.staff WHERE previous_to <> valid_from)::int`;

/** With ids, and without the times at which edp wrote a row. */
const CONTENT = ['silver.kept', 'silver.staff', 'gold.kept_dim', 'gold.staff_dim', 'gold.raw_dim']
  .map(
    (table) =>
      `SELECT '${table}', (to_jsonb(t) - 'dw_created_at' - 'dw_updated_at')::text FROM ${table} t`,
  )
  .join(' UNION ALL ')
  .concat(' ORDER BY 1, 2');

function makeFile(random: Random): string {
  const lines = Array.from({ length: MEMBERS }, (_, member) => {
    const updated = new Date(Date.UTC(2025, 0, 1 + random.below(200))).toISOString().slice(0, 10);
    return `${member},${random.pick(['free', 'pro', 'team'])},${updated}\n`;
  });
  return `member,plan,updated\n${lines.filter(() => random.next() < 0.7).join('')}`;
}

it('finds what would be a fault', async () => {
  for (const [isFull, rows] of [
    [false, `(1, '2025-01-01', NULL, true), (1, '2025-02-01', NULL, true)`],
    [false, `(1, '2025-01-01', '2025-01-15', false), (1, '2025-02-01', NULL, true)`],
    [false, `(1, '2025-01-01', '2025-02-01', false)`],
    [true, `(1, '2025-01-01', '2025-03-01', false), (1, '2025-02-01', NULL, true)`],
    [true, `(1, '2025-01-01', NULL, true), (1, '2025-02-01', NULL, true)`],
  ] as const) {
    await folder.database.query('DROP TABLE IF EXISTS planted');
    await folder.database.query(
      'CREATE TABLE planted (member int, valid_from date, valid_to date, is_current boolean)',
    );
    await folder.database.query(`INSERT INTO planted VALUES ${rows}`);
    expect(await folder.database.query(faultsOf('planted', isFull)), rows).not.toEqual([]);
  }
});

it('has histories without a fault at any moment', { timeout: 240_000 }, async () => {
  for (const table of ['kept', 'staff']) await folder.load(table, makeFile(new Random(99)));
  const made = await folder.edp('run');
  expect(made.status, made.stderr).toBe(0);
  let writing = WRITERS;
  const write = async (writer: number) => {
    const random = new Random(writer);
    const table = writer % 2 === 0 ? 'kept' : 'staff';
    try {
      for (let file = 0; file < FILES_EACH; file++) {
        const name = `${writer}-${file}.csv`;
        await folder.write(name, makeFile(random));
        const day = `2025-03-${String(1 + writer + WRITERS * (file % 3)).padStart(2, '0')}`;
        const { status, stderr } = await folder.edp(
          ...(['ingest', name, '--table', table, '--effective-at', day] as const),
        );
        expect(status, stderr).toBe(0);
      }
    } finally {
      writing--;
    }
  };
  const runs = async () => {
    while (writing > 0) {
      const { status, stderr } = await folder.edp('run');
      expect(status, stderr).toBe(0);
    }
  };
  let looks = 0;
  const look = async () => {
    while (writing > 0) {
      expect(await folder.database.query(FAULTS)).toEqual([]);
      looks++;
    }
  };
  await Promise.all([
    ...Array.from({ length: WRITERS }, (_, writer) => write(writer)),
    runs(),
    runs(),
    look(),
  ]);
  expect(looks).toBeGreaterThan(10);
  const last = await folder.edp('run');
  expect(last.status, last.stderr).toBe(0);
  expect(await folder.database.query(FAULTS)).toEqual([]);
  const [[kept, staff, returned]] = (await folder.database.query(COUNTS)) as [number[]];
  expect(Math.min(kept!, staff!)).toBeGreaterThan(2 * MEMBERS);
  expect(returned).toBeGreaterThan(0);
  const before = await folder.database.query(CONTENT);
  const full = await folder.edp('run', '--full');
  expect(full.status, full.stderr).toBe(0);
  expect(await folder.database.query(CONTENT)).toEqual(before);
});
