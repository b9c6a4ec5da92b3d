/** The way of the platform's older version: pandas, json.loads per row, SQLAlchemy's to_sql, 2 processes. */
import { sourceFile } from '../repository.js';
import { askVersion, type Contender } from './contender.js';

const VERSIONS =
  'import pandas, sqlalchemy, psycopg2; print(f"pandas {pandas.__version__}, SQLAlchemy {sqlalchemy.__version__}, psycopg2 {psycopg2.__version__.split()[0]}")';

export const pandas: Contender = {
  name: 'pandas',
  title: 'pandas + SQLAlchemy to_sql of the nested CSV, 2 processes',
  reads: 'files',

  find: ({ python }) =>
    askVersion(
      python,
      ['-c', VERSIONS],
      'python3 -m venv .edp/python && .edp/python/bin/pip install pandas sqlalchemy psycopg2-binary, then --python .edp/python/bin/python',
    ),

  async load({ dataset, target, database, settings, launch }) {
    const { host, user, database: name } = database.config;
    const url = `postgresql+psycopg2://${user}@/${name}?host=${host}`;
    const script = sourceFile('contenders/pandas_load.py');
    await launch({
      command: settings.python,
      args: [script, url, target.table, dataset.files[0]!],
    });
  },
};
