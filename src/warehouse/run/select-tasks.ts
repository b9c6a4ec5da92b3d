/** Names and selectors of the command line → tasks. */
import { EdpError } from '../../base/errors.js';
import { listNames, suggest } from '../../base/nearest.js';
import { readBy, readByChecks } from '../../model/warehouse/order-tasks.js';
import { TASK_KINDS, type Task } from '../../model/warehouse/task.js';

const KINDS: Readonly<Record<string, Task['kind']>> = {
  silver: 'silver',
  dimensions: 'dimension',
  facts: 'fact',
  models: 'model',
  views: 'view',
};

/** Names of the tasks that a task reads, for its table or for its checks. */
export function readsOf(task: Task): string[] {
  return [...new Set([...readBy(task), ...readByChecks(task)])];
}

/**
 * @param wanted names, `+name`, `name+`, `tag:x`, kinds, `gold`, `all`; none for all
 * @param isOnly without what the tasks read
 * @param isChanged whether the definition of a task is another one than when it was made
 * @throws EdpError `unknown_task`
 */
export function selectTasks(
  tasks: readonly Task[],
  wanted: readonly string[],
  isOnly: boolean,
  isChanged: (name: string) => boolean,
): Task[] {
  if (wanted.length === 0) return [...tasks];
  const names = new Set<string>();
  for (const selector of wanted) {
    const [, before, bare, behind] = /^(\+?)(.*?)(\+?)$/.exec(selector)!;
    const found = findTasks(tasks, bare!, isChanged);
    for (const { name } of found) {
      names.add(name);
      if (before === '+' || !isOnly)
        for (const above of closure(tasks, name, readsOf)) names.add(above);
      if (behind === '+') {
        const readers = (task: Task) =>
          tasks.filter((other) => readsOf(other).includes(task.name)).map((other) => other.name);
        for (const below of closure(tasks, name, readers)) names.add(below);
      }
    }
  }
  return tasks.filter(({ name }) => names.has(name));
}

function closure(
  tasks: readonly Task[],
  start: string,
  next: (task: Task) => readonly string[],
): ReadonlySet<string> {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const seen = new Set<string>();
  const waiting = [start];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const task = byName.get(name);
    if (task === undefined || seen.has(name)) continue;
    seen.add(name);
    waiting.push(...next(task));
  }
  return seen;
}

/** @throws EdpError `unknown_task` */
export function findTasks(
  tasks: readonly Task[],
  selector: string,
  isChanged: (name: string) => boolean,
): Task[] {
  if (selector === 'all') return [...tasks];
  if (selector === 'state:changed') return tasks.filter(({ name }) => isChanged(name));
  if (selector.startsWith('tag:')) {
    const tag = selector.slice('tag:'.length);
    const tagged = tasks.filter(({ tags }) => tags?.includes(tag) === true);
    if (tagged.length > 0) return tagged;
    const all = [...new Set(tasks.flatMap(({ tags }) => tags ?? []))];
    throw new EdpError('unknown_task', `no task has the tag ${JSON.stringify(tag)}`, {
      hint:
        all.length === 0
          ? `no task has tags; a table, model or view takes tags: [${tag}]`
          : suggest(tag, all, `the tags are ${all.join(', ')}`),
    });
  }
  if (selector === 'gold') return tasks.filter((task) => task.kind !== 'silver');
  if (selector.startsWith('state:')) {
    throw new EdpError('unknown_task', `there is no ${JSON.stringify(selector)}`, {
      hint: 'state:changed are the tasks whose declaration changed',
    });
  }
  const kind = Object.hasOwn(KINDS, selector) ? KINDS[selector] : undefined;
  if (kind !== undefined) return tasks.filter((task) => task.kind === kind);
  const found = tasks.filter(({ name }) => name === selector || name.split('.')[1] === selector);
  if (found.length === 1) return found;
  const names = tasks.map(({ name }) => name);
  if (found.length > 1) {
    throw new EdpError('unknown_task', `there are several tasks ${JSON.stringify(selector)}`, {
      hint: `name one of ${found.map(({ name }) => name).join(', ')}`,
    });
  }
  const all = [...names, ...names.map((name) => name.split('.')[1]!)];
  throw new EdpError('unknown_task', `edp.yaml declares no task ${JSON.stringify(selector)}`, {
    hint: suggest(
      selector,
      all,
      names.length === 0
        ? `edp.yaml declares none: ${TASK_KINDS.join(', ')}`
        : `the tasks are ${listNames(names)}`,
    ),
  });
}
