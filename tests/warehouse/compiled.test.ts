/**
 * The SQL of each kind of task: tests/warehouse/compiled/<task>.sql. `UPDATE_GOLDEN=1` writes the files anew;
 * whoever changes them reads the difference.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadWarehouse } from '../../src/project/load-warehouse.js';
import { printSelect } from '../../src/relational/postgres-sql.js';
import type { Blueprint, Within } from '../../src/warehouse/compile/blueprint.js';
import {
  calendarBlueprint,
  dimensionBlueprint,
} from '../../src/warehouse/compile/dimension-rows.js';
import { factBlueprint } from '../../src/warehouse/compile/fact-rows.js';
import type { Shape } from '../../src/warehouse/compile/relation-shape.js';
import { silverBlueprint } from '../../src/warehouse/compile/silver-rows.js';

const FOLDER = path.join(import.meta.dirname, 'compiled');

const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  raw_jobs: {
    id: 'bigint',
    user_id: 'integer',
    ran: 'timestamp without time zone',
    seconds: 'double precision',
    class: 'text',
    os: 'text',
    changed: 'timestamp with time zone',
    load_id: 'bigint',
  },
  raw_plans: {
    member: 'integer',
    plan: 'text',
    country: 'text',
    price: 'numeric',
    changed: 'timestamp without time zone',
    is_test: 'boolean',
    load_id: 'bigint',
  },
  raw_staff: {
    member: 'integer',
    plan: 'text',
    note: 'text',
    changed: 'timestamp without time zone',
    load_id: 'bigint',
    source_offset: 'bigint',
    is_ended: 'boolean',
  },
  staff: {
    member: 'integer',
    plan: 'text',
    note: 'integer',
    load_id: 'bigint',
    valid_from: 'timestamp without time zone',
    valid_to: 'timestamp without time zone',
    is_current: 'boolean',
    previous_to: 'timestamp without time zone',
  },
  plans: {
    member_id: 'integer',
    plan: 'text',
    country: 'text',
    price: 'numeric',
    load_id: 'bigint',
    valid_from: 'timestamp with time zone',
    valid_to: 'timestamp with time zone',
    is_current: 'boolean',
  },
  jobs: {
    job_id: 'bigint',
    member: 'integer',
    ran_at: 'timestamp with time zone',
    seconds: 'numeric',
    class: 'text',
    os: 'text',
    load_id: 'bigint',
  },
};

/** @param slices those that are made, for a fact */
function toSql(blueprint: Blueprint, slices: readonly string[]): string {
  const withins: [string, Within][] = [
    ['all rows', 'all'],
    ...(blueprint.affected === undefined
      ? []
      : [['rows with affected keys', 'keys'] as [string, Within]]),
    ...(blueprint.slice === undefined ? [] : [['rows of slices', { slices }] as [string, Within]]),
  ];
  const parts = withins.map(
    ([what, within]) => `-- ${what}\n${printSelect(blueprint.rows(within))};`,
  );
  if (blueprint.affected !== undefined) {
    parts.push(`-- affected keys\n${printSelect(blueprint.affected({ loads: [3, 17] }))};`);
  }
  if (blueprint.versionsOf !== undefined && blueprint.id !== undefined) {
    const keys = ['["1", "a"]', '["2", null]'];
    parts.push(
      `-- affected keys, as they are listed\n${printSelect(blueprint.affected!({ keys }))};`,
    );
  }
  for (const lookUp of blueprint.lookUps) {
    parts.push(
      `-- unknown keys of ${lookUp.column}\n${printSelect(blueprint.unknownKeys!(lookUp, 'all'))};`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

describe('the SQL of', async () => {
  const { warehouse } = await loadWarehouse(FOLDER);
  it.each(warehouse.tasks.map((task) => [task.name, task] as const))('%s', async (name, task) => {
    const shape = (table: string): Shape => new Map(Object.entries(SHAPES[table]!));
    const blueprint = (() => {
      switch (task.kind) {
        case 'silver':
          return silverBlueprint(task, shape(task.source.relation.name), []);
        case 'dimension':
          return 'calendar' in task
            ? calendarBlueprint(task)
            : dimensionBlueprint(task, shape(task.source.relation.name));
        case 'fact':
          return factBlueprint(task, shape(task.source.relation.name));
        default:
          throw new TypeError(`${task.kind} is SQL of the user`);
      }
    })();
    const sql = toSql(blueprint, ['2019-01-31', '2019-02-01', 'null', 'infinity']);
    const file = path.join(FOLDER, `${name}.sql`);
    if (process.env.UPDATE_GOLDEN !== undefined) {
      await mkdir(FOLDER, { recursive: true });
      await writeFile(file, sql);
    }
    expect(sql).toBe(await readFile(file, 'utf8'));
  });
});
