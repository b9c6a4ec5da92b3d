/** Errors of the server, and what edp says of them. */
import { describe, expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { explainServerError } from '../../src/postgres/server-errors.js';

const failure = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('what the server does not have', () => {
  it.each([
    ['42P01', 'relation "edp.receipts" does not exist'],
    ['42703', 'column edp.loads.attempt does not exist'],
    ['42883', 'function edp.make_partitions(regclass) does not exist'],
  ])('of the ledger: %s leads to edp doctor', (code, message) => {
    const explained = explainServerError(failure(code, message));
    expect(explained).toBeInstanceOf(EdpError);
    expect(explained).toMatchObject({
      code: 'database_refused',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('edp doctor'),
    });
  });

  it.each(['relation "edpx" does not exist', 'relation "sales.edp" does not exist'])(
    'of somebody else says enough itself: %s',
    (message) => {
      const error = failure('42P01', message);
      expect(explainServerError(error)).toBe(error);
    },
  );
});
