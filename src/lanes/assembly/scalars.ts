/** Values without quotes of their own, by the operation of the column that they go into. */
import { encodeBoolean } from './booleans';
import { LEAVE } from './bytes';
import { encodeFloat } from './floats';
import { Integer } from './integers';
import {
  BOOLEAN,
  DATE,
  FLOAT4,
  FLOAT8,
  INT16,
  INT32,
  INT64,
  NUMERIC,
  TIMESTAMP,
  UUID,
} from './layout';
import { encodeNumeric } from './numerics';
import { encodeDate, encodeTimestamp } from './timestamps';
import { encodeUuid } from './uuids';

/**
 * Writes the value that begins at `at`. The caller checks what follows it: a value that continues
 * there was not this value.
 *
 * @returns the address behind it; LEAVE, with nothing written, where there is no value
 */
export class Scalar {
  @inline
  static encode(at: usize, operation: i32): usize {
    switch (operation) {
      case INT16:
      case INT32:
      case INT64:
        return Integer.encode(at, operation);
      case TIMESTAMP:
        return encodeTimestamp(at);
      case FLOAT4:
      case FLOAT8:
        return encodeFloat(at, operation === FLOAT4);
      case NUMERIC:
        return encodeNumeric(at);
      case BOOLEAN:
        return encodeBoolean(at);
      case DATE:
        return encodeDate(at);
      case UUID:
        return encodeUuid(at);
      default:
        return LEAVE;
    }
  }
}
