/** The warehouses that workload W makes. */
import { readFile } from 'node:fs/promises';
import { sourceFile } from '../repository.js';
import type { Story } from './story.js';

const DAYS = 365;
const FIRST_DAY = '2024-01-01';

/** Of a hash of the id: the same at each run, and near to random. */
const dice = (seed: number, mask: number) => `(hashint8extended(id, ${seed}) & ${mask})`;

const pick = (seed: number, values: readonly string[]) =>
  `(ARRAY[${values.map((value) => `'${value}'`).join(', ')}])[1 + ${dice(seed, values.length - 1)}]`;

/** Jobs of some days, in the order in which they ran. Lists of values have a power of two. */
function selectJobs(firstDay: number, days: number, perDay: number): string {
  return `SELECT id,
    timestamp '${FIRST_DAY}' + (id - 1) / ${perDay} * interval '1 day'
      + (id - 1) % ${perDay} * (interval '86399 s' / ${perDay}) AS ran_at,
    'team ' || floor(100 * power(${dice(1, 65535)} / 65536.0::float8, 2)) AS team,
    ${pick(2, ['small', 'small', 'small', 'medium', 'medium', 'large', 'gpu', 'gpu'])} AS class,
    ${pick(3, ['linux', 'linux', 'windows', 'mac'])} AS os,
    ${pick(4, ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'failed', 'cancelled'])} AS outcome,
    ${dice(5, 4095)} AS seconds, ${dice(6, 255)} AS credits
    FROM generate_series(${firstDay * perDay + 1}::bigint, ${(firstDay + days) * perDay}) AS id`;
}

const TEAMS = `SELECT 'team ' || team AS team, CASE team % 3 WHEN 0 THEN 'NL' WHEN 1 THEN 'DE' ELSE 'FR' END AS country,
  CASE team % 2 WHEN 0 THEN 'free' ELSE 'pro' END AS plan FROM generate_series(0, 99) AS team`;

/** Values and not ids are hashed: each contender gives members ids of its own. */
const SUMMED = `SELECT count(*)::text, sum(jobs)::text, sum(credits)::text,
  sum(hash_record_extended(ROW(date, team, class, os, outcome, jobs, credits, longest), 0))::text`;

/** Jobs of a year, and one more day. */
export async function yearOfJobs(perDay: number): Promise<Story> {
  const count = (days: number) => (days * perDay).toLocaleString('en');
  return {
    name: 'jobs',
    title: `${count(DAYS)} jobs of ${DAYS} days`,
    changeTitle: 'one day more',
    project: await readFile(sourceFile('warehouse/edp.yaml'), 'utf8'),
    from: FIRST_DAY,
    until: '2024-12-31',
    untilChanged: '2025-01-01',
    first: [
      { table: 'raw_teams', query: TEAMS },
      { table: 'raw_jobs', query: selectJobs(0, DAYS, perDay) },
    ],
    change: { table: 'raw_jobs', query: selectJobs(DAYS, 1, perDay) },
    rows: DAYS * perDay,
    changedRows: perDay,
    expected: `${SUMMED} FROM (SELECT ran_at::date AS date, team, class, os, outcome, count(*) AS jobs,
      sum(credits)::bigint AS credits, max(seconds) AS longest FROM raw_jobs GROUP BY 1, 2, 3, 4, 5) AS expected`,
    made: `${SUMMED} FROM (SELECT date, team, class, os, outcome, jobs, credits::bigint, longest
      FROM gold.job_fact LEFT JOIN gold.team_dim ON team_dim.id = team_id
      LEFT JOIN gold.machine_dim ON machine_dim.id = machine_id) AS made`,
  };
}

const READINGS = 'raw_readings';

function selectReadings(firstDay: number, days: number, perDay: number): string {
  return `SELECT day * ${perDay} + n AS id, timestamp '1997-01-01' + day * interval '1 day' AS read_at,
    'station ' || n AS station, day % 97 AS value
    FROM generate_series(${firstDay}, ${firstDay + days - 1}) AS day, generate_series(1, ${perDay}) AS n`;
}

function declareFact(name: string): string {
  return `  ${name}:
    from: ${READINGS}
    date: read_at
    columns: [station]
    measures: { readings: count(*), total: sum(value) }`;
}

const RAW_READINGS = `tables:
  ${READINGS}:
    columns: { id: bigint, read_at: timestamp, station: text, value: int }
    indexes: [read_at, load_id]`;

const summedFact = (name: string) =>
  `SELECT '${name}', count(*)::text, sum(readings)::text, sum(total)::text FROM gold.${name}`;

const summedReadings = (name: string) =>
  `SELECT '${name}', count(*)::text, sum(readings)::text, sum(total)::text FROM
     (SELECT count(*) AS readings, sum(value) AS total FROM ${READINGS} GROUP BY read_at::date, station) AS expected`;

const FEW_DAYS = 1000;
const SILVER_TABLES = 4;
const DIMENSIONS = 4;
const FACTS = 12;

/** Twenty tasks; each fact has a thousand dates. */
export function manyTasks(): Story {
  const times = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i + 1)).join('\n');
  const facts = Array.from({ length: FACTS }, (_, i) => `fact_${i + 1}`);
  return {
    name: 'tasks',
    title: `${SILVER_TABLES + DIMENSIONS + FACTS} tasks, facts of ${FEW_DAYS.toLocaleString('en')} dates`,
    changeTitle: 'one day more',
    project: `${RAW_READINGS}
silver:
${times(SILVER_TABLES, (i) => `  readings_${i}: { from: ${READINGS}, key: id, columns: { id: id, station: station, read_at: read_at } }`)}
dimensions:
${times(DIMENSIONS, (i) => `  station_dim_${i}: { from: silver.readings_${i}, natural-key: station, attributes: [] }`)}
facts:
${facts.map((name, i) => `${declareFact(name)}\n    dimensions: { station_id: { dimension: station_dim_${(i % DIMENSIONS) + 1}, by: [station] } }`).join('\n')}
`,
    from: '1997-01-01',
    until: '1999-09-28',
    untilChanged: '1999-09-29',
    first: [{ table: READINGS, query: selectReadings(0, FEW_DAYS, 4) }],
    change: { table: READINGS, query: selectReadings(FEW_DAYS, 1, 4) },
    rows: FEW_DAYS * 4,
    changedRows: 4,
    expected: facts.map(summedReadings).join(' UNION ALL '),
    made: facts.map(summedFact).join(' UNION ALL '),
  };
}

const MANY_DAYS = 10_000;

/** A fact of ten thousand dates. @param isAll whether rows of all of them come later, or of one */
export function manyDates(isAll: boolean): Story {
  return {
    name: isAll ? 'dates' : 'date',
    title: `a fact of ${MANY_DAYS.toLocaleString('en')} dates`,
    changeTitle: isAll ? 'a row more in each' : 'one day more',
    project: `${RAW_READINGS}\nfacts:\n${declareFact('reading_fact')}\n`,
    from: '1997-01-01',
    until: '2024-05-19',
    untilChanged: '2024-05-20',
    first: [{ table: READINGS, query: selectReadings(0, MANY_DAYS, 2) }],
    change: isAll
      ? {
          table: READINGS,
          query: selectReadings(0, MANY_DAYS, 1).replace('SELECT day', 'SELECT 100000 + day'),
        }
      : { table: READINGS, query: selectReadings(MANY_DAYS, 1, 2) },
    rows: MANY_DAYS * 2,
    changedRows: isAll ? MANY_DAYS : 2,
    expected: summedReadings('reading_fact'),
    made: summedFact('reading_fact'),
  };
}
