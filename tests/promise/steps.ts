/** What happens to a warehouse: steps as plain data, so that a failing sequence can be made smaller. */
import type { Random } from '../faults/random.js';
import { BRONZE_NAMES, type BronzeName, EFFECTIVE, makeRows, type Row } from './bronze.js';
import { namesOf, type Project, redeclare } from './project.js';

export type Step =
  | {
      readonly op: 'load';
      readonly table: BronzeName;
      readonly rows: readonly Row[];
      readonly updates: boolean;
      readonly halves: boolean;
      readonly effective: string;
    }
  /** The last load is -1. */
  | { readonly op: 'undo'; readonly which: number }
  | {
      readonly op: 'replace';
      readonly table: BronzeName;
      readonly rows: readonly Row[];
      readonly effective: string;
    }
  | { readonly op: 'promote'; readonly column: string; readonly value: string | null }
  | {
      readonly op: 'declare';
      readonly section: keyof Project;
      readonly name: string;
      readonly spec: unknown;
    }
  | {
      readonly op: 'part';
      readonly tasks: readonly string[];
      readonly only: boolean;
      readonly full: boolean;
      readonly dates?: readonly [string, string];
    }
  /** Somebody renames what a task made. */
  | { readonly op: 'aside'; readonly task: string }
  | { readonly op: 'kill'; readonly after: number }
  | { readonly op: 'two'; readonly full: boolean }
  /** A run of an environment; production is as it was. */
  | { readonly op: 'beside'; readonly full: boolean }
  /** The environment becomes production, if it may. */
  | { readonly op: 'swap' }
  | { readonly op: 'run'; readonly full: boolean };

const RANGES: readonly (readonly [string, string])[] = [
  ['2024-02-01', '2024-02-01'],
  ['2024-01-30', '2024-02-02'],
  ['2024-02-28', '2024-04-01'],
];

export function makeStep(random: Random, project: Project, promoted: number): Step {
  const chance = random.next();
  // Members end where a load lacks them, and return with another one.
  const table = random.pick([...BRONZE_NAMES, 'people', 'people'] as const);
  if (chance < 0.34) {
    return {
      op: 'load',
      table,
      rows: makeRows(random, table),
      updates: random.next() < 0.7,
      halves: random.next() < 0.2,
      effective: random.pick(EFFECTIVE),
    };
  }
  if (chance < 0.42) return { op: 'undo', which: random.pick([-1, -1, random.below(8)]) };
  if (chance < 0.45) {
    const rows = makeRows(random, table);
    return { op: 'replace', table, rows, effective: random.pick(EFFECTIVE) };
  }
  if (chance < 0.47 && promoted < 2) {
    return { op: 'promote', column: `extra_${promoted + 1}`, value: random.pick([null, 'x']) };
  }
  if (chance < 0.54) {
    const declared = redeclare(random, project);
    return declared === undefined ? { op: 'run', full: false } : { op: 'declare', ...declared };
  }
  if (chance < 0.66) {
    const names = [
      ...namesOf(project),
      ...namesOf(project),
      'silver',
      'dimensions',
      'facts',
      'views',
    ];
    return {
      op: 'part',
      tasks: Array.from({ length: 1 + random.below(2) }, () => random.pick(names)),
      only: random.next() < 0.6,
      full: random.next() < 0.15,
      ...(random.next() < 0.35 ? { dates: random.pick(RANGES) } : {}),
    };
  }
  if (chance < 0.68) return { op: 'aside', task: random.pick(namesOf(project)) };
  if (chance < 0.72) return { op: 'kill', after: random.below(250) };
  if (chance < 0.77) return { op: 'two', full: random.next() < 0.2 };
  if (chance < 0.84) return { op: 'beside', full: random.next() < 0.1 };
  if (chance < 0.89) return { op: 'swap' };
  return { op: 'run', full: random.next() < 0.08 };
}

export function describeStep(step: Step): string {
  return JSON.stringify(step);
}
