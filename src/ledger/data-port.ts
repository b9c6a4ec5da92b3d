/**
 * What every place with data answers: where a person occurs in it, how to erase that, and how old its
 * data is.
 */
import type pg from 'pg';

/** A person, or another thing that data is about. */
export interface Subject {
  /** Its natural id, as files have it. */
  readonly id: string;
  /** Further texts that identify it, such as its e-mail address. */
  readonly values?: readonly string[];
}

/** A place at which a subject occurs. */
export interface Occurrence {
  readonly loadId: number | undefined;
  /** For people: a line of a file, a key. */
  readonly place: string;
}

/** An answer that this version does not have. */
export interface NotYet {
  readonly notYet: string;
}

/** The data says nothing of subjects. */
export interface HoldsNone {
  readonly holdsNone: string;
}

export interface DataPort {
  /** `schema.table`, or the kind of data. */
  readonly data: string;
  readonly find:
    | ((client: pg.Client, subject: Subject) => Promise<Occurrence[]>)
    | NotYet
    | HoldsNone;
  readonly erase: ((client: pg.Client, subject: Subject) => Promise<number>) | NotYet | HoldsNone;
  /** SQL of the time from which an entry counts as old; null where it is kept as long as the database. */
  readonly dates: (() => string | null) | NotYet;
}
