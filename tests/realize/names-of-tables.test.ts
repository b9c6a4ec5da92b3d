/** Tables and columns may have any name, also one that the statements of a fold use themselves. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const folder = useWarehouseFolder({});

/** Names behind AS, FROM, JOIN and before AS ( in the sources of SQL. */
const NAME =
  /\b(?:AS|FROM|JOIN|USING|UPDATE) ([a-z][a-z_0-9]*)\b|\b([a-z][a-z_0-9]*) AS (?:MATERIALIZED )?\(|[})] ([a-z])\b/g;

async function usedNames(): Promise<string[]> {
  const files = ['fold-sql', 'fold', 'touched-keys', 'lift-stored', 'changed-values'];
  const texts = await Promise.all(files.map((name) => readFile(`src/realize/${name}.ts`, 'utf8')));
  const found = texts.flatMap((text) =>
    [...text.matchAll(NAME)].map(([, ...all]) => all.find(Boolean)!),
  );
  return [...new Set(found)].sort();
}

it('may be those of aliases, parts of statements and temporary tables, with a history and without', async () => {
  const used = await usedNames();
  expect(used).toEqual(expect.arrayContaining(['e', 'f', 'g', 'h', 'o', 'p', 't', 'wanted', 'x']));
  const others = [
    'edp_touched',
    'edp_marked',
    'edp_noted',
    'edp_new_loads',
    'text',
    'point',
    'date',
  ];
  const names = [...new Set([...used, ...others])].filter(
    (name) => name !== 'change_events' && !name.startsWith('pg_'),
  );
  const reserved = ['valid_from', 'valid_to', 'is_current', 'change_sequence', 'deleted_at', 'id'];
  const columns = names.filter((name) => !reserved.includes(name));
  const declared = names.map(
    (name, i) =>
      `  ${JSON.stringify(name)}:\n    key: [id, ${JSON.stringify(columns[i % columns.length])}]\n    history: ${i % 2 === 0}\n    columns:\n      id: int\n${columns
        .map((column) => `      ${JSON.stringify(column)}: text\n`)
        .join('')}`,
  );
  await folder.write('edp.yaml', `tables:\n${declared.join('')}`);
  const lines = (from: number, ops: readonly ('create' | 'update' | 'delete')[]) =>
    toLines(
      names.flatMap((table, i) => {
        const key = { id: 1, [columns[i % columns.length]!]: 'k' };
        const whole = Object.fromEntries(columns.map((column) => [column, `${table}.${column}`]));
        return ops.map((op, n) =>
          cloudEvent({
            table,
            op,
            sequence: from + n,
            key,
            ...(op === 'create' ? { after: { ...whole, ...key } } : {}),
            ...(op === 'update'
              ? { after: { [columns[(i + 1) % columns.length]!]: `new ${from}` } }
              : {}),
          }),
        );
      }),
    );
  await folder.write('1.jsonl', lines(1, ['create', 'update']));
  await folder.write('2.jsonl', lines(10, ['update']));
  await folder.write('3.jsonl', lines(20, ['delete', 'create', 'delete']));
  for (const file of ['1.jsonl', '2.jsonl', '3.jsonl']) {
    const { status, stderr, json } = await folder.edp('realize', file);
    expect(status, stderr).toBe(0);
    expect(json.tables).toHaveLength(names.length);
    const wanted = file === '2.jsonl' ? 'new 10' : undefined;
    for (const [i, name] of wanted === undefined ? [] : names.entries()) {
      const column = columns[(i + 1) % columns.length]!;
      expect(
        await folder.database.query(`SELECT "${column}", deleted_at IS NULL FROM public."${name}"`),
        name,
      ).toEqual([[wanted, true]]);
    }
  }
});
