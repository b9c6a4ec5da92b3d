/** The generated Protocol Buffers: buf takes them, and a field's number is its own for ever. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { lockFields, type WantedField } from '../../src/codegen/targets/proto/field-lock.js';
import { proto } from '../../src/codegen/targets/proto/proto.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';
import { withDirectory } from '../support/cli.js';
import { findTool } from '../support/tools.js';
import { catalogueOf, PROJECTS } from './projects.js';

const buf = findTool('buf');
const LACKS_BUF = buf === undefined ? ' (skipped: no buf; .ci/parts installs it)' : '';
const run = promisify(execFile);

function catalogueIn(yaml: string) {
  return toCatalogue(toModel(parseProject(yaml).tables ?? {}));
}

async function check(catalogue: ReturnType<typeof catalogueIn>): Promise<void> {
  await withDirectory(async (directory) => {
    for (const { path: name, text } of proto.generate(catalogue)) {
      await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
      await writeFile(path.join(directory, name), text);
    }
    for (const command of ['lint', 'build']) {
      await run(buf!, [command], { cwd: path.join(directory, 'proto') }).catch(
        ({ stdout, stderr }: { stdout: string; stderr: string }) => {
          throw new Error(`buf ${command}: ${stdout}${stderr}`);
        },
      );
    }
  });
}

describe.skipIf(buf === undefined)(`buf lints and builds${LACKS_BUF}`, () => {
  it.each(PROJECTS)('the project %s', { timeout: 60_000 }, (project) =>
    check(catalogueOf(project)),
  );

  it('names that collide or need care', { timeout: 60_000 }, async () => {
    const names = ['orders', 'orders_request', 'get_orders', 'Orders', 'orders_service', 'service'];
    names.push('注文', '注', '__a', '1st', 'a"b', 'x.y', 'message', 'list_orders_response', 'v2');
    names.push('next_page_token', 'builder');
    const columns = ['id', 'a1', 'a_1', 'a__1', 'aB', 'a_b', 'größe', 'x y', 'reserved', 'message'];
    columns.push('rpc', '1', '2_b', 'optional', 'x1y', 'x_1y');
    await check(
      catalogueIn(
        `tables:\n${names
          .map(
            (name) =>
              `  ${JSON.stringify(name)}: { key: id, description: "a */ // \\n b", columns: { ${columns.map((column) => `${JSON.stringify(column)}: int`).join(', ')} } }\n`,
          )
          .join('')}`,
      ),
    );
  });
});

describe('a number', () => {
  const columns = fc.uniqueArray(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'a_b', 'ab', 'd'), fc.constantFrom('int32', 'string')),
    { selector: ([name]) => name, maxLength: 6 },
  );
  const table = catalogueIn('tables: { t: { key: id, columns: { id: int } } }').tables[0]!;
  const one = { tables: [table], others: [] };

  it('is never changed, nor given to another field; a field that returns gets a new one', () => {
    fc.assert(
      fc.property(fc.array(columns, { minLength: 1, maxLength: 12 }), (models) => {
        let text: string | undefined;
        let before = new Map<string, { number: number; type: string; name: string }>();
        const everGiven = new Set<number>();
        for (const model of models) {
          const wanted = model.map(([column, type]) => ({ column, type }));
          const locked = lockFields(
            one,
            () => wanted,
            text,
            () => [],
          );
          text = locked.text;
          const { fields, reserved } = locked.messages.get('t')!;
          const now = new Map(Object.entries(fields));
          expect([...now.keys()].sort()).toEqual(wanted.map(({ column }) => column).sort());
          for (const [column, field] of now) {
            const old = before.get(column);
            if (old?.type === field.type) expect(field).toEqual(old);
            else expect(everGiven.has(field.number), `${column} ${field.number}`).toBe(false);
          }
          for (const { number } of now.values()) everGiven.add(number);
          const inUse = [...now.values()].map(({ number }) => number);
          const all = [...inUse, ...reserved.map(({ number }) => number)].sort((a, b) => a - b);
          expect(all).toEqual([...everGiven].sort((a, b) => a - b));
          const names = [...now.values()].map(({ name }) => name.replaceAll('_', ''));
          expect(new Set(names).size).toBe(names.length);
          // The same model gives the same bytes.
          expect(
            lockFields(
              one,
              () => wanted,
              text,
              () => [],
            ).text,
          ).toBe(text);
          before = now;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is none of those that Protocol Buffers keeps', () => {
    const wanted = Array.from({ length: 19_010 }, (_, i) => ({ column: `c${i}`, type: 'int32' }));
    const { fields } = lockFields(
      one,
      () => wanted,
      undefined,
      () => [],
    ).messages.get('t')!;
    expect([fields.c18998?.number, fields.c18999?.number]).toEqual([18_999, 20_000]);
  });

  it('is kept while its table is gone', () => {
    const wanted = () => [{ column: 'a', type: 'int32' }];
    const { text } = lockFields(one, wanted, undefined, () => []);
    const gone = lockFields({ tables: [], others: [] }, wanted, text, () => []);
    expect(gone.text).toBe(text);
  });

  it('is not guessed where the lock file is broken', () => {
    for (const text of ['', '{', '{}', '{"tables":{"t":{}}}']) {
      expect(() =>
        lockFields(
          one,
          () => [],
          text,
          () => [],
        ),
      ).toThrow('fields.lock.json cannot be read');
    }
  });
});

describe('the name of a field', () => {
  const table = catalogueIn('tables: { t: { key: id, columns: { id: int } } }').tables[0]!;
  const namesAfter = (...models: readonly (readonly WantedField[])[]) => {
    let text: string | undefined;
    let names: string[] = [];
    for (const wanted of models) {
      const locked = lockFields(
        { tables: [table], others: [] },
        () => wanted,
        text,
        () => [],
      );
      text = locked.text;
      names = Object.values(locked.messages.get('t')!.fields).map(({ name }) => name);
    }
    return names;
  };
  const field = (column: string, type = 'string'): WantedField => ({ column, type });

  it.each([
    ['that Java gives to something else', [[field('descriptor')]], ['descriptor_v2']],
    ['beside a text', [[field('a'), field('a_bytes', 'int32')]], ['a', 'a_bytes_v2']],
    [
      'of a text that comes later',
      [[field('a_bytes')], [field('a_bytes'), field('a')]],
      ['a_bytes', 'a_v2'],
    ],
    ['beside a number', [[field('a', 'int32'), field('a_bytes')]], ['a', 'a_bytes']],
    [
      'of a number that becomes a text',
      [
        [field('a', 'int32'), field('a_bytes')],
        [field('a'), field('a_bytes')],
      ],
      ['a_v2', 'a_bytes'],
    ],
    ['of a column that returns', [[field('a')], [], [field('a')]], ['a_v2']],
    ['of a column that has another type', [[field('a')], [field('a', 'int32')]], ['a']],
    ['of another column, after it is gone', [[field('a b')], [field('a_b')]], ['a_b_v2']],
  ])('%s', (_, models, names) => {
    expect(namesAfter(...models)).toEqual(names);
  });
});
