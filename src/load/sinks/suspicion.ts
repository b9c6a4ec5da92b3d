/**
 * Tells refusals of single records from a fault that all records meet. Some SQLSTATEs are about either: a
 * function that does not exist stops every record; the same code, raised by a trigger for one record
 * while others pass, is about that one.
 */
import type { DatabaseError } from 'pg';
import { isAboutRecord } from '../../postgres/sqlstate.js';

/** Records that are tried one by one, where all meet such a refusal, before it is taken for a fault. */
const MAX_SUSPECTS = 1000;

export class Suspicion {
  #hasPassed = false;
  #suspects = 0;
  #first: DatabaseError | undefined;

  /** Some record was taken. */
  pass(): void {
    this.#hasPassed = true;
  }

  /** A record was refused alone. @throws the error, where no record passes */
  note(error: DatabaseError): void {
    if (isAboutRecord(error)) {
      this.#hasPassed = true;
      return;
    }
    this.#first ??= error;
    if (++this.#suspects >= MAX_SUSPECTS) this.conclude();
  }

  /** @throws the first such refusal, where no record has passed */
  conclude(): void {
    if (this.#first !== undefined && !this.#hasPassed) throw this.#first;
  }
}
