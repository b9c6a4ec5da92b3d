/** The values that a session sends and receives, in JavaScript. */
import pg from 'pg';
import { type TextForm, textFormOf, writeValues } from './server-encoding.js';

const INT8_OID = 20;
const JSON_OIDS: ReadonlySet<number> = new Set([114, 3802]);
const INTEGER_OIDS: ReadonlySet<number> = new Set([21, 23, 26]);
const BOOL_OID = 16;
const BYTEA_OID = 17;
const ARRAY_OIDS: ReadonlySet<number> = new Set([1005, 1007, 1009, 1016]);

/**
 * bigint is a number (all of edp's counts and offsets are below 2^53), timestamps and numerics are
 * the server's text.
 */
export class SessionValues {
  #form: TextForm | undefined;

  readonly types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') => {
      if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
      if (oid === INT8_OID) return Number;
      if (INTEGER_OIDS.has(oid) || oid === BOOL_OID || oid === BYTEA_OID) {
        return pg.types.getTypeParser(oid, 'text');
      }
      if (JSON_OIDS.has(oid) || ARRAY_OIDS.has(oid)) {
        const parse = pg.types.getTypeParser(oid, 'text');
        return (text: string) => parse(this.#read(text));
      }
      return (text: string) => this.#read(text);
    },
  } as pg.CustomTypesConfig;

  /**
   * Lets a session write what its database has no characters for, and read it back.
   *
   * @param reads else it reads texts as they are stored
   */
  adapt(client: pg.Client, encoding: string, reads: boolean): void {
    const form = textFormOf(encoding);
    if (form === undefined) return;
    if (reads) this.#form = form;
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((first: unknown, ...rest: unknown[]) => {
      const written = rest.map((value) =>
        Array.isArray(value) ? writeValues(value, form) : value,
      );
      const { values } = first as { values?: unknown[] };
      // A stream of COPY, which is an object with methods, is passed on as it is.
      const isPlain = Object.getPrototypeOf(first) === Object.prototype && Array.isArray(values);
      return query(
        isPlain ? { ...(first as object), values: writeValues(values, form) } : first,
        ...written,
      );
    }) as pg.Client['query'];
  }

  #read(text: string): string {
    return this.#form === undefined ? text : this.#form.read(text);
  }
}
