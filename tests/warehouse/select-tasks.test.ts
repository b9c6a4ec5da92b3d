/** Names and selectors of `edp run`. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadWarehouse } from '../../src/project/load-warehouse.js';
import { selectTasks } from '../../src/warehouse/run/select-tasks.js';
import { makeTemporary } from '../support/temporary.js';

const YAML = `
silver:
  members: { from: raw_members, key: member_id, columns: { member_id: id }, tags: [people] }
  jobs: { from: raw_jobs, key: id, columns: { id: id, member: member, ran: ran } }
dimensions:
  member_dim: { from: silver.members, natural-key: member_id, tags: people }
facts:
  job_fact:
    from: silver.jobs
    date: ran
    dimensions: { who: { dimension: member_dim, by: { member_id: member } } }
    measures: { jobs: count(*) }
  members: { from: silver.jobs, date: ran, key: id }
`;

describe('selectTasks', async () => {
  const directory = await makeTemporary();
  await writeFile(path.join(directory, 'edp.yaml'), YAML);
  const { tasks } = (await loadWarehouse(directory)).warehouse;
  afterAll(() => rm(directory, { recursive: true }));
  const select = (wanted: readonly string[], isOnly = false, changed: readonly string[] = []) =>
    selectTasks(tasks, wanted, isOnly, (name) => changed.includes(name))
      .map(({ name }) => name)
      .sort();
  const ALL = ['gold.job_fact', 'gold.member_dim', 'gold.members', 'silver.jobs', 'silver.members'];
  const OF_FACT = ['gold.job_fact', 'gold.member_dim', 'silver.jobs', 'silver.members'];

  it.each([
    { wanted: [], chosen: ALL },
    { wanted: ['all'], chosen: ALL },
    { wanted: ['job_fact'], chosen: OF_FACT },
    { wanted: ['gold.job_fact'], chosen: OF_FACT },
    { wanted: ['job_fact'], isOnly: true, chosen: ['gold.job_fact'] },
    { wanted: ['+job_fact'], isOnly: true, chosen: OF_FACT },
    {
      wanted: ['silver.members+'],
      isOnly: true,
      chosen: ['gold.job_fact', 'gold.member_dim', 'silver.members'],
    },
    {
      wanted: ['gold'],
      isOnly: true,
      chosen: ['gold.job_fact', 'gold.member_dim', 'gold.members'],
    },
    { wanted: ['dimensions'], isOnly: true, chosen: ['gold.member_dim'] },
    { wanted: ['tag:people'], isOnly: true, chosen: ['gold.member_dim', 'silver.members'] },
    { wanted: ['state:changed'], isOnly: true, chosen: ['silver.jobs'] },
    {
      wanted: ['silver.jobs', 'member_dim'],
      isOnly: true,
      chosen: ['gold.member_dim', 'silver.jobs'],
    },
  ])('$wanted, only: $isOnly', ({ wanted, isOnly = false, chosen }) => {
    expect(select(wanted, isOnly, ['silver.jobs'])).toEqual(chosen);
  });

  it.each([
    [['nosuch'], /no task "nosuch"/],
    [['members'], /several tasks "members"/],
    [['tag:peple'], /no task has the tag "peple"/],
  ])('%j is an error', (wanted, message) => {
    expect(() => select(wanted)).toThrow(message);
  });
});
