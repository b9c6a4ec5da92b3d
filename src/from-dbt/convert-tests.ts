/** Tests → checks. */

import { CHECK_KINDS } from '../model/warehouse/check-schema.js';
import { isSqlFault, type SqlReader } from '../model/warehouse/sql-reader.js';
import { type DbtConfig, isEnabled } from './dbt-config.js';
import type { DbtNames } from './dbt-names.js';
import type { DbtNode, DbtProject } from './dbt-nodes.js';
import type { DbtTarget } from './dbt-target.js';
import type { YamlMap } from './dbt-yaml.js';
import { isRefusal, type Refusal } from './findings.js';
import { convertTest } from './generic-tests.js';
import { parseJinja, referenceOf } from './jinja-value.js';
import { evaluateText } from './jinja-variables.js';
import type { Draft, DraftCheck } from './project-draft.js';
import { renderJinja } from './render-jinja.js';
import { type MappedSql, originalLine } from './sql-lines.js';
import { listTestUses, type TestUse } from './test-uses.js';

export class TestConverter {
  readonly #draft: Draft;
  readonly #project: DbtProject;
  readonly #names: DbtNames;
  readonly #sql: SqlReader;
  readonly #files = new Set<string>();

  constructor(draft: Draft, project: DbtProject, names: DbtNames, sql: SqlReader) {
    this.#draft = draft;
    this.#project = project;
    this.#names = names;
    this.#sql = sql;
  }

  convertAll(): void {
    const { models, seeds, snapshots, settings, tests } = this.#project;
    const sections = [
      ['model', models],
      ['seed', seeds],
      ['snapshot', snapshots],
    ] as const;
    for (const [kind, nodes] of sections) {
      for (const { name, entry } of nodes) {
        const target = this.#names.targets.get(`${kind}.${name}`);
        if (target === undefined || entry === undefined) continue;
        for (const use of listTestUses(entry, settings)) this.convertUse(use, target, name);
      }
    }
    for (const { target, entry, index, table } of this.#names.sourceTables) {
      for (const use of listTestUses(entry, settings, ['tables', index])) {
        this.convertUse(use, target, String(table.name));
      }
    }
    for (const node of tests) this.#convertFile(node);
  }

  /** @param owner the name in dbt of what is tested */
  convertUse(use: TestUse, target: DbtTarget, owner: string): void {
    if (!isEnabled(use.config)) return;
    const parts = [use.kind, owner, use.column].filter((part) => part !== undefined);
    const shown = use.name ?? parts.join(' ');
    const made = this.#toCheck(use, target, owner, shown);
    if (isRefusal(made)) this.#draft.findings.refuse('test', shown, use.place, made);
    else this.#add(made);
  }

  #toCheck(
    { kind, name, column, config, place, values: written }: TestUse,
    target: DbtTarget,
    owner: string,
    shown: string,
  ): DraftCheck | Refusal {
    const severity = severityOf(config);
    if (typeof severity !== 'string') return severity;
    const values = this.#evaluate(written);
    if (isRefusal(values)) return values;
    const where = config.where === undefined ? undefined : String(config.where);
    if (where !== undefined && /\{[{%]/.test(where)) {
      const instead = 'write the condition under checks:, with where:';
      return { reason: `where: ${where} is known to dbt alone`, instead };
    }
    const all = target.sql;
    const rows = where === undefined ? all : `(SELECT * FROM ${all} WHERE ${where}) AS narrowed`;
    const targetOf = (value: unknown) => this.#targetOf(value);
    const converted = convertTest(kind, { values, column, rows, targetOf });
    if (isRefusal(converted)) return converted;
    const reads = converted.reads === undefined ? [] : [converted.reads];
    const check = { target, name: shown, place, reads };
    const severe = severity === 'warn' ? { severity } : {};
    if ('check' in converted) {
      const narrowed = where === undefined ? {} : { where };
      const named = name === undefined ? {} : { name };
      return { ...check, entry: { ...converted.check, ...narrowed, ...severe, ...named } };
    }
    const text = { text: `${converted.sql}\n`, lines: [place.line] };
    const fault = this.#readFault(text);
    if (fault !== undefined) return fault;
    const words = [owner, kind.split('.').at(-1), column].filter((word) => word !== undefined);
    const file = this.#takeFile(name ?? words.join('_'));
    return { ...check, entry: { sql: file, ...severe }, sql: { name: file, text } };
  }

  #evaluate(values: YamlMap): YamlMap | Refusal {
    const evaluated: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(values)) {
      const isReference = typeof value !== 'string' || /\b(?:ref|source)\s*\(/.test(value);
      const found = isReference ? { value } : evaluateText(value, this.#project.settings.variables);
      if ('fault' in found) return { reason: `${key}: ${found.fault}`, instead: 'write the value' };
      evaluated[key] = found.value;
    }
    return evaluated;
  }

  /** @param value `ref('orders')`, with braces or without */
  #targetOf(value: unknown): DbtTarget | Refusal {
    const text = String(value).replace(/^\s*\{\{-?|-?\}\}\s*$/g, '');
    const reference = referenceOf(parseJinja(text));
    if (reference !== undefined) return this.#names.find(reference);
    return {
      reason: `${text} is no ref() and no source()`,
      instead: 'name the other table by ref()',
    };
  }

  #add(check: DraftCheck): void {
    const own = this.#draft.checks.filter(({ target }) => target.id === check.target.id);
    const names = new Set(own.map(({ entry }) => nameOfCheck(entry)));
    const name = nameOfCheck(check.entry);
    if (!names.has(name)) this.#draft.checks.push(check);
    else if (own.every(({ entry }) => JSON.stringify(entry) !== JSON.stringify(check.entry))) {
      const free = firstFree(name, names);
      this.#draft.checks.push({ ...check, entry: { ...check.entry, name: free } });
    }
  }

  #takeFile(wanted: string): string {
    const plain = wanted
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, '_')
      .slice(0, MAX_NAME);
    const name = firstFree(plain, this.#files);
    this.#files.add(name);
    return name;
  }

  #readFault(sql: MappedSql): (Refusal & { readonly line: number }) | undefined {
    const reading = this.#sql.readQuery(sql.text);
    if (!isSqlFault(reading)) return undefined;
    return {
      line: originalLine(sql, reading.line),
      reason: `PostgreSQL does not read it: ${reading.message}`,
      instead: 'write it in the SQL of PostgreSQL, as one SELECT',
    };
  }

  /** A file whose rows are failures. */
  #convertFile(node: DbtNode): void {
    if (/\{%-?\s*(?:test|macro|data_test)\s/.test(node.text)) return;
    const refused = this.#convertRows(node);
    if (refused === undefined) return;
    const { line = 1, ...refusal } = refused;
    this.#draft.findings.refuse('test', node.name, { file: node.file, line }, refusal);
  }

  #convertRows(node: DbtNode): (Refusal & { readonly line?: number }) | undefined {
    const targets: DbtTarget[] = [];
    const rendered = renderJinja(node.text, {
      variables: this.#project.settings.variables,
      file: `sql/checks/${node.name}.sql`,
      nameOf: (call) => {
        const found = this.#names.find(call);
        if (isRefusal(found)) return found;
        targets.push(found);
        return found.sql;
      },
    });
    if (isRefusal(rendered)) return rendered;
    const { config } = node;
    if (!isEnabled(config)) return undefined;
    const severity = severityOf(config);
    if (typeof severity !== 'string') return severity;
    const fault = this.#readFault(rendered.sql);
    if (fault !== undefined) return fault;
    const target = this.#lastOf(targets);
    if (target === undefined) {
      return {
        reason: 'it reads no model and no source, so it is the check of no table',
        instead: 'name the table that it is about',
      };
    }
    const name = this.#takeFile(node.name);
    const entry = { sql: name, ...(severity === 'warn' ? { severity } : {}) };
    const place = { file: node.file, line: 1 };
    const reads = targets.map(({ id }) => id);
    this.#add({ target, name: node.name, place, reads, entry, sql: { name, text: rendered.sql } });
    return undefined;
  }

  /** The one that is made of others, where one of them is. */
  #lastOf(targets: readonly DbtTarget[]): DbtTarget | undefined {
    const depth = (id: string, seen: readonly string[] = []): number => {
      const reads = seen.includes(id) ? [] : (this.#draft.tasks.get(id)?.reads ?? []);
      return id.startsWith('model.')
        ? 1 + Math.max(0, ...reads.map((one) => depth(one, [...seen, id])))
        : 0;
    };
    return [...targets].sort((a, b) => depth(b.id) - depth(a.id))[0];
  }
}

const MAX_NAME = 56;

function severityOf(config: DbtConfig): 'error' | 'warn' | Refusal {
  const threshold = ['error_if', 'warn_if', 'fail_calc'].find((key) => {
    const value = config[key];
    return value !== undefined && !/^\s*(?:!=|<>|>)\s*0\s*$|^count\(\*\)$/.test(String(value));
  });
  if (threshold !== undefined) {
    return {
      reason: `a check of edp fails with its first row, and has no ${threshold}`,
      instead:
        'write sql/checks/NAME.sql that gives rows where there are too many (HAVING count(*) > …)',
    };
  }
  return /^warn$/i.test(String(config.severity)) ? 'warn' : 'error';
}

/** As edp names it by default. */
function nameOfCheck(entry: YamlMap): string {
  if (typeof entry.name === 'string') return entry.name;
  const kind = CHECK_KINDS.find((one) => entry[one] !== undefined)!;
  const value = entry[kind];
  if (kind === 'sql') return String(value);
  if (kind === 'row_count') return kind;
  const columns =
    typeof value === 'string' || Array.isArray(value) ? value : (value as YamlMap).column;
  return [kind, ...[columns].flat()].join('_');
}

function firstFree(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
  return free;
}
