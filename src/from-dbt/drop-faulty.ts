/** Asks edp's own checks of edp.yaml about the new project, and takes out what they find fault with. */
import type { WarehouseFault } from '../model/warehouse/resolving.js';
import type { SqlReader } from '../model/warehouse/sql-reader.js';
import { findProjectFaults } from '../project/project-faults.js';
import type { Refusal } from './findings.js';
import { type Layout, layOut } from './layout.js';
import type { Draft } from './project-draft.js';
import { originalLine } from './sql-lines.js';

/** @throws an error where a fault is in no part of the project that could be taken out */
export function dropFaulty(draft: Draft, layers: Layout['layers'], sql: SqlReader): Layout {
  for (;;) {
    draft.dropReaders();
    const layout = layOut(draft, layers);
    const faults = findProjectFaults(layout.value, layout.texts, sql);
    if (faults.length === 0) return layout;
    if (faults.filter((fault) => drop(draft, layout, fault)).length === 0) {
      throw new Error(`the new project is faulty: ${JSON.stringify(faults[0])}`);
    }
  }
}

/** @returns whether something was taken out */
function drop(draft: Draft, layout: Layout, fault: WarehouseFault): boolean {
  const refusal: Refusal = {
    reason: `edp does not take it: ${fault.message}`,
    instead: 'mend it, and convert again',
  };
  if ('file' in fault) {
    const task = layout.taskOfFile.get(fault.file);
    if (task !== undefined) {
      draft.dropTask(task.target.id, refusal, originalLine(task.sql, fault.line));
      return true;
    }
    const check = draft.checks.find(
      ({ sql }) => sql !== undefined && `sql/checks/${sql.name}.sql` === fault.file,
    );
    if (check !== undefined) draft.dropCheck(check, refusal);
    return check !== undefined;
  }
  const [section, name, index] = fault.path;
  if (section === 'checks' && typeof index === 'number') {
    const check = layout.checksOf.get(String(name))?.[index];
    if (check !== undefined) draft.dropCheck(check, refusal);
    return check !== undefined;
  }
  if (section === 'checks') {
    const checks = layout.checksOf.get(String(name)) ?? [];
    for (const check of checks) draft.dropCheck(check, refusal);
    return checks.length > 0;
  }
  if (section === 'tables') {
    const seed = [...draft.seeds.values()].find(({ target }) => target.name === name);
    if (seed !== undefined) draft.dropSeed(seed.target.id, refusal);
    return seed !== undefined;
  }
  const task = [...draft.tasks.values()].find(
    (one) => one.section === section && one.target.relation.name === name,
  );
  if (task !== undefined) draft.dropTask(task.target.id, refusal);
  return task !== undefined;
}
