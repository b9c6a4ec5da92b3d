/** Each command ends with the exit statuses that docs/codes.md says, and with no other. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/base/errors.js';
import { chooseStatus, EXIT_PRECEDENCE } from '../../src/base/exit-statuses.js';
import { COMMANDS, nameOf } from '../../src/commands/command-list.js';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { makeTemporary } from '../support/temporary.js';

const MODEL = `tables:
  items: { columns: { id: int, value: int }, key: id, metrics: { from: more, columns: {} } }
  first_dimensions: { columns: { id: int, name: text }, key: id }
  second_dimensions: { columns: { id: int, name: text }, key: id }
  captured: { columns: { id: int }, key: id }
capture: { source: { name: shop, database-url: "\${DATABASE_URL}" }, tables: { captured: {} } }
silver:
  items: { from: items, key: id, columns: { id: id } }
checks:
  items:
    - range: { column: id, min: 5 }
  silver.items:
    - range: { column: id, min: 5 }
`;

const FILES = {
  'edp.yaml': MODEL,
  'tests/items.yaml': `of items: { task: items, given: { items: [{ id: 1 }] }, expect: [{ id: 2 }] }\n`,
  'items.csv': 'id,value,more\n1,10,"{""x"":""text""}"\n',
  'items-2.csv': 'id,value,more\n2,x,\n',
  'broken.csv': 'nothing,fits\n1,2\n',
  'changes.jsonl': '{}\n',
  'first_dimensions.csv': 'id,name\nx,a\n',
  'second_dimensions.csv': 'id,name\n1,a\n',
};

const database = useTestDatabase('empty');
let cwd: string;
beforeAll(async () => {
  cwd = await makeTemporary();
  await mkdir(path.join(cwd, 'tests'));
  for (const [name, text] of Object.entries(FILES)) await writeFile(path.join(cwd, name), text);
  await database.query('CREATE TABLE captured (id int PRIMARY KEY)');
});
afterAll(async () => {
  await edp(['db', 'stop'], { cwd });
  await rm(cwd, { recursive: true, force: true, maxRetries: 3 });
});

/** In this order. */
const STEPS: readonly (readonly [status: number, ...args: string[]])[] = [
  [0, 'ingest', 'items.csv'],
  [3, 'ingest', 'items-2.csv'],
  [3, 'ingest', 'items-2.csv', '--force', '--dry-run'],
  [1, 'ingest', 'broken.csv', '--table', 'items'],
  // 1 before 3, and 2 before both.
  [1, 'ingest', 'items-2.csv', 'broken.csv', '--table', 'items', '--force'],
  [2, 'ingest', 'items-2.csv', 'gone.csv', '--force'],
  [0, 'inspect', 'items.csv'],
  [0, 'model', 'infer', 'items.csv'],
  [3, 'seed-dimensions', '--dir', '.'],
  [0, 'generate-data', '--count', '10', '--out', 'generated'],
  [0, 'generate-report', '--list'],
  [0, 'status'],
  [0, 'status', '--runs'],
  [0, 'rejects', '2'],
  [3, 'replay', '2'],
  [0, 'verify', '1'],
  [3, 'promote', 'x', '--table', 'items', '--type', 'int'],
  [3, 'run'],
  [3, 'check'],
  [0, 'sample'],
  [0, 'lineage'],
  [1, 'test'],
  [2, 'notify', 'test'],
  [0, 'undo', '2', '--yes'],
  [3, 'realize', 'changes.jsonl'],
  [3, 'capture', 'status'],
  [0, 'capture', 'install'],
  [0, 'capture', 'uninstall'],
  [0, 'db', 'start'],
  [0, 'db', 'stop'],
];

const run = (args: readonly string[], url = database.url) =>
  edp(args, { cwd, env: { DATABASE_URL: url } });

describe('the exit status', () => {
  it.each(STEPS.map(([status, ...args]) => ({ line: args.join(' '), status, args })))(
    'of edp $line is $status',
    async ({ status, args }) => {
      const result = await run(args);
      expect(result.status, result.stderr).toBe(status);
    },
  );

  it('of edp verify is 1 where file and rows differ', async () => {
    await database.query('UPDATE items SET value = value + 1');
    expect((await run(['verify', '1'])).status).toBe(1);
  });

  it('3 is one that a command says it has, and the other way round', () => {
    const seen = new Set(STEPS.filter(([status]) => status === 3).map(([, command]) => command!));
    const said = COMMANDS.filter(({ statuses }) => statuses?.doneWithRejects !== undefined);
    expect([...seen].sort()).toEqual(said.map(nameOf).sort());
  });

  it.each(COMMANDS.map(nameOf))('of edp %s with an unknown option is 2', async (name) => {
    expect((await run([name, '--no-such-option', 'x'])).status).toBe(2);
  });

  it.each([
    ['ingest', 'items.csv'],
    ['seed-dimensions', '--dir', '.'],
    ['status'],
    ['rejects', '1'],
    ['replay', '1'],
    ['undo', '1', '--yes'],
    ['verify', '1'],
    ['promote', 'x', '--table', 'items'],
    ['generate-report', 'load_history'],
  ])('of edp %s without a database is 1', async (...args) => {
    const result = await run(args, 'postgresql://nobody@127.0.0.1:1/none');
    expect(result.status, result.stderr).toBe(1);
  });
});

describe('of several statuses', () => {
  it.each(EXIT_PRECEDENCE.map((name, i) => [name, EXIT_PRECEDENCE.slice(i)] as const))(
    '%s counts before those after it',
    (name, rest) => {
      const holding = Object.fromEntries(rest.map((one) => [one, true]));
      expect(chooseStatus(holding)).toBe(EXIT[name]);
    },
  );

  it('all are in the order', () => {
    expect([...EXIT_PRECEDENCE].sort()).toEqual(Object.keys(EXIT).sort());
    expect(chooseStatus({})).toBe(0);
  });
});
