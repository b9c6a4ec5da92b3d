/** The new project while it is made: what is in it so far, and what falls out of it again. */
import type { Proposal } from '../infer/propose.js';
import type { SqlFolder } from '../model/warehouse/project-sql.js';
import type { DbtTarget } from './dbt-target.js';
import type { YamlMap } from './dbt-yaml.js';
import type { DbtPlace, Findings, Refusal } from './findings.js';
import type { MappedSql } from './sql-lines.js';

export interface DraftSeed {
  readonly target: DbtTarget;
  readonly name: string;
  readonly place: DbtPlace;
  readonly proposal: Proposal;
  /** As under `tables:`. */
  readonly entry: Record<string, unknown>;
  /** Where its file is copied to. */
  readonly copy: string;
  note?: string;
}

/** A model or a view of edp. */
export interface DraftTask {
  readonly target: DbtTarget;
  /** In dbt. */
  readonly name: string;
  readonly place: DbtPlace;
  readonly sql: MappedSql;
  /** Ids of what its SQL reads. */
  readonly reads: readonly string[];
  readonly notes: string[];
  section: Exclude<SqlFolder, 'checks'>;
  entry: Record<string, unknown>;
}

export interface DraftCheck {
  /** Of the table that is checked. */
  readonly target: DbtTarget;
  readonly name: string;
  readonly place: DbtPlace;
  readonly entry: YamlMap;
  /** For sql/checks/. */
  readonly sql?: { readonly name: string; readonly text: MappedSql };
  readonly reads: readonly string[];
}

export class Draft {
  readonly findings: Findings;
  /** By id, as in {@link DbtTarget}. */
  readonly seeds = new Map<string, DraftSeed>();
  readonly tasks = new Map<string, DraftTask>();
  readonly checks: DraftCheck[] = [];
  /** File → text, of SQL that waits for what it reads. */
  readonly waiting = new Map<string, string>();

  constructor(findings: Findings) {
    this.findings = findings;
  }

  dropTask(id: string, refusal: Refusal, line?: number): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    this.tasks.delete(id);
    const place = line === undefined ? task.place : { ...task.place, line };
    this.findings.refuse('model', task.name, place, refusal);
  }

  dropSeed(id: string, refusal: Refusal): void {
    const seed = this.seeds.get(id);
    if (seed === undefined) return;
    this.seeds.delete(id);
    this.findings.refuse('seed', seed.name, seed.place, refusal);
  }

  dropCheck(check: DraftCheck, refusal: Refusal): void {
    const at = this.checks.indexOf(check);
    if (at < 0) return;
    this.checks.splice(at, 1);
    this.findings.refuse('test', check.name, check.place, refusal);
  }

  /** Takes out what reads something that is not there. */
  dropReaders(): void {
    for (;;) {
      const found = [...this.tasks].find(([, { reads }]) => this.#findMissing(reads) !== undefined);
      if (found === undefined) break;
      const [id, task] = found;
      this.tasks.delete(id);
      const { section, target, sql, entry, name, place } = task;
      const file = `sql/waiting/${section}/${target.relation.name}.sql`;
      this.waiting.set(file, sql.text);
      const declared = `${target.relation.name}: ${JSON.stringify(entry)}`;
      const refusal = {
        reason: `it reads ${describeId(this.#findMissing(task.reads)!)}, which was not taken`,
        instead: `when that is there, move ${file} to sql/${section}/, and add to ${section}: ${declared}`,
      };
      this.findings.refuse('model', name, place, refusal, file);
    }
    for (const check of [...this.checks]) {
      const missing = this.#findMissing([check.target.id, ...check.reads]);
      if (missing === undefined) continue;
      const refusal = {
        reason: `it asks ${describeId(missing)}, which was not taken`,
        instead: `add it under checks: when that is there: ${JSON.stringify(check.entry)}`,
      };
      this.dropCheck(check, refusal);
    }
  }

  #findMissing(ids: readonly string[]): string | undefined {
    return ids.find(
      (id) => !id.startsWith('source.') && !this.tasks.has(id) && !this.seeds.has(id),
    );
  }
}

function describeId(id: string): string {
  const [kind, ...name] = id.split('.');
  return `the ${kind} ${name.join('.')}`;
}
