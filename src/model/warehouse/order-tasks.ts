/** Tasks in an order in which each comes behind what it reads. */
import { TASK_KINDS, type Task } from './task.js';

/** Names of the tasks that a task is made from. */
export function readBy(task: Task): string[] {
  const sources = 'sources' in task ? task.sources : 'source' in task ? [task.source] : [];
  const lookUps = 'lookUps' in task ? task.lookUps.map(({ dimension }) => dimension) : [];
  return [...sources.flatMap((source) => source.task ?? []), ...lookUps];
}

/** Names of the tasks that its checks read, itself not. */
export function readByChecks(task: Task): string[] {
  const names = task.checks.flatMap((check) => {
    if (check.kind === 'relationships') return check.to.task ?? [];
    return check.kind === 'sql' ? check.sources.flatMap((source) => source.task ?? []) : [];
  });
  return names.filter((name) => name !== task.name);
}

/**
 * One order whatever that of the declarations: of tasks that do not depend on each other, by kind and name.
 * What a check reads comes first, too, where that makes no circle.
 *
 * @returns the circles, each once; there is no order where there are any
 */
export function orderTasks(tasks: readonly Task[]): { ordered: Task[]; circles: string[][] } {
  const sorted = [...tasks].sort(
    (a, b) => TASK_KINDS.indexOf(a.kind) - TASK_KINDS.indexOf(b.kind) || (a.name < b.name ? -1 : 1),
  );
  const byName = new Map(sorted.map((task) => [task.name, task]));
  const needs = new Map(sorted.map((task) => [task.name, new Set(readBy(task))]));
  const circles = findCircles(sorted, needs);
  if (circles.length > 0) return { ordered: [], circles };
  for (const task of sorted) {
    for (const other of readByChecks(task)) {
      if (!leadsTo(other, task.name, needs)) needs.get(task.name)!.add(other);
    }
  }
  const ordered = new Set<Task>();
  const visit = (task: Task): void => {
    if (ordered.has(task)) return;
    for (const name of [...needs.get(task.name)!].sort()) {
      const other = byName.get(name);
      if (other !== undefined) visit(other);
    }
    ordered.add(task);
  };
  for (const task of sorted) visit(task);
  return { ordered: [...ordered], circles };
}

type Needs = ReadonlyMap<string, ReadonlySet<string>>;

function leadsTo(from: string, to: string, needs: Needs, seen = new Set<string>()): boolean {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return [...(needs.get(from) ?? [])].some((name) => leadsTo(name, to, needs, seen));
}

/** Each begins and ends with the same name. */
function findCircles(tasks: readonly Task[], needs: Needs): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    const at = trail.indexOf(name);
    if (at >= 0) circles.push([...trail.slice(at), name]);
    if (at >= 0 || done.has(name)) return;
    for (const other of needs.get(name) ?? []) visit(other, [...trail, name]);
    done.add(name);
  };
  for (const { name } of tasks) visit(name, []);
  return circles;
}
