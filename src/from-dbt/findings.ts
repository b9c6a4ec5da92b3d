/** What became of each part of a dbt project. */

/** A place in the dbt project. */
export interface DbtPlace {
  /** Relative to its folder, with `/`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export type DbtKind =
  | 'model'
  | 'seed'
  | 'source'
  | 'snapshot'
  | 'test'
  | 'exposure'
  | 'metric'
  | 'macro'
  | 'package'
  | 'analysis'
  | 'unit test'
  | 'setting';

export interface Taken {
  readonly kind: DbtKind;
  readonly name: string;
  readonly place: DbtPlace;
  /** What it is in the new project. */
  readonly became: string;
  /** What is different there. */
  readonly note?: string;
}

export interface NotTaken {
  readonly kind: DbtKind;
  readonly name: string;
  readonly place: DbtPlace;
  readonly reason: string;
  /** What to do about it. */
  readonly instead: string;
  /** The file of its SQL, where all of it is converted and only what it reads is missing. */
  readonly waiting?: string;
}

/** Why something cannot be taken. */
export type Refusal = Pick<NotTaken, 'reason' | 'instead'>;

export class Findings {
  readonly taken: Taken[] = [];
  readonly notTaken: NotTaken[] = [];

  take(taken: Taken): void {
    this.taken.push(taken);
  }

  refuse(
    kind: DbtKind,
    name: string,
    place: DbtPlace,
    { reason, instead }: Refusal,
    waiting?: string,
  ): void {
    const rest = waiting === undefined ? {} : { waiting };
    this.notTaken.push({ kind, name, place, reason, instead, ...rest });
  }
}

export function isRefusal<T extends object>(value: T | Refusal): value is Refusal {
  return 'reason' in value && 'instead' in value;
}
