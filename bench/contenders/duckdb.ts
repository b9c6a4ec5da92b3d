/** DuckDB flattens the nested CSV into a flat one, with all its threads; one client then copies that. */
import path from 'node:path';
import { quoteLiteral } from '../../src/model/ddl.js';
import { copyProgram } from './client-copy.js';
import { ask, type Contender, type ContenderSettings } from './contender.js';

const RUN_IN_PYTHON = 'import sys, duckdb; duckdb.connect().execute(sys.argv[1])';
const VERSION_IN_PYTHON = 'import duckdb; print("DuckDB", duckdb.__version__, "(Python module)")';

interface DuckDb {
  readonly version: string;
  command(sql: string): { readonly command: string; readonly args: readonly string[] };
}

/** Looked for once, and not while the clock runs. */
let found: Promise<DuckDb | undefined> | undefined;

async function findDuckDb({ python }: ContenderSettings): Promise<DuckDb | undefined> {
  const shell = await ask('duckdb', ['--version']);
  if (shell !== undefined) {
    return {
      version: `DuckDB ${shell}`,
      command: (sql) => ({ command: 'duckdb', args: ['-c', sql] }),
    };
  }
  const module = await ask(python, ['-c', VERSION_IN_PYTHON]);
  if (module === undefined) return undefined;
  return {
    version: module,
    command: (sql) => ({ command: python, args: ['-c', RUN_IN_PYTHON, sql] }),
  };
}

/** Dates stay text, since COPY has to parse them anyway; the JSON is parsed once for all metrics. */
function flattenStatement(nested: string, flat: string): string {
  return `
    SET preserve_insertion_order = false;
    COPY (
      SELECT id, recorded_date, created_date, first_dimension_id, second_dimension_id,
             metrics[1] AS metric_one, metrics[2] AS metric_two, metrics[3] AS metric_n
      FROM (SELECT *, json_extract_string(event_metrics,
                        ['$.metrics.metric_one', '$.metrics.metric_two', '$.metrics.metric_n']) AS metrics
            FROM read_csv(${quoteLiteral(nested)}, header = true, delim = ',', quote = '"', escape = '"',
                   columns = {'id': 'BIGINT', 'recorded_date': 'VARCHAR', 'created_date': 'VARCHAR',
                              'first_dimension_id': 'INTEGER', 'second_dimension_id': 'INTEGER',
                              'event_metrics': 'VARCHAR'})))
    TO ${quoteLiteral(flat)} (FORMAT csv, HEADER true)`;
}

export const duckdb: Contender = {
  name: 'duckdb',
  title: 'DuckDB: nested CSV → flat CSV, then 1 client COPY',
  reads: 'files',

  async find(settings) {
    found ??= findDuckDb(settings);
    const duckDb = await found;
    return duckDb === undefined
      ? {
          isPresent: false,
          remedy:
            'https://duckdb.org/install, or python3 -m venv .edp/python && .edp/python/bin/pip install duckdb, then --python .edp/python/bin/python',
        }
      : { isPresent: true, version: duckDb.version };
  },

  async load(task) {
    const { dataset, settings, launch } = task;
    const flat = path.join(settings.scratch, 'flat.csv');
    const duckDb = (await found)!;
    await launch(duckDb.command(flattenStatement(dataset.files[0]!, flat)));
    await launch(copyProgram(task, flat));
  },
};
