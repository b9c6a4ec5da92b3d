/**
 * JSON: an array with an object for every row, one to a line.
 *
 * Numbers are written with the digits the server sent, so that no bigint or numeric loses any;
 * NaN and Infinity, for which JSON has no number, are strings. JSON columns are inserted unchanged.
 */
import { assertDifferentNames } from './different-names.js';
import type { ReportWriter, ResultColumn } from './report-writer.js';

const BOOL_OID = 16;
/** int8, int2, int4, oid, float4, float8, numeric */
const NUMBER_OIDS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);
/** json, jsonb */
const JSON_OIDS: ReadonlySet<number> = new Set([114, 3802]);

/** https://www.rfc-editor.org/rfc/rfc8259#section-6 */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

type Encoder = (text: string) => string;

function encoderFor(typeOid: number): Encoder {
  if (NUMBER_OIDS.has(typeOid)) return (text) => (NUMBER.test(text) ? text : JSON.stringify(text));
  if (JSON_OIDS.has(typeOid)) return (text) => text;
  if (typeOid === BOOL_OID) return (text) => (text === 't' ? 'true' : 'false');
  return JSON.stringify;
}

/**
 * @throws EdpError `report_failed` if two columns share a name, because an object cannot have both
 */
export function jsonWriter(columns: readonly ResultColumn[]): ReportWriter {
  const names = columns.map((column) => column.name);
  assertDifferentNames(names);
  const encoders = columns.map((column) => encoderFor(column.typeOid));
  const keys = names.map((name) => `${JSON.stringify(name)}:`);
  let separator = '\n';
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => '[',
    rows(batch) {
      let text = '';
      for (const row of batch) {
        const members = row.map(
          (value, i) => `${keys[i]}${value === null ? 'null' : encoders[i]?.(value)}`,
        );
        text += `${separator}{${members.join(',')}}`;
        separator = ',\n';
      }
      return text;
    },
    tail: () => (separator === '\n' ? ']\n' : '\n]\n'),
  };
}
