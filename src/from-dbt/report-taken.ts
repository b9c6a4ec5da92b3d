/** What is in the new project, as findings. */
import { sqlFile } from '../model/warehouse/project-sql.js';
import type { Draft, DraftCheck, DraftTask } from './project-draft.js';

/** Called when nothing falls out of the draft any more. */
export function reportTaken({ findings, seeds, tasks, checks }: Draft): void {
  for (const { name, place, target, copy, note } of seeds.values()) {
    const became = `tables: ${target.name}, filled from ${copy}`;
    findings.take({ kind: 'seed', name, place, became, ...(note === undefined ? {} : { note }) });
  }
  for (const task of tasks.values()) {
    const { name, place, notes } = task;
    const note = notes.length === 0 ? {} : { note: notes.join('; ') };
    findings.take({ kind: 'model', name, place, became: describeTask(task), ...note });
  }
  for (const check of checks) {
    const { name, place } = check;
    findings.take({ kind: 'test', name, place, became: describeCheck(check) });
  }
}

function describeTask({ section, target, entry }: DraftTask): string {
  const what =
    section === 'models'
      ? `model ${target.name}, key ${[entry.key].flat().join(', ')}`
      : `${entry.materialized === true ? 'materialized view' : 'view'} ${target.name}`;
  return `${what} (${sqlFile(section, target.relation.name)})`;
}

function describeCheck({ target, entry, sql }: DraftCheck): string {
  const kind = Object.keys(entry)[0]!;
  const file = sql === undefined ? '' : ` (${sqlFile('checks', sql.name)})`;
  return `check ${kind} of ${target.name}${file}`;
}
