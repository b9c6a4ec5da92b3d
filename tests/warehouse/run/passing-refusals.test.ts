/** A deadlock says nothing about a view or a grant: it is thrown as it is, so that the task is tried again, and nothing is left out. */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { isAllowedToSkip } from '../../../src/postgres/replaced-checks.js';
import { giveBelongings } from '../../../src/warehouse/run/belongings.js';
import { carryViews, type DependentView } from '../../../src/warehouse/run/dependents.js';

const refusal = (code: string) => Object.assign(new Error(`refused with ${code}`), { code });

/** A server that refuses statements that begin with a word. */
function refusing(word: string, code: string): pg.Client {
  return {
    query: async (sql: string) => {
      if (sql.startsWith(word)) throw refusal(code);
      return { rows: [] };
    },
    escapeLiteral: (text: string) => text,
  } as unknown as pg.Client;
}

const view = (isTask: boolean) =>
  ({
    name: 'v',
    definition: 'SELECT 1',
    belongings: [],
    comment: null,
    isTask,
  }) as unknown as DependentView;

describe.each(['40P01', '40001', '55P03'])('%s', (code) => {
  it.each([true, false])('keeps a view (of a task: %s) from being carried', async (isTask) => {
    await expect(carryViews(refusing('CREATE', code), [view(isTask)])).rejects.toMatchObject({
      code,
    });
  });
  it('keeps what a table had from being given to it', async () => {
    const belongings = [{ statement: 'GRANT x', isOfColumns: true }];
    await expect(
      giveBelongings(refusing('GRANT', code), belongings as never),
    ).rejects.toMatchObject({ code });
  });
  it('does not mean that triggers may not be skipped', async () => {
    await expect(isAllowedToSkip(refusing('SET', code))).rejects.toMatchObject({ code });
  });
});

it('what does not fit is still said, and of a task left to its own run', async () => {
  await expect(carryViews(refusing('CREATE', '42703'), [view(true)])).resolves.toBeUndefined();
  await expect(carryViews(refusing('CREATE', '42703'), [view(false)])).rejects.toMatchObject({
    code: 'task_failed',
  });
  expect(await isAllowedToSkip(refusing('SET', '42501'))).toBe(false);
});
