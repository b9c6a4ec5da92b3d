/**
 * The numbers of the project that `edp init warehouse` writes, against those that are computed from its files: by day,
 * by plan at that moment, after each step of the demonstration.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { makeProject } from '../support/scratch.js';

const database = useTestDatabase('empty');

type Fields = Readonly<Record<string, string>>;

/** The files have no quotes in them. */
async function readCsv(cwd: string, name: string): Promise<Fields[]> {
  const text = await readFile(path.join(cwd, 'data', name), 'utf8');
  const [header, ...lines] = text.trimEnd().split('\n');
  const names = header!.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((value, i) => [names[i]!, value])),
  );
}

const isYes = (response: string) => ['y', 'yes'].includes(response.toLowerCase());
const planOf = (plan: string) => (plan.toLowerCase() === 'free' ? 'free' : 'pro');

/** The last of each key, by time; no two have one. */
function lastOf(rows: readonly Fields[], keyOf: (row: Fields) => string): Fields[] {
  const last = new Map<string, Fields>();
  for (const row of [...rows].sort((a, b) => (a.updated! < b.updated! ? -1 : 1))) {
    last.set(keyOf(row), row);
  }
  return [...last.values()];
}

const answerKey = ({ event_id, member_id }: Fields) => `${event_id} ${member_id}`;

/** `event date answers signups`, for each day on which anybody answered. */
function ratesByDay(answers: readonly Fields[]): string[] {
  const days = [...new Set(answers.map(({ updated }) => updated!.slice(0, 10)))].sort();
  return days.flatMap((day) => {
    const until = answers.filter(({ updated }) => updated!.slice(0, 10) <= day);
    const counts = new Map<string, [number, number]>();
    for (const { event_id: event, response } of lastOf(until, answerKey)) {
      const [all, yes] = counts.get(event!) ?? [0, 0];
      counts.set(event!, [all + 1, yes + (isYes(response!) ? 1 : 0)]);
    }
    return [...counts].map(([event, [all, yes]]) => `${event} ${day} ${all} ${yes}`);
  });
}

/** `plan answers signups`: the plan of the member at the minute of the answer. */
function answersByPlan(answers: readonly Fields[], members: readonly Fields[]): string[] {
  const counts = new Map<string, [number, number]>();
  for (const { member_id: id, updated, response } of lastOf(answers, answerKey)) {
    const minute = `${updated!.slice(0, 16)}:00`;
    const versions = members
      .filter((member) => member.id === id && member.is_test === 'false')
      .map((member) => ({ plan: planOf(member.plan!), from: utcOf(member.updated!) }))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    const version = versions.filter(({ from }) => from <= minute).at(-1) ?? versions[0];
    const plan = version?.plan ?? 'not known yet';
    const [all, yes] = counts.get(plan) ?? [0, 0];
    counts.set(plan, [all + 1, yes + (isYes(response!) ? 1 : 0)]);
  }
  return [...counts].map(([plan, [all, yes]]) => `${plan} ${all} ${yes}`);
}

/** In May, Amsterdam is two hours ahead. */
function utcOf(local: string): string {
  const ms = Date.parse(`${local.replace(' ', 'T')}Z`) - 2 * 3_600_000;
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

const lines = async (sql: string) => (await database.query(sql)).map((row) => row.join(' ')).sort();

it('are those that the files say, also after a late day and an undo', async () => {
  const cwd = await makeProject(null);
  const run = async (...args: string[]) => {
    const { status, stderr } = await edp(args, { cwd, env: { DATABASE_URL: database.url } });
    expect(status, `edp ${args.join(' ')}\n${stderr}`).toBe(0);
  };
  const holds = async (answerFiles: readonly string[], memberFiles: readonly string[]) => {
    await run('run');
    const read = async (files: readonly string[]) =>
      (await Promise.all(files.map((name) => readCsv(cwd, name)))).flat();
    const [answers, members] = [await read(answerFiles), await read(memberFiles)];
    expect(
      await lines('SELECT event_id, date::text, answers, signups FROM gold.signup_rate_by_day'),
    ).toEqual(ratesByDay(answers).sort());
    expect(await lines('SELECT plan, answers, signups FROM gold.answers_by_plan')).toEqual(
      answersByPlan(answers, members).sort(),
    );
  };
  await run('init', 'warehouse');
  const [first, second, late] = ['2025-05-28.csv', '2025-05-29.csv', '2025-05-27.csv'];
  await run('ingest', `data/*-${first}`, '--on-conflict', 'update');
  await holds([`rsvps-${first}`], [`members-${first}`]);
  await run('ingest', `data/*-${second}`, '--on-conflict', 'update');
  const days = [`rsvps-${first}`, `rsvps-${second}`];
  await holds(days, [`members-${first}`, `members-${second}`]);
  await run('ingest', 'data/late/*.csv', '--on-conflict', 'update');
  const members = [`members-${first}`, `members-${second}`, `late/members-${late}`];
  await holds([...days, `late/rsvps-${late}`], members);
  // The same answers are others when their member had another plan.
  const plans = await lines('SELECT plan, answers FROM gold.answers_by_plan');
  await run('undo', '9', '--yes');
  await holds(days, members);
  await run('ingest', `data/late/rsvps-${late}`);
  await holds([...days, `late/rsvps-${late}`], members);
  expect(await lines('SELECT plan, answers FROM gold.answers_by_plan')).toEqual(plans);
});
