/** pgloader with its own defaults, on the flat file. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { askVersion, type Contender, flatFileOf } from './contender.js';

export const pgloader: Contender = {
  name: 'pgloader',
  title: 'pgloader of the flat CSV',
  reads: 'flat',

  find: () =>
    askVersion('pgloader', ['--version'], 'apt-get install pgloader, or https://pgloader.io'),

  async load({ dataset, target, database, settings, launch }) {
    const { host, user, database: name } = database.config;
    const columns = dataset.columns.join(', ');
    const commands = path.join(settings.scratch, 'flat.load');
    await writeFile(
      commands,
      `LOAD CSV
         FROM '${flatFileOf(dataset).path}' HAVING FIELDS (${columns})
         INTO postgresql://${user}@unix:${host}:5432/${name}
         TARGET TABLE ${target.table} TARGET COLUMNS (${columns})
         WITH skip header = 1, fields optionally enclosed by '"', fields escaped by double-quote,
              fields terminated by ',';\n`,
    );
    const root = path.join(settings.scratch, 'pgloader');
    await launch({ command: 'pgloader', args: ['--quiet', '--root-dir', root, commands] });
  },
};
